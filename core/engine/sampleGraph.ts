/**
 * Sampling as graph: logits and a uniform in; token, log-prob and entropy out.
 *
 * Owns: inverse-CDF sampling, greedy choice, top-k and top-p, and the numbers reported with a token.
 * Log-prob and entropy always refer to the whole distribution, whatever the sampling truncates.
 */
import type { Graph, Value } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import { int64 } from '#core/tensor/types.ts';

/** What shapes the sampling graph. */
export interface SamplingShape {
  greedy: boolean;
  /** 0 keeps every token. */
  topK: number;
  /** 1 keeps all the mass. */
  topP: number;
  /** Number of most likely alternatives to report; 0 for none. */
  alternatives: number;
}

export interface SampleValues {
  /** int64 [B, 1] */
  ids: Value;
  /** float32 [B, 1] */
  logprobs: Value;
  /** float32 [B, 1] */
  entropiesNats: Value;
  /** [ids int64 [B, K], log-probs [B, K]] or empty */
  alternatives: Value[];
}

/**
 * @param logits [B, V], already divided by the temperature
 * @param uniform [B, 1] in [0, 1)
 */
export function emitSample(
  g: Graph,
  vocabSize: number,
  logits: Value,
  uniform: Value,
  shape: SamplingShape,
): SampleValues {
  const all = ops.logSoftmax(g, logits);
  const probabilities = ops.exp(g, all);
  const ids = shape.greedy
    ? argMax(g, all)
    : shape.topK > 0 || shape.topP < 1
      ? emitTruncated(g, vocabSize, all, uniform, shape)
      : emitInverseCdf(g, vocabSize, probabilities, uniform);
  // −Σ p ln p as a dot product: one pass, nothing of vocabulary size written.
  const row = ops.reshape(g, probabilities, ['B', 1, vocabSize]);
  const column = ops.reshape(g, all, ['B', vocabSize, 1]);
  const entropy = ops.neg(g, ops.reshape(g, ops.matmul(g, row, column), ['B', 1]));
  return {
    ids,
    logprobs: ops.gatherElements(g, all, ids),
    entropiesNats: entropy,
    alternatives: shape.alternatives > 0 ? topK(g, all, shape.alternatives).toReversed() : [],
  };
}

/**
 * The first token whose cumulative probability exceeds uniform · total. Two levels, blocks then
 * within the block, because a running sum over a whole vocabulary is serial.
 */
function emitInverseCdf(g: Graph, vocabSize: number, probabilities: Value, uniform: Value): Value {
  const width = blockWidth(vocabSize);
  const blocks = vocabSize / width;
  const cells = ops.reshape(g, probabilities, ['B', blocks, width]);
  const blockSums = ops.reshape(g, ops.reduceSum(g, cells, [2]), ['B', blocks]);
  const upToBlock = cumulativeSum(g, blockSums);
  const [, total] = blocks > 1 ? ops.split(g, upToBlock, 1, [blocks - 1, 1]) : [undefined, upToBlock];
  const threshold = ops.mul(g, uniform, total!);
  const block = countBelow(g, upToBlock, threshold, blocks);
  const before = ops.sub(g, ops.gatherElements(g, upToBlock, block), ops.gatherElements(g, blockSums, block));
  const base = ops.mul(g, block, g.constant(int64([width], [1])));
  const members = ops.add(
    g,
    base,
    g.constant(
      int64(
        Array.from({ length: width }, (_, i) => i),
        [1, width],
      ),
    ),
  );
  const withinBlock = cumulativeSum(g, ops.gatherElements(g, probabilities, members));
  return ops.add(g, base, countBelow(g, withinBlock, ops.sub(g, threshold, before), width));
}

/** The divisor of the vocabulary nearest to its square root; the vocabulary itself if it is prime. */
function blockWidth(vocabSize: number): number {
  const root = Math.sqrt(vocabSize);
  let best = vocabSize;
  for (let width = 2; width <= vocabSize / 2; width++) {
    if (vocabSize % width === 0 && Math.abs(Math.log(width / root)) < Math.abs(Math.log(best / root))) best = width;
  }
  return best;
}

/** How many cumulative sums lie at or below the threshold, at most width − 1 (rounding may exceed it). int64 [B, 1] */
function countBelow(g: Graph, cumulative: Value, threshold: Value, width: number): Value {
  const below = ops.cast(g, ops.lessOrEqual(g, cumulative, threshold), 'float32');
  return ops.cast(g, ops.min(g, ops.reduceSum(g, below, [1]), g.scalar(width - 1)), 'int64');
}

/** Sampling among the k most likely and the smallest set with mass topP, at least one token. */
function emitTruncated(g: Graph, vocabSize: number, all: Value, uniform: Value, shape: SamplingShape): Value {
  const kept = shape.topK > 0 ? Math.min(shape.topK, vocabSize) : vocabSize;
  const [logprobs, ids] = topK(g, all, kept);
  const probabilities = ops.exp(g, logprobs!);
  const cumulative = cumulativeSum(g, probabilities);
  // A token stays while the mass before it is below topP of what top-k left; the first always does.
  const total = lastColumn(g, cumulative, kept);
  const before = ops.sub(g, cumulative, probabilities);
  const inside = ops.cast(g, ops.less(g, before, ops.mul(g, total, g.scalar(shape.topP))), 'float32');
  const nucleus = cumulativeSum(g, ops.mul(g, probabilities, inside));
  const threshold = ops.mul(g, uniform, lastColumn(g, nucleus, kept));
  const below = ops.cast(g, ops.lessOrEqual(g, nucleus, threshold), 'float32');
  const last = ops.sub(g, ops.reduceSum(g, inside, [1]), g.scalar(1));
  const rank = ops.cast(g, ops.max(g, ops.min(g, ops.reduceSum(g, below, [1]), last), g.scalar(0)), 'int64');
  return ops.gatherElements(g, ids!, rank);
}

function lastColumn(g: Graph, x: Value, width: number): Value {
  return width > 1 ? ops.split(g, x, 1, [width - 1, 1])[1]! : x;
}

function cumulativeSum(g: Graph, x: Value): Value {
  return g.apply({ op: 'CumSum', inputs: [x, g.constant(int64([1], []))], outputs: [x] })[0]!;
}

function argMax(g: Graph, x: Value): Value {
  return g.apply({
    op: 'ArgMax',
    inputs: [x],
    outputs: [{ type: 'int64', shape: x.shape.with(1, 1) }],
    attributes: { axis: { kind: 'int', value: 1 }, keepdims: { kind: 'int', value: 1 } },
  })[0]!;
}

/** [values float32 [B, k], ids int64 [B, k]], most likely first */
export function topK(g: Graph, x: Value, k: number): Value[] {
  return g.apply({
    op: 'TopK',
    inputs: [x, g.integers([k])],
    outputs: [
      { type: 'float32', shape: x.shape.with(1, k) },
      { type: 'int64', shape: x.shape.with(1, k) },
    ],
    attributes: { axis: { kind: 'int', value: 1 }, sorted: { kind: 'int', value: 1 } },
  });
}
