/**
 * How much memory a run of a graph takes, from the graph itself.
 *
 * Owns: the sizes of all values once the dimensions are known, the order in which the runtime runs the nodes,
 * and what is asked of its allocator and given back on the way (onnxruntime, sequential, CPU: values are freed
 * after their last use, hardly any result takes the place of an operand, a loop keeps what its rounds give until
 * the end and copies it then). The allocator itself is arena.ts.
 */
import { AresError } from '#core/util/errors.ts';
import { Arena, type Piece } from './arena.ts';
import type { OnnxGraph, OnnxNode } from './onnx.ts';
import { type Dimension, type ElementType, type Shape, elementBytes, elementCount } from './types.ts';

export interface Footprint {
  /** Most that is alive at a time: intermediate values and outputs. Inputs and weights belong to the caller. */
  aliveBytes: number;
  /** What the process grows by: the arena, which keeps whatever it has touched. */
  arenaBytes: number;
  /** Of the graph's outputs, which are copied for the caller beside the arena. */
  outputBytes: number;
  /** Nodes, those of loops included. */
  nodes: number;
}

/**
 * @param sizes of the named dimensions of the graph's inputs
 * @param counts of scalar inputs that say how often a loop goes round
 */
export function footprint(
  graph: OnnxGraph,
  sizes: Readonly<Record<string, number>>,
  counts: Readonly<Record<string, number>> = {},
): Footprint {
  const arena = new Arena();
  const scope = new Scope(graph, undefined);
  for (const { name, type, shape } of graph.inputs) {
    const count = counts[name];
    scope.define(name, {
      type,
      shape,
      sizes: shape.map((size) => sizeOf(size, sizes, name)),
      ...(count === undefined ? {} : { content: [count] }),
    });
  }
  const outputs = runGraph(graph, scope, arena);
  return {
    aliveBytes: arena.mostAliveBytes,
    arenaBytes: arena.touchedBytes,
    outputBytes: outputs.reduce((total, piece) => total + (piece?.bytes ?? 0), 0),
    nodes: nodeCount(graph),
  };
}

function sizeOf(size: Dimension, sizes: Readonly<Record<string, number>>, name: string): number {
  const known = typeof size === 'number' ? size : sizes[size];
  if (known === undefined) throw new AresError('internal', `The size "${size}" of the input "${name}" is not given.`);
  return known;
}

function nodeCount({ nodes }: OnnxGraph): number {
  return nodes.reduce((total, node) => total + 1 + (bodyOf(node) === undefined ? 0 : nodeCount(bodyOf(node)!)), 0);
}

/** A value whose sizes are known. */
interface Sized {
  type: ElementType;
  shape: Shape;
  sizes: readonly number[];
  /** Of a tensor of sizes, as far as it follows from sizes. */
  content?: readonly number[] | undefined;
}

/** Longest constant that can be a tensor of sizes. */
const MOST_SIZES = 16;

class Scope {
  readonly #values = new Map<string, Sized>();
  readonly #parent: Scope | undefined;

  constructor({ initializers }: OnnxGraph, parent: Scope | undefined) {
    this.#parent = parent;
    for (const initializer of initializers) {
      const { type, shape } = 'file' in initializer ? initializer : initializer.tensor;
      const data = 'file' in initializer ? undefined : initializer.tensor.data;
      const content =
        type === 'int64' && data !== undefined && data.length <= MOST_SIZES ? Array.from(data, Number) : undefined;
      this.define(initializer.name, { type, shape, sizes: shape, content });
    }
  }

  define(name: string, value: Sized): void {
    this.#values.set(name, value);
  }

  get(name: string): Sized {
    const value = this.#values.get(name) ?? this.#parent?.get(name);
    if (value === undefined) throw new AresError('internal', `The graph makes no value "${name}".`);
    return value;
  }
}

/** Operators whose result is their first operand, looked at otherwise. */
const views = new Set(['Reshape']);
/** Operators whose result takes the place of the first operand where nothing else needs that. */
const inPlace = new Set(['ScatterElements', 'Clip', 'Softmax', 'LogSoftmax']);

/** Memory that one or several values lie in. */
interface Buffer {
  piece: Piece;
  values: number;
}

