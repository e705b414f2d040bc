/**
 * What sampling, scoring and training take in memory beyond the weights, from the graphs that they run.
 *
 * Owns: which graphs those are, and the sizes of their inputs for a batch. What a graph takes is
 * core/tensor/footprint.ts; which of it is in memory at the same time is the planner's (host/memory.ts).
 */
import { decoderInputs } from '#core/model/graphDecoder.ts';
import { type ModelShape, PARTS as QUERY_PARTS, QUERIES as PART_QUERIES } from '#core/model/graphTransformer.ts';
import { loraSpecs } from '#core/model/lora.ts';
import { languageSpecs } from '#core/model/parameters.ts';
import { type Footprint, footprint } from '#core/tensor/footprint.ts';
import type { OnnxGraph } from '#core/tensor/onnx.ts';
import { attentionParts, defaultPartLimits } from './microBatch.ts';
import { buildChunkGraph, buildPrefillGraph } from './rolloutGraph.ts';
import { type InParts, type LossShape, PARTS, TOKENS, buildScoreGraph, buildTrainGraph } from './trainGraph.ts';

/** Sequences that work is done on together. */
export interface TrainingBatch {
  sequences: number;
  /** Of the longest, prompt and response together, tokens. */
  length: number;
  /** How much of that the response may be, tokens; all but one where it is not known. */
  responseLength?: number;
}

/** The loss decides hardly anything of the memory; this one is the largest. */
const LOSS: LossShape = { kind: 'policy', clipLow: 0.2, clipHigh: 0.2, dualClip: 3, ratioLevel: 'token' };

export class WorkMemory {
  readonly #shape: ModelShape;
  readonly #graphs = new Map<string, OnnxGraph>();
  readonly #footprints = new Map<string, Footprint>();

  constructor(shape: ModelShape) {
    this.#shape = shape;
  }

  /** One micro-batch of a training step. */
  training(batch: TrainingBatch, tokenBudget: number, checkpointBlocks: boolean): Footprint {
    const { config, layout } = this.#shape;
    const { sizes, inParts } = batchSizes(microBatch(batch, tokenBudget), config.vocabSize);
    const specs = Object.keys(layout).length > 0 ? loraSpecs(config, layout) : languageSpecs(config);
    const trained = specs.map(({ name }) => name);
    return this.#footprint(`train ${checkpointBlocks} ${JSON.stringify(inParts)}`, sizes, {}, () =>
      buildTrainGraph(this.#shape, { loss: LOSS, checkpointBlocks, perRowMask: false, inParts, trained }),
    );
  }

  /** One micro-batch under the reference policy, which is as large as the policy. */
  scoring(batch: TrainingBatch, tokenBudget: number): Footprint {
    const { sizes, inParts } = batchSizes(microBatch(batch, tokenBudget), this.#shape.config.vocabSize);
    return this.#footprint(`score ${JSON.stringify(inParts)}`, sizes, {}, () =>
      buildScoreGraph(this.#shape, { perRowMask: false, withLogits: false, alternatives: 0, inParts }),
    );
  }

  /** Prompts before sampling. */
  prefill(prompts: TrainingBatch, tokenBudget: number): Footprint {
    const { sizes, inParts } = batchSizes(microBatch(prompts, tokenBudget), this.#shape.config.vocabSize);
    return this.#footprint(`prefill ${inParts.attention}`, sizes, {}, () =>
      buildPrefillGraph(this.#shape, false, inParts.attention),
    );
  }

  /** A chunk of generation that ends at the longest length. Weights inside the graph come on top. */
  chunk(rows: number, length: number, chunkTokens: number): Footprint {
    const { config } = this.#shape;
    const steps = Math.min(chunkTokens, length - 1);
    const sizes = { B: rows, C: length - steps, P: length + chunkTokens, n: steps, S: 1 };
    return this.#footprint('chunk', sizes, { steps }, () =>
      buildChunkGraph(config, (g) => decoderInputs(g, config), { greedy: false, topK: 0, topP: 1, alternatives: 0 }),
    );
  }

  #footprint(
    purpose: string,
    sizes: Record<string, number>,
    counts: Record<string, number>,
    build: () => { graph: OnnxGraph },
  ): Footprint {
    const key = `${purpose} ${JSON.stringify(sizes)}`;
    let known = this.#footprints.get(key);
    if (known === undefined) {
      const graph = this.#graphs.get(purpose) ?? build().graph;
      this.#graphs.set(purpose, graph);
      known = footprint(graph, sizes, counts);
      this.#footprints.set(key, known);
    }
    return known;
  }
}

/** As many sequences as the budget of padded tokens allows; a longer one goes alone. */
export function microBatch(batch: TrainingBatch, tokenBudget: number): TrainingBatch {
  const fitting = Math.floor(tokenBudget / Math.max(1, batch.length - 1));
  return { ...batch, sequences: Math.max(1, Math.min(batch.sequences, fitting)) };
}

/** Sizes of the dimensions of TRAIN, SCORE and PREFILL, and what is computed in parts. */
function batchSizes(
  { sequences, length, responseLength = length - 1 }: TrainingBatch,
  vocabSize: number,
): { sizes: Record<string, number>; inParts: InParts } {
  // The last token of a sequence is only ever a target.
  const longest = Math.max(1, length - 1);
  const attention = attentionParts(longest);
  const padded = Math.ceil(longest / attention) * attention;
  const responses = sequences * Math.max(1, responseLength);
  const logits = Math.max(1, Math.ceil((responses * vocabSize) / defaultPartLimits.logits));
  const perPart = Math.ceil(responses / logits);
  return {
    inParts: { attention: attention > 1, logits: logits > 1 },
    sizes: {
      B: sequences,
      T: padded,
      P: padded,
      R: logits * perPart,
      [PARTS]: logits,
      [TOKENS]: perPart,
      [QUERY_PARTS]: attention,
      [PART_QUERIES]: padded / attention,
    },
  };
}
