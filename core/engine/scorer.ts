/**
 * Log-probs and entropies of given responses under a model, by teacher forcing.
 *
 * Owns: running the SCORE graph over ragged sequences. It never changes a weight.
 */
import type { Tensor } from '#core/tensor/types.ts';
import type { ScoreColumns, ScoreRequest } from './api.ts';
import { imageFeeds } from './imageFeeds.ts';
import { type PartLimits, buildMicroBatch, planMicroBatches, responseOffsets, scatterColumn } from './microBatch.ts';
import { type ModelState, modelFeeds, shapeOf } from './modelState.ts';
import type { SessionCache } from './sessionCache.ts';
import { type ImageSource, type InParts, buildScoreGraph } from './trainGraph.ts';

export async function scoreSequences(
  sessions: SessionCache,
  state: ModelState,
  { sequences, temperature, alternatives = 0 }: Omit<ScoreRequest, 'model'>,
  tokenBudget: number,
  partLimits?: PartLimits,
): Promise<ScoreColumns> {
  const graph = (images: ImageSource | undefined, inParts: InParts) =>
    sessions.get(state, `score ${alternatives} ${images} ${JSON.stringify(inParts)}`, () =>
      buildScoreGraph(shapeOf(state), { perRowMask: false, withLogits: false, alternatives, images, inParts }),
    );
  const offsets = responseOffsets(sequences);
  const tokens = offsets.at(-1)!;
  const columns: ScoreColumns = { logprobs: new Float32Array(tokens), entropiesNats: new Float32Array(tokens) };
  const more = {
    alternativeIds: new Int32Array(tokens * alternatives),
    alternativeLogprobs: new Float32Array(tokens * alternatives),
    ranks: new Int32Array(tokens),
  };
  const inverseTemperature: Tensor = { type: 'float32', shape: [], data: Float32Array.of(1 / temperature) };
  for (const group of planMicroBatches(sequences, tokenBudget)) {
    const batch = buildMicroBatch(sequences, group, offsets, state.config.vocabSize, partLimits);
    const images = await imageFeeds(sessions, state, sequences, batch, 'features');
    const session = await graph(images?.source, batch.inParts);
    const outputs = await session.run({
      ...modelFeeds(state, batch.length),
      ...batch.feeds,
      ...images?.feeds,
      inverseTemperature,
    });
    scatterColumn(outputs['logprobs']!, batch, columns.logprobs);
    scatterColumn(outputs['entropiesNats']!, batch, columns.entropiesNats);
    if (alternatives === 0) continue;
    scatterColumn(outputs['alternativeIds']!, batch, more.alternativeIds, alternatives);
    scatterColumn(outputs['alternativeLogprobs']!, batch, more.alternativeLogprobs, alternatives);
    scatterColumn(outputs['ranks']!, batch, more.ranks);
  }
  return alternatives === 0 ? columns : { ...columns, ...more };
}
