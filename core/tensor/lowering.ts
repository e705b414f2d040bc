/**
 * Graphs for WebGPU: operators that its provider has no kernel for, written in those that it has.
 *
 * Owns: one rule per such operator, and the walk that applies them. A graph is emitted once, for every
 * provider alike; this rewrites the finished nodes and keeps all names that others refer to. Without it
 * the runtime would take these nodes back to the CPU, and their tensors with them, at every run.
 * Arithmetic on shapes (Shape, and Concat of its results) stays there on purpose: shapes are wanted there.
 */
import { AresError } from '#core/util/errors.ts';
import type { Attribute, OnnxGraph, OnnxInitializer, OnnxNode, OnnxValue } from './onnx.ts';
import { type ElementType, type Tensor, int64, onnxElementType } from './types.ts';

/** What a rule writes with. */
class Rewriter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  readonly #typeOf: (name: string) => OnnxValue;
  readonly #used: ReadonlySet<string>;
  #node: OnnxNode | undefined;
  #fresh = 0;

  constructor(typeOf: (name: string) => OnnxValue, used: ReadonlySet<string>) {
    this.#typeOf = typeOf;
    this.#used = used;
  }

  begin(node: OnnxNode): void {
    this.#node = node;
    this.#fresh = 0;
  }

  /** Type and shape of an input of the node that is replaced. */
  input(i: number): OnnxValue {
    return this.#typeOf(this.#node!.inputs[i]!);
  }

  /** Type and shape of an output of the node that is replaced. */
  output(i: number): OnnxValue {
    return this.#typeOf(this.#node!.outputs[i]!);
  }

  /** Whether anything is made of an output of the node that is replaced. */
  isUsed(output: number): boolean {
    return this.#used.has(this.#node!.outputs[output]!);
  }

  attribute(name: string): number {
    const attribute = this.#node!.attributes[name];
    return attribute?.kind === 'int' || attribute?.kind === 'float' ? attribute.value : 0;
  }

  constant(tensor: Tensor): string {
    const name = this.#freshName();
    this.initializers.push({ name, tensor, external: false });
    return name;
  }

  scalar(value: number): string {
    return this.constant({ type: 'float32', shape: [], data: Float32Array.of(value) });
  }

  /** @param output the name to give the result; a fresh one when absent */
  emit(op: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}, output?: string): string {
    const name = output ?? this.#freshName();
    this.nodes.push({ name, op, domain: '', inputs, outputs: [name], attributes });
    return name;
  }

  cast(value: string, type: ElementType, output?: string): string {
    return this.emit('Cast', [value], { to: int(onnxElementType[type]) }, output);
  }

  #freshName(): string {
    return `${this.#node!.outputs[0]}/${this.#fresh++}`;
  }
}

/** Maxima that are found one after another. */
const MOST_MAXIMA = 32;
/** Below every log-probability, and finite. */
const LOWEST = -3e38;

/** Replaces the node, or returns false and leaves it as it is. */
type Rule = (out: Rewriter, node: OnnxNode) => boolean;

const int = (value: number): Attribute => ({ kind: 'int', value });

/** The kernels take no int64; every index here is far below 2^31. `data` are the inputs that are no shapes. */
function throughInt32(data: readonly number[], result: 'int64' | 'bool'): Rule {
  return (out, { op, inputs, outputs, attributes }) => {
    if (out.input(data[0]!).type !== 'int64') return false;
    const narrowed = inputs.map((input, i) => (data.includes(i) ? out.cast(input, 'int32') : input));
    if (result === 'bool') out.emit(op, narrowed, attributes, outputs[0]);
    else out.cast(out.emit(op, narrowed, attributes), 'int64', outputs[0]);
    return true;
  };
}

function transposed(out: Rewriter, value: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const swapped = [...axes.slice(0, -2), rank - 1, rank - 2];
  return out.emit('Transpose', [value], { perm: { kind: 'ints', value: swapped } });
}

