/**
 * One trace looked at closely: the threshold in force, colours, the token under the cursor, what else was
 * likely there, and branches tried from it.
 *
 * Owns: what the person set (threshold, measure, scale, cursor), what follows from it, and the calls to the
 * model. Drawing is the components'.
 */
import { untrack } from 'svelte';
import type { Client, ContractError } from '#core/contract/client.ts';
import type { Alternatives, GeneratedResponse, Settings, Trace } from '#core/contract/contract.ts';
import { type ScaleName, resolveColour } from '#renderer/kit/colour.ts';
import { theme } from '#renderer/kit/theme.svelte.ts';
import { branchColumns } from './branches.ts';
import { type Judgement, judge, meansOf, ownThreshold } from './judgement.ts';
import { tokenDetails } from './tokenDetails.ts';
import type { TokenLook } from './tokenLook.ts';
import { type TokenMeasure, levelsOf, measured, rangeEnd } from './tokenMeasures.ts';
import { type Rgb, parseRgb, tokenPalette } from './tokenPalette.ts';

/** Alternatives per position. */
const ALTERNATIVES = 8;
/** Traces whose alternatives are kept. */
const KEPT = 8;
/** Colours go on to at least this many times the threshold. */
const RANGE_ABOVE_THRESHOLD = 1.5;
const WHITE: Rgb = [255, 255, 255];

export interface Branches {
  rolloutId: number;
  position: number;
  /** The token that was put there; null when it was drawn anew. */
  tokenId: number | null;
  temperature: number;
  model: string;
  branches: GeneratedResponse[];
}

export class TraceView {
  readonly #client: Client;
  readonly #trace: () => Trace | null;
  readonly #known = new Map<number, Alternatives>();

  measure = $state<TokenMeasure>('entropy');
  scale = $state<ScaleName>('viridis');
  /** The person's threshold; null follows the run. */
  ownThresholdNats = $state<number | null>(null);
  cursor = $state(0);
  hovered = $state<number | null>(null);
  view = $state.raw({ from: 0, to: 0 });
  alternatives = $state.raw<Alternatives | null>(null);
  alternativesState = $state<'none' | 'loading' | 'ready'>('none');
  alternativesError = $state.raw<ContractError | null>(null);
  /** The alternative a fork would take at the cursor; null to draw anew. */
  chosenToken = $state<number | null>(null);
  forkSamples = $state(4);
  forkTemperature = $state(1);
  forkMaxTokens = $state(256);
  #forks = 0;
  isForking = $state(false);
  forkError = $state.raw<ContractError | null>(null);
  branches = $state.raw<Branches | null>(null);

