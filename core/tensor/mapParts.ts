/**
 * A computation over the parts of a tensor, one part after another, forward and backward.
 *
 * Owns: the Loop that runs a body on each part, and its gradient: a second Loop that computes each part
 * again and pulls its gradient back. Memory holds one part at a time however many there are, and the
 * order of parts is fixed, whatever order the runtime prefers for the nodes of a graph.
 */
import { pullBack } from './differentiate.ts';
import type { Graph, Value } from './graph.ts';
import * as ops from './ops.ts';
import type { Shape } from './types.ts';

/**
 * What is computed on one part.
 * @param g the graph of the loop's body; values of the graph around it may be used as they are
 * @param parts one slice of every `sliced` value, without its first axis
 */
export type PartBody = (g: Graph, parts: readonly Value[]) => Value[];

/**
 * @param sliced [K, ...] each, with one K: what the body gets a slice of at a time
 * @param shared everything else in `body` that gradients are wanted for, the weights included
 * @returns the results of all parts, [K, ...] each
 */
export function mapParts(g: Graph, sliced: readonly Value[], shared: readonly Value[], body: PartBody): Value[] {
  const inputs = [...sliced, ...shared];
  return g.composite('MapParts', inputs, () => emitForward(g, sliced, body), {
    vjp: (graph, _entry, gradients, needed) => emitBackward(graph, sliced, shared, body, gradients, needed),
  });
}

interface LoopBody {
  graph: Graph;
  /** Slices of the tensors given, in their order. */
  slices: Value[];
  condition: Value;
}

function startBody(g: Graph, sliced: readonly Value[]): LoopBody {
  const graph = g.subgraph();
  const iteration = graph.localInput('int64', []);
  const condition = graph.localInput('bool', []);
  const slices = sliced.map(
    (value) =>
      graph.apply({
        op: 'Gather',
        inputs: [value, iteration],
        outputs: [{ type: value.type, shape: value.shape.slice(1) }],
        attributes: { axis: { kind: 'int', value: 0 } },
      })[0]!,
  );
  return { graph, slices, condition };
}

/** @param carried values the loop starts from; the body's new values follow its condition, scans come last */
function emitLoop(
  g: Graph,
  { graph, condition }: Pick<LoopBody, 'graph' | 'condition'>,
  like: Value,
  carried: readonly { start: Value; next: Value }[],
  scanned: readonly Value[],
): Value[] {
  const given = new Set<string>();
  for (const value of [condition, ...carried.map(({ next }) => next), ...scanned]) {
    const isOwn = graph.makes(value) && !given.has(value.name);
    given.add(graph.output(isOwn ? value : identity(graph, value)));
  }
  const parts = like.shape[0]!;
  const count = ops.reshape(g, firstDimension(g, like), []);
  const goOn = g.constant({ type: 'bool', shape: [], data: Uint8Array.of(1) });
  return g.apply({
    op: 'Loop',
    inputs: [count, goOn, ...carried.map(({ start }) => start)],
    outputs: [
      ...carried.map(({ start }) => start),
      ...scanned.map(({ type, shape }) => ({ type, shape: [parts, ...shape] as Shape })),
    ],
    attributes: { body: { kind: 'graph', value: graph.toOnnx('part') } },
  });
}

function emitForward(g: Graph, sliced: readonly Value[], body: PartBody): Value[] {
  const loop = startBody(g, sliced);
  return emitLoop(g, loop, sliced[0]!, [], body(loop.graph, loop.slices));
}

function emitBackward(
  g: Graph,
  sliced: readonly Value[],
  shared: readonly Value[],
  body: PartBody,
  gradients: readonly (Value | undefined)[],
  needed: readonly boolean[],
): (Value | undefined)[] {
  const given = gradients.filter((gradient) => gradient !== undefined);
  const loop = startBody(g, [...sliced, ...given]);
  const { graph } = loop;
  const slices = loop.slices.slice(0, sliced.length);
  const { result, tape } = graph.taped(() => body(graph, slices));
  const differentiated = result.filter((_, i) => gradients[i] !== undefined);
  const seeds = new Map(differentiated.map((value, i) => [value, loop.slices[sliced.length + i]!]));
  const wantedSlices = slices.filter((_, i) => needed[i]);
  const wantedShared = shared.filter((_, i) => needed[sliced.length + i]);
  const pulled = pullBack(graph, tape, seeds, [...wantedSlices, ...wantedShared]);
  const carried = wantedShared.map((value, i) => {
    const sum = graph.localInput(value.type, value.shape);
    return { start: ops.zerosLike(g, value), next: ops.add(graph, sum, pulled[wantedSlices.length + i]!) };
  });
  const outputs = emitLoop(g, loop, sliced[0]!, carried, pulled.slice(0, wantedSlices.length));
  const ofShared = outputs.slice(0, carried.length);
  const ofSlices = outputs.slice(carried.length);
  return needed.map((isNeeded, i) => {
    if (!isNeeded) return undefined;
    return i < sliced.length
      ? ofSlices[wantedSlices.indexOf(slices[i]!)]
      : ofShared[wantedShared.indexOf(shared[i - sliced.length]!)];
  });
}

/** A loop may not hand out one value twice, nor one of the graph around it; this gives it a name of its own. */
function identity(g: Graph, x: Value): Value {
  return g.apply({ op: 'Identity', inputs: [x], outputs: [x] })[0]!;
}

function firstDimension(g: Graph, x: Value): Value {
  return g.apply({
    op: 'Shape',
    inputs: [x],
    outputs: [{ type: 'int64', shape: [1] }],
    attributes: { start: { kind: 'int', value: 0 }, end: { kind: 'int', value: 1 } },
  })[0]!;
}