const rules: Readonly<Record<string, Rule>> = {
  FusedMatMul: (out, { inputs, outputs }) => {
    const [left, right] = [inputs[0]!, inputs[1]!];
    const flag = (name: string) => out.attribute(name) !== 0;
    const scale = out.attribute('alpha');
    const rank = out.input(1).shape.length;
    const a = flag('transA') ? transposed(out, left, out.input(0).shape.length) : left;
    const b = flag('transB') ? transposed(out, right, rank) : right;
    // The right factor of an attention's products has T·d numbers where the left or the result has T².
    out.emit('MatMul', [a, scale === 1 ? b : out.emit('Mul', [b, out.scalar(scale)])], {}, outputs[0]);
    return true;
  },
  LogSoftmax: (out, { inputs, outputs }) => {
    const axes = out.constant(int64([-1], [1]));
    const keep = { keepdims: int(1) };
    const shifted = out.emit('Sub', [inputs[0]!, out.emit('ReduceMax', [inputs[0]!, axes], keep)]);
    const total = out.emit('ReduceSum', [out.emit('Exp', [shifted]), axes], keep);
    out.emit('Sub', [shifted, out.emit('Log', [total])], {}, outputs[0]);
    return true;
  },
  ConstantOfShape: (out, { inputs, outputs, attributes }) => {
    const fill = attributes['value'];
    if (fill?.kind !== 'tensor') throw new AresError('internal', 'A constant of a shape has no value.');
    out.emit('Expand', [out.constant(fill.value), inputs[0]!], {}, outputs[0]);
    return true;
  },
  // The kernel's second output is not the inverse of the root mean square; the first is right.
  SimplifiedLayerNormalization: (out, node) => {
    const [x, weight] = [node.inputs[0]!, node.inputs[1]!];
    if (!out.isUsed(1)) {
      out.nodes.push({ ...node, outputs: [node.outputs[0]!] });
      return true;
    }
    const axes = out.constant(int64([-1], [1]));
    const mean = out.emit('ReduceMean', [out.emit('Mul', [x, x]), axes], { keepdims: int(1) });
    const root = out.emit('Sqrt', [out.emit('Add', [mean, out.scalar(out.attribute('epsilon'))])]);
    const inverse = out.emit('Reciprocal', [root], {}, node.outputs[1]);
    out.emit('Mul', [out.emit('Mul', [x, inverse]), weight], {}, node.outputs[0]);
    return true;
  },
  // The largest, then the largest of the rest, and so on. More than a few are left to the CPU, which sorts.
  TopK: (out, { inputs, outputs }) => {
    const count = out.output(0).shape[1];
    if (typeof count !== 'number' || count > MOST_MAXIMA) return false;
    const [axes, axis, keep] = [out.constant(int64([1], [1])), int(1), { keepdims: int(1) }];
    let left = inputs[0]!;
    const found = Array.from({ length: count }, () => {
      const id = out.emit('ArgMax', [left], { axis, ...keep });
      const value = out.emit('ReduceMax', [left, axes], keep);
      const taken = out.constant({ type: 'float32', shape: [1, 1], data: Float32Array.of(LOWEST) });
      left = out.emit('ScatterElements', [left, id, out.emit('Expand', [taken, out.emit('Shape', [id])])], { axis });
      return { id: out.cast(id, 'int32'), value };
    });
    const joined = (values: readonly string[], output?: string) =>
      values.length === 1 ? out.emit('Identity', values, {}, output) : out.emit('Concat', values, { axis }, output);
    joined(
      found.map(({ value }) => value),
      outputs[0],
    );
    out.cast(joined(found.map(({ id }) => id)), 'int64', outputs[1]);
    return true;
  },
  Or: (out, { inputs, outputs }) => {
    const [a, b] = inputs.map((input) => out.emit('Not', [input]));
    out.emit('Not', [out.emit('And', [a!, b!])], {}, outputs[0]);
    return true;
  },
  Add: throughInt32([0, 1], 'int64'),
  Sub: throughInt32([0, 1], 'int64'),
  Mul: throughInt32([0, 1], 'int64'),
  Equal: throughInt32([0, 1], 'bool'),
  Less: throughInt32([0, 1], 'bool'),
  LessOrEqual: throughInt32([0, 1], 'bool'),
  Reshape: throughInt32([0], 'int64'),
  Expand: throughInt32([0], 'int64'),
  Gather: throughInt32([0], 'int64'),
  Identity: throughInt32([0], 'int64'),
};

/** The same graph for WebGPU, subgraphs included. */
export function lowerForWebGpu(graph: OnnxGraph): OnnxGraph {
  return lower(graph, namesUsed(graph));
}

/** Everything that is an input of a node or an output of the graph, in subgraphs too. */
function namesUsed({ nodes, outputs }: OnnxGraph, used = new Set<string>()): Set<string> {
  for (const { inputs, attributes } of nodes) {
    for (const input of inputs) used.add(input);
    for (const attribute of Object.values(attributes)) if (attribute.kind === 'graph') namesUsed(attribute.value, used);
  }
  for (const { name } of outputs) used.add(name);
  return used;
}

/** @param outer finds values of the graph around it, where there is one */
function lower(graph: OnnxGraph, used: ReadonlySet<string>, outer?: (name: string) => OnnxValue): OnnxGraph {
  const typeOf = (name: string): OnnxValue => {
    const value = graph.values.get(name) ?? outer?.(name);
    if (value === undefined) throw new AresError('internal', `The graph has no value "${name}".`);
    return value;
  };
  const out = new Rewriter(typeOf, used);
  for (const node of graph.nodes) {
    out.begin(node);
    if (rules[node.op]?.(out, node) === true) continue;
    const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => [
      name,
      attribute.kind === 'graph' ? { kind: 'graph', value: lower(attribute.value, used, typeOf) } : attribute,
    ]);
    out.nodes.push({ ...node, attributes: Object.fromEntries(attributes) });
  }
  return { ...graph, nodes: out.nodes, initializers: [...graph.initializers, ...out.initializers] };
}
