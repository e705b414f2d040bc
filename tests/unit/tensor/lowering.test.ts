/** Graphs for WebGPU hold nothing that its provider has no kernel for, and keep every name others refer to. */
import { describe, expect, it } from 'vitest';
import { decoderInitializers } from '#core/model/graphDecoder.ts';
import { shapeOf, trainedWeights } from '#core/engine/modelState.ts';
import { buildChunkGraph, buildPrefillGraph } from '#core/engine/rolloutGraph.ts';
import { buildScoreGraph, buildTrainGraph } from '#core/engine/trainGraph.ts';
import type { BuiltModel } from '#core/tensor/graph.ts';
import { lowerForWebGpu } from '#core/tensor/lowering.ts';
import type { OnnxGraph, OnnxNode } from '#core/tensor/onnx.ts';
import { randomModel } from '../engine/fixtures.ts';

const state = randomModel('qwen3');
const model = shapeOf(state);
const train = (inParts: { attention: boolean; logits: boolean }) =>
  buildTrainGraph(model, {
    loss: { kind: 'policy', clipLow: 0.2, clipHigh: 0.3, dualClip: 3, ratioLevel: 'sequence' },
    checkpointBlocks: true,
    perRowMask: false,
    inParts,
    trained: [...trainedWeights(state).keys()],
  });
const whole = { attention: false, logits: false };
const graphs: Record<string, BuiltModel> = {
  train: train(whole),
  'train in parts': train({ attention: true, logits: true }),
  score: buildScoreGraph(model, { perRowMask: false, withLogits: true, alternatives: 3, inParts: whole }),
  prefill: buildPrefillGraph(model, false, false),
  chunk: buildChunkGraph(state.config, (g) => decoderInitializers(g, state.config, state.weights), {
    greedy: false,
    topK: 0,
    topP: 1,
    alternatives: 0,
  }),
};

function allNodes({ nodes }: OnnxGraph): OnnxNode[] {
  return nodes.flatMap((node) => [
    node,
    ...Object.values(node.attributes).flatMap((attribute) =>
      attribute.kind === 'graph' ? allNodes(attribute.value) : [],
    ),
  ]);
}

describe.each(Object.entries(graphs))('the %s graph for WebGPU', (_, { graph }) => {
  const nodes = allNodes(lowerForWebGpu(graph));

  it('has no operator without a kernel', () => {
    const ops = new Set(nodes.map(({ op }) => op));
    for (const op of ['FusedMatMul', 'LogSoftmax', 'ConstantOfShape', 'Or', 'TopK']) expect(ops).not.toContain(op);
  });

  it('makes every value once, and all that the graph made before', () => {
    const made = nodes.flatMap(({ outputs }) => outputs);
    expect(new Set(made).size).toBe(made.length);
    const used = new Set(nodes.flatMap(({ inputs }) => inputs));
    const before = allNodes(graph).flatMap(({ outputs }) => outputs);
    const lost = before.filter((name) => !made.includes(name));
    expect(lost.filter((name) => used.has(name) || graph.outputs.some((output) => output.name === name))).toEqual([]);
  });

  it('leaves the graph it was made from as it was', () => {
    expect(lowerForWebGpu(graph)).toEqual(lowerForWebGpu(graph));
    expect(allNodes(graph).map(({ op }) => op)).toContain('FusedMatMul');
  });
});
