/**
 * Prefill: keys and values of everything before the first new token.
 *
 * Owns: which contexts are computed together, and that equal ones are computed once. The graph is in
 * rolloutGraph.ts; sampler.ts takes the rows.
 */
import type { Outputs } from '#core/tensor/runtime.ts';
import { type Tensor, int64 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import { tokenPositions } from '#core/model/vision/geometry.ts';
import type { ImageInput, RolloutJob } from './api.ts';
import { checkImageTokens, featureFeed, imageTokenFeeds } from './imageFeeds.ts';
import type { KeyValueCache } from './keyValueCache.ts';
import { attentionParts, causalMask } from './microBatch.ts';
import { type ModelState, modelFeeds, shapeOf } from './modelState.ts';
import { buildPrefillGraph } from './rolloutGraph.ts';
import type { SessionCache } from './sessionCache.ts';

/** Everything before the first new token of a job, shared by the jobs that have the same. */
interface Context<Row> {
  ids: Int32Array;
  images: readonly ImageInput[];
  users: number;
  cached: CachedRow<Row> | undefined;
}

/** A context that is computed. */
export interface CachedRow<Row> {
  length: number;
  /** The next token has the position length + positionDelta; not 0 after images (vision/geometry.ts). */
  positionDelta: number;
  place: Row;
}

/**
 * Keys and values of contexts, each computed once for all jobs that share it (a group's samples share
 * their prompt). The last token of a context is left to the loop, which samples after it.
 */
export class PrefillQueue<Row> {
  readonly #sessions: SessionCache;
  readonly #state: ModelState;
  readonly #tokenBudget: number;
  readonly #keys: readonly string[];
  readonly #cache: KeyValueCache<Row>;
  readonly #contexts = new Map<string, Context<Row>>();

  /** @param cache where the rows go */
  constructor(
    sessions: SessionCache,
    state: ModelState,
    jobs: readonly RolloutJob[],
    tokenBudget: number,
    cache: KeyValueCache<Row>,
  ) {
    this.#sessions = sessions;
    this.#state = state;
    this.#cache = cache;
    this.#tokenBudget = tokenBudget;
    this.#keys = jobs.map(({ promptIds, prefixIds, images = [] }) => {
      checkPrompt(promptIds, state.config.vocabSize);
      checkImageTokens(state.config, promptIds, images);
      const ids = Int32Array.of(...promptIds, ...prefixIds).subarray(0, -1);
      const key = [ids.join(), ...images.map((image) => image.key)].join(' ');
      const known = this.#contexts.get(key);
      if (known === undefined) this.#contexts.set(key, { ids, images, users: 1, cached: undefined });
      else known.users++;
      return key;
    });
  }

  async take(job: number): Promise<CachedRow<Row>> {
    const key = this.#keys[job]!;
    if (this.#contexts.get(key)!.cached === undefined) await this.#prefillFrom(key);
    const context = this.#contexts.get(key)!;
    if (--context.users === 0) this.#contexts.delete(key);
    return context.cached!;
  }

  /** Prefills the wanted context together with those that follow, as far as the budget goes. */
  async #prefillFrom(first: string): Promise<void> {
    const waiting = [...this.#contexts].filter(([key, { cached }]) => key === first || cached === undefined);
    const start = waiting.findIndex(([key]) => key === first);
    const chosen: Context<Row>[] = [];
    let length = 0;
    for (const [, context] of waiting.slice(start)) {
      const widened = Math.max(length, context.ids.length);
      if (chosen.length > 0 && widened * (chosen.length + 1) > this.#tokenBudget) break;
      length = widened;
      chosen.push(context);
    }
    const outputs = length > 0 ? await this.#run(chosen, length) : null;
    const rows = chosen.map(({ ids, users }) => ({ length: ids.length, users }));
    const places = this.#cache.rowsOf(outputs, rows);
    chosen.forEach((context, i) => {
      context.cached = {
        length: context.ids.length,
        positionDelta: this.#positionDelta(context),
        place: places[i]!,
      };
    });
  }

  #positionDelta({ ids, images }: Context<Row>): number {
    if (images.length === 0) return 0;
    const grids = images.map(({ grid }) => grid);
    return tokenPositions(ids, grids, this.#state.config.multimodal!).delta;
  }

  async #run(batch: readonly Context<Row>[], longest: number): Promise<Outputs> {
    const parts = attentionParts(longest);
    const length = Math.ceil(longest / parts) * parts;
    const images = batch.flatMap((context) => context.images);
    const withImages = images.length > 0;
    const session = await this.#sessions.get(
      this.#state,
      `prefill ${withImages} ${parts > 1}`,
      () => buildPrefillGraph(shapeOf(this.#state), withImages, parts > 1),
      this.#cache.keep,
    );
    const ids = new Int32Array(batch.length * length);
    batch.forEach((context, b) => ids.set(context.ids, b * length));
    return session.runKeeping({
      ...modelFeeds(this.#state, length),
      ids: int64(ids, [batch.length, length]),
      positions: int64(
        Int32Array.from(ids, (_, i) => i % length),
        [batch.length, length],
      ),
      mask: causalMask(length, parts),
      ...(withImages ? await this.#imageFeeds(batch, images, length) : {}),
    });
  }

  async #imageFeeds(
    batch: readonly Context<Row>[],
    images: readonly ImageInput[],
    length: number,
  ): Promise<Record<string, Tensor>> {
    const features = await featureFeed(this.#sessions, this.#state, images);
    const rows = batch.map(({ ids, images: own }) => ({ start: 0, ids, grids: own.map(({ grid }) => grid) }));
    return { ...features, ...imageTokenFeeds(this.#state.config, rows, length) };
  }
}

function checkPrompt(promptIds: Int32Array, vocabSize: number): void {
  if (promptIds.length === 0) throw new AresError('bad-data', 'A prompt has no tokens.');
  const stranger = promptIds.find((id) => id < 0 || id >= vocabSize);
  if (stranger === undefined) return;
  throw new AresError('bad-data', `A prompt has token ${stranger}, but the model knows only ${vocabSize} tokens.`, {
    hint: 'The tokenizer does not belong to this model: use the one it was trained with.',
  });
}
