/**
 * Everything that can be said about one token of a trace.
 *
 * Owns: putting together what the trace, the judgement and the alternatives know of it, as values for the
 * inspector and as a sentence for a screen reader.
 */
import type { Alternatives, Trace } from '#core/contract/contract.ts';
import { type Judgement, triggerStates } from './judgement.ts';
import { shownText } from './tokenLayout.ts';

export interface Alternative {
  id: number;
  shown: string;
  probability: number;
  /** The token that was drawn. */
  isChosen: boolean;
}

export interface TokenDetails {
  /** From 1. */
  position: number;
  tokens: number;
  shown: string;
  id: number;
  entropyNats: number;
  /** Null where the window is incomplete. */
  windowNats: number | null;
  isHigh: boolean;
  probability: number;
  /** In the whole vocabulary, from 1; null before alternatives are loaded. */
  rank: number | null;
  trigger: string;
  alternatives: Alternative[] | null;
  /** Mass of all tokens that are not among the alternatives. */
  restProbability: number;
}

const triggerWords = {
  none: 'no',
  valid: 'valid: its window is above θ',
  invalid: 'invalid: its window is below θ',
  undecided: 'undecided: its window is incomplete',
} as const;

export function tokenDetails(
  trace: Pick<Trace, 'pieces' | 'ids' | 'logprobs' | 'entropiesNats'>,
  windowMeansNats: Float64Array,
  judgement: Judgement,
  alternatives: Alternatives | null,
  t: number,
): TokenDetails {
  const mean = windowMeansNats[t]!;
  const found = alternatives === null ? null : alternativesAt(alternatives, t, trace.ids[t]!);
  return {
    position: t + 1,
    tokens: trace.pieces.length,
    shown: shownText(trace.pieces[t]!),
    id: trace.ids[t]!,
    entropyNats: trace.entropiesNats[t]!,
    windowNats: Number.isNaN(mean) ? null : mean,
    isHigh: mean >= judgement.thresholdNats,
    probability: Math.exp(trace.logprobs[t]!),
    rank: alternatives?.ranks[t] ?? null,
    trigger: triggerWords[triggerStates[judgement.triggers[t]!]!],
    alternatives: found,
    restProbability:
      found === null
        ? 1
        : Math.max(
            0,
            found.reduce((rest, { probability }) => rest - probability, 1),
          ),
  };
}

function alternativesAt({ k, ids, logprobs, pieces }: Alternatives, t: number, chosen: number): Alternative[] {
  const texts = textsOf(pieces);
  return Array.from({ length: k }, (_, i) => {
    const id = ids[t * k + i]!;
    return {
      id,
      shown: shownText(texts.get(id) ?? ''),
      probability: Math.exp(logprobs[t * k + i]!),
      isChosen: id === chosen,
    };
  });
}

/** One table per answer: the pieces of a whole trace are looked up again and again. */
const tables = new WeakMap<Alternatives['pieces'], Map<number, string>>();
function textsOf(pieces: Alternatives['pieces']): Map<number, string> {
  let table = tables.get(pieces);
  if (table === undefined) tables.set(pieces, (table = new Map(pieces.map(({ id, text }) => [id, text]))));
  return table;
}

/** A probability in as few figures as matter. */
export function percent(probability: number): string {
  const share = 100 * probability;
  if (share >= 9.95) return `${share.toFixed(1)} %`;
  return share >= 0.01 ? `${share.toFixed(2)} %` : '< 0.01 %';
}

/** As a screen reader says it. */
export function spokenDetails({
  shown,
  position,
  tokens,
  entropyNats,
  windowNats,
  isHigh,
  trigger,
}: TokenDetails): string {
  const window = windowNats === null ? 'window incomplete' : `window ${windowNats.toFixed(2)}`;
  const parts = [
    `${shown.trim() === '' ? 'space' : shown.trim()}, token ${position} of ${tokens}`,
    `entropy ${entropyNats.toFixed(2)} nats`,
    `${window}${isHigh ? ', above the threshold' : ''}`,
    ...(trigger === 'no' ? [] : [`trigger word, ${trigger.split(':')[0]!}`]),
  ];
  return parts.join(', ');
}