/** Runs the nodes on the arena; returns the pieces of the graph's outputs, which are the caller's to free. */
function runGraph(graph: OnnxGraph, scope: Scope, arena: Arena): (Piece | undefined)[] {
  const order = runOrder(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const uses = new Map<string, number>();
  for (const name of [...order.flatMap(consumed), ...outputs]) uses.set(name, (uses.get(name) ?? 0) + 1);
  const buffers = new Map<string, Buffer>();
  const release = (name: string) => {
    const buffer = buffers.get(name);
    if (buffer === undefined) return;
    buffers.delete(name);
    if (--buffer.values === 0) arena.free(buffer.piece);
  };
  for (const node of order) {
    const body = bodyOf(node);
    const made = body === undefined ? undefined : runLoop(node, body, graph, scope, arena);
    if (made === undefined) defineOutputs(node, graph, scope);
    node.outputs.forEach((name, i) => {
      const taken = outputs.has(name) ? undefined : takenBuffer(node, bytesOf(scope.get(name)), buffers, uses);
      if (taken !== undefined) taken.values++;
      // A view of what the graph does not own needs nothing.
      else if (views.has(node.op) && !outputs.has(name)) return;
      buffers.set(name, taken ?? { piece: made?.[i] ?? arena.allocate(bytesOf(scope.get(name))), values: 1 });
    });
    for (const name of consumed(node)) {
      uses.set(name, uses.get(name)! - 1);
      if (uses.get(name) === 0) release(name);
    }
    for (const name of node.outputs) if (!uses.has(name)) release(name);
  }
  return graph.outputs.map(({ name }) => buffers.get(name)?.piece);
}

function takenBuffer(
  { op, inputs }: OnnxNode,
  bytes: number,
  buffers: ReadonlyMap<string, Buffer>,
  uses: ReadonlyMap<string, number>,
): Buffer | undefined {
  const first = inputs[0]!;
  const buffer = buffers.get(first);
  if (views.has(op)) return buffer;
  const isLast = buffer?.values === 1 && uses.get(first) === 1 && buffer.piece.wantedBytes === bytes;
  return inPlace.has(op) && isLast ? buffer : undefined;
}

function bytesOf({ type, sizes }: Sized): number {
  return elementCount(sizes) * elementBytes[type];
}

/** Everything a node reads; for a loop also what its body takes from the graph around it. */
function consumed(node: OnnxNode): string[] {
  const direct = node.inputs.filter((name) => name !== '');
  const body = bodyOf(node);
  return body === undefined ? direct : [...new Set([...direct, ...outerValues(body)])];
}

function bodyOf({ attributes }: OnnxNode): OnnxGraph | undefined {
  const body = attributes['body'];
  return body?.kind === 'graph' ? body.value : undefined;
}

function outerValues({ nodes, inputs, initializers, values }: OnnxGraph): string[] {
  const own = new Set([...inputs, ...initializers].map(({ name }) => name));
  return nodes.flatMap(consumed).filter((name) => !own.has(name) && !values.has(name));
}

function defineOutputs(node: OnnxNode, graph: OnnxGraph, scope: Scope): void {
  node.outputs.forEach((name, i) => {
    const { type, shape } = graph.values.get(name) ?? graph.outputs.find((output) => output.name === name)!;
    const content = type === 'int64' ? contentOf(node, scope) : undefined;
    scope.define(name, { type, shape, sizes: sizesOf(node, shape, i, scope), content });
  });
}

function sizesOf(node: OnnxNode, shape: Shape, output: number, scope: Scope): readonly number[] {
  const operands = node.inputs.flatMap((name) => (name === '' ? [] : [scope.get(name)]));
  const [first, second] = operands;
  switch (node.op) {
    case 'Reshape': {
      const wanted = second!.content!.map((size, axis) => (size === 0 ? first!.sizes[axis]! : size));
      const rest = wanted.reduce((product, size) => (size === -1 ? product : product * size), 1);
      return wanted.map((size) => (size === -1 ? elementCount(first!.sizes) / rest : size));
    }
    case 'Expand':
      return second!.content!;
    case 'ConstantOfShape':
      return first!.content!;
    case 'Concat': {
      const axis = integerOf(node, 'axis');
      return first!.sizes.with(
        axis,
        operands.reduce((total, { sizes }) => total + sizes[axis]!, 0),
      );
    }
    case 'Split':
      return first!.sizes.with(integerOf(node, 'axis'), second!.content![output]!);
  }
  const known = new Map<Dimension, number>();
  for (const { shape: names, sizes } of operands) names.forEach((name, axis) => known.set(name, sizes[axis]!));
  return shape.map((dimension) => {
    const size = typeof dimension === 'number' ? dimension : known.get(dimension);
    if (size !== undefined) return size;
    throw new AresError('internal', `The size "${dimension}" of ${node.op} follows from none of its operands.`);
  });
}

function contentOf(node: OnnxNode, scope: Scope): readonly number[] | undefined {
  const operands = node.inputs.map((name) => scope.get(name));
  switch (node.op) {
    case 'Shape': {
      const { sizes } = operands[0]!;
      const [start, end] = ['start', 'end'].map((name) => node.attributes[name]);
      return sizes.slice(start?.kind === 'int' ? start.value : 0, end?.kind === 'int' ? end.value : sizes.length);
    }
    case 'Concat':
      return operands.every(({ content }) => content !== undefined)
        ? operands.flatMap(({ content }) => content!)
        : undefined;
    case 'Reshape':
    case 'Identity':
      return operands[0]!.content;
    default:
      return undefined;
  }
}

function integerOf({ op, attributes }: OnnxNode, name: string): number {
  const attribute = attributes[name];
  if (attribute?.kind !== 'int') throw new AresError('internal', `${op} has no whole number "${name}".`);
  return attribute.value;
}

/** Goes round until nothing changes any more; what is scanned is kept of every round. Returns its outputs. */
function runLoop(node: OnnxNode, body: OnnxGraph, graph: OnnxGraph, scope: Scope, arena: Arena): Piece[] {
  const rounds = scope.get(node.inputs[0]!).content![0]!;
  let carried = node.inputs.slice(2).map((name) => scope.get(name));
  let carriedPieces: (Piece | undefined)[] = [];
  const scannedPieces: (Piece | undefined)[] = [];
  let results: Sized[] = [];
  for (let round = 0; round < rounds; round++) {
    const inner = new Scope(body, scope);
    body.inputs.forEach(({ name, type, shape }, i) =>
      inner.define(name, { type, shape, sizes: i < 2 ? [] : carried[i - 2]!.sizes }),
    );
    const pieces = runGraph(body, inner, arena).slice(1);
    results = body.outputs.slice(1).map(({ name }) => inner.get(name));
    for (const piece of carriedPieces) if (piece !== undefined) arena.free(piece);
    carriedPieces = pieces.slice(0, carried.length);
    scannedPieces.push(...pieces.slice(carried.length));
    carried = results.slice(0, carried.length);
  }
  const outputs = node.outputs.map((name, i) => {
    const { type, shape } = graph.values.get(name)!;
    const { sizes } = results[i]!;
    scope.define(name, { type, shape, sizes: i < carried.length ? sizes : [rounds, ...sizes] });
    return arena.allocate(bytesOf(scope.get(name)));
  });
  for (const piece of [...carriedPieces, ...scannedPieces]) if (piece !== undefined) arena.free(piece);
  return outputs;
}

/**
 * The order of the runtime: depth first from the last node that nobody reads, operands that were emitted last
 * before the others.
 */
function runOrder({ nodes }: OnnxGraph): OnnxNode[] {
  const maker = new Map(nodes.flatMap(({ outputs }, i) => outputs.map((name): [string, number] => [name, i])));
  const sources = nodes.map((node) =>
    [...new Set(consumed(node).flatMap((name) => maker.get(name) ?? []))].toSorted((a, b) => a - b),
  );
  const read = new Set(sources.flat());
  const order: OnnxNode[] = [];
  const visited = new Set<number>();
  const stack = nodes.flatMap((_, node) => (read.has(node) ? [] : [{ node, isLeaving: false }]));
  for (let last = stack.pop(); last !== undefined; last = stack.pop()) {
    const { node, isLeaving } = last;
    if (isLeaving) order.push(nodes[node]!);
    if (isLeaving || visited.has(node)) continue;
    visited.add(node);
    stack.push({ node, isLeaving: true });
    stack.push(...sources[node]!.map((source) => ({ node: source, isLeaving: false })));
  }
  return order;
}
