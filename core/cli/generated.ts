/**
 * Generated responses one by one: as JSON and as a table of tokens.
 */
import type { RolloutColumns, RolloutJob } from '#core/engine/api.ts';
import type { Tokenizer } from '#core/model/tokenizer.ts';
import { alignColumns } from './columns.ts';

export interface Alternative {
  id: number;
  logprob: number;
}

export interface GeneratedResponse {
  /** Index of the prompt, and of the sample among its samples; from 0. */
  prompt: number;
  sample: number;
  /** Without special tokens; `ids` has them. */
  text: string;
  ids: number[];
  /** ln p over the whole vocabulary at the sampling temperature. */
  logprobs: number[];
  /** Over the whole vocabulary at the sampling temperature. */
  entropiesNats: number[];
  /** Whether a stop token ended it, and not the length limit. */
  stopped: boolean;
  /** Per token, most likely first. */
  alternatives?: Alternative[][];
}

/** @param alternatives how many there are per token */
export function splitResponses(
  columns: RolloutColumns,
  jobs: readonly RolloutJob[],
  alternatives: number,
  tokenizer: Tokenizer,
): GeneratedResponse[] {
  let offset = 0;
  return jobs.map(({ promptKey, sampleKey }, i) => {
    const start = offset;
    const length = columns.lengths[i]!;
    offset += length;
    const ids = columns.ids.subarray(start, offset);
    return {
      prompt: promptKey,
      sample: sampleKey,
      text: tokenizer.decode(ids, { skipSpecial: true }),
      ids: [...ids],
      logprobs: [...columns.logprobs.subarray(start, offset)],
      entropiesNats: [...columns.entropiesNats.subarray(start, offset)],
      stopped: columns.stopped[i] === 1,
      ...(alternatives === 0
        ? {}
        : { alternatives: Array.from({ length }, (_, t) => alternativesAt(columns, start + t, alternatives)) }),
    };
  });
}

function alternativesAt(
  { alternativeIds, alternativeLogprobs }: RolloutColumns,
  token: number,
  count: number,
): Alternative[] {
  return Array.from({ length: count }, (_, k) => ({
    id: alternativeIds![token * count + k]!,
    logprob: alternativeLogprobs![token * count + k]!,
  }));
}

/** One line per token: its text, probability and entropy, and the alternatives where there are any. */
export function tokenTable(response: GeneratedResponse, tokenizer: Tokenizer): string[] {
  const shown = (id: number) => JSON.stringify(tokenizer.decodeToken(id));
  const rows = response.ids.map((id, t) => [
    String(t),
    shown(id),
    probability(response.logprobs[t]!),
    response.entropiesNats[t]!.toFixed(3),
    (response.alternatives?.[t] ?? []).map((other) => `${shown(other.id)} ${probability(other.logprob)}`).join('  '),
  ]);
  const header = ['#', 'token', 'p', 'entropy (nats)', response.alternatives === undefined ? '' : 'most likely'];
  return alignColumns([header, ...rows], ['right', 'left', 'right', 'right', 'left']);
}

function probability(logprob: number): string {
  return Math.exp(logprob).toFixed(3);
}