  readonly means = $derived.by(() => {
    const trace = this.#trace();
    return trace === null ? new Float64Array(0) : meansOf(trace);
  });
  readonly thresholdNats = $derived.by(() => {
    const trace = this.#trace();
    if (trace === null) return 0;
    return this.ownThresholdNats ?? trace.thresholdNats ?? ownThreshold(this.means, trace.thresholdQuantile);
  });
  readonly judgement = $derived.by((): Judgement | null => {
    const trace = this.#trace();
    return trace === null ? null : judge(trace, this.means, this.thresholdNats);
  });
  readonly values = $derived.by(() => {
    const trace = this.#trace();
    return trace === null ? new Float32Array(0) : measured(this.measure, trace, this.means);
  });
  /** The run's threshold, not the one being dragged, which must not move the colours. */
  readonly rangeEnd = $derived.by(() =>
    rangeEnd(this.measure, this.values, RANGE_ABOVE_THRESHOLD * (this.#trace()?.thresholdNats ?? 0)),
  );
  /** The sparkline shows windows and the threshold, whatever colours the tokens. */
  readonly sparklineEnd = $derived.by(() => {
    const trace = this.#trace();
    const most = trace === null ? 1 : rangeEnd('entropy', trace.entropiesNats);
    return Math.max(most, Math.ceil(10 * (trace?.thresholdNats ?? 0)) / 10);
  });
  readonly palette = $derived.by(() => {
    void theme.version;
    return tokenPalette(this.scale, parseRgb(resolveColour(document.body, 'var(--surface)')) ?? WHITE);
  });
  readonly levels = $derived(levelsOf(this.measure, this.values, this.rangeEnd));
  readonly look = $derived.by((): TokenLook | null => {
    const trace = this.#trace();
    const { judgement } = this;
    if (trace === null || judgement === null) return null;
    const { inWindow, triggers } = judgement;
    return { pieces: trace.pieces, levels: this.levels, palette: this.palette, inWindow, triggers };
  });
  /** The token the inspector shows: under the pointer, else under the cursor. */
  readonly shownToken = $derived(this.hovered ?? this.cursor);
  readonly details = $derived.by(() => this.detailsOf(this.shownToken));
  readonly branchLooks = $derived.by(() => {
    const trace = this.#trace();
    const { branches } = this;
    if (trace === null || branches === null || branches.rolloutId !== trace.rollout.rolloutId) return [];
    return branches.branches.map((branch) => {
      const columns = branchColumns(trace, branches.position, branch);
      const means = meansOf(columns);
      const judgement = judge(columns, means, this.thresholdNats);
      const values = measured(this.measure, columns, means);
      const from = branches.position;
      const look: TokenLook = {
        pieces: branch.pieces,
        levels: levelsOf(this.measure, values, this.rangeEnd).subarray(from),
        palette: this.palette,
        inWindow: judgement.inWindow.subarray(from),
        triggers: judgement.triggers.subarray(from),
      };
      return { branch, look, highEntropyCount: judgement.count.positions.length, lengthTokens: columns.ids.length };
    });
  });

  constructor(client: Client, trace: () => Trace | null, settings: Pick<Settings, 'tokenColour' | 'colourScale'>) {
    this.#client = client;
    this.#trace = trace;
    this.measure = settings.tokenColour;
    this.scale = settings.colourScale;
  }

  detailsOf(token: number) {
    const trace = this.#trace();
    const { judgement } = this;
    if (trace === null || judgement === null || token >= trace.pieces.length) return null;
    return tokenDetails(trace, this.means, judgement, this.alternatives, token);
  }

  /** Call when another trace is shown. */
  reset(): void {
    const trace = untrack(() => this.#trace());
    this.cursor = 0;
    this.hovered = null;
    this.chosenToken = null;
    this.alternativesError = null;
    this.forkError = null;
    this.branches = null;
    if (trace === null) return;
    this.alternatives = this.#known.get(trace.rollout.rolloutId) ?? null;
    this.alternativesState = this.alternatives === null ? 'none' : 'ready';
    this.forkTemperature = trace.temperature;
    this.forkMaxTokens = trace.maxNewTokens;
  }

  async loadAlternatives(): Promise<void> {
    const rolloutId = this.#trace()?.rollout.rolloutId;
    if (rolloutId === undefined || this.alternativesState !== 'none') return;
    this.alternativesState = 'loading';
    this.alternativesError = null;
    const isShown = () => this.#trace()?.rollout.rolloutId === rolloutId;
    try {
      const found = await this.#client.call('rollouts.alternatives', { rolloutId, k: ALTERNATIVES });
      this.#known.set(rolloutId, found);
      if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value!);
      if (!isShown()) return;
      this.alternatives = found;
      this.alternativesState = 'ready';
    } catch (thrown) {
      if (!isShown()) return;
      this.alternativesError = thrown as ContractError;
      this.alternativesState = 'none';
    }
  }

  /** Goes on from the cursor; each time with other random numbers, so that asking again shows others. */
  async fork(): Promise<void> {
    const rolloutId = this.#trace()?.rollout.rolloutId;
    if (rolloutId === undefined || this.isForking) return;
    const { cursor: position, chosenToken: tokenId, forkTemperature: temperature } = this;
    this.isForking = true;
    this.forkError = null;
    try {
      const { model, branches } = await this.#client.call('rollouts.fork', {
        rolloutId,
        position,
        tokenId,
        samples: this.forkSamples,
        temperature,
        maxNewTokens: this.forkMaxTokens,
        seed: ++this.#forks,
      });
      if (this.#trace()?.rollout.rolloutId === rolloutId)
        this.branches = { rolloutId, position, tokenId, temperature, model, branches };
    } catch (thrown) {
      this.forkError = thrown as ContractError;
    }
    this.isForking = false;
  }
}
