/**
 * The graph under construction.
 *
 * Owns: values, nodes, inputs, outputs, constants, subgraphs, and the tape that differentiation
 * walks. Operators with their shapes are in ops.ts, gradients in vjp.ts, bytes in onnx.ts.
 *
 * Shapes may contain names (`Dimension`): a name is bound by the graph input that first uses it, and
 * the same name means the same size everywhere, so one graph serves every batch size and length.
 */
import { AresError } from '#core/util/errors.ts';
import {
  type Attribute,
  type FileRange,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxNode,
  type OnnxValue,
} from './onnx.ts';
import type { Vjp } from './vjp.ts';
import { type Dimension, type ElementType, type Shape, type Tensor, elementCount } from './types.ts';

/** A named intermediate result. Values are compared by identity. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

/** One differentiable step: an operator, or a composite whose inner nodes the tape skips. */
export interface TapeEntry {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** A composite's own gradient, where it cannot be looked up by operator (checkpoint). */
  readonly vjp?: Vjp;
}

export interface NodeSpec {
  op: string;
  /** undefined stands for an omitted optional input. */
  inputs: readonly (Value | undefined)[];
  outputs: readonly { type: ElementType; shape: Shape }[];
  attributes?: Readonly<Record<string, Attribute>>;
  domain?: '' | 'com.microsoft';
}

/** A finished model, and the tensors that the runtime is given outside of its bytes. */
export interface BuiltModel {
  readonly graph: OnnxGraph;
  readonly external: readonly { name: string; tensor: Tensor }[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** Constants up to this many elements are shared between uses. */
const SHARED_CONSTANT_ELEMENTS = 16;

export class Graph {
  readonly tape: TapeEntry[] = [];
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxInitializer[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #values = new Map<string, OnnxValue>();
  readonly #sharedConstants = new Map<string, Value>();
  readonly #symbols = new Map<string, { input: Value; axis: number }>();
  readonly #dimensionValues = new Map<string, Value>();
  readonly #prefix: string;
  readonly #parent: Graph | undefined;
  #counter = 0;
  #children = 0;
  #recording = true;

  constructor(prefix = '', parent?: Graph) {
    this.#prefix = prefix;
    this.#parent = parent;
  }

  /** A graph input; binds the dimension names it is the first to use. */
  input(name: string, type: ElementType, shape: Shape): Value {
    const value = this.#known({ name, type, shape });
    this.#inputs.push(value);
    shape.forEach((dimension, axis) => {
      if (typeof dimension === 'string' && !this.#symbols.has(dimension))
        this.#symbols.set(dimension, { input: value, axis });
    });
    return value;
  }

  /** An input of a loop's body, which is told by its place and needs no name to be known by. */
  localInput(type: ElementType, shape: Shape): Value {
    const value = this.#known({ name: this.#freshName('input'), type, shape });
    this.#inputs.push(value);
    return value;
  }

  /** Whether a node of this very graph gives the value. */
  makes({ name }: Value): boolean {
    return this.#nodes.some(({ outputs }) => outputs.includes(name));
  }

  /** Marks a value as a graph output under its own name; returns that name. */
  output(value: Value): string {
    this.#outputs.push(value);
    return value.name;
  }

  /** Marks a value as a graph output under a chosen name. */
  namedOutput(value: Value, name: string): void {
    this.#nodes.push({
      name: `output_${name}`,
      op: 'Identity',
      domain: '',
      inputs: [value.name],
      outputs: [name],
      attributes: {},
    });
    this.#outputs.push({ name, type: value.type, shape: value.shape });
  }

  /** A constant; small equal ones are shared. */
  constant(tensor: Tensor): Value {
    if (elementCount(tensor.shape) > SHARED_CONSTANT_ELEMENTS)
      return this.initializer(this.#freshName('constant'), tensor, false);
    const key = `${tensor.type}[${tensor.shape.join()}]${tensor.data.join()}`;
    let value = this.#sharedConstants.get(key);
    if (value === undefined) {
      value = this.initializer(this.#freshName('constant'), tensor, false);
      this.#sharedConstants.set(key, value);
    }
    return value;
  }

  scalar(x: number): Value {
    return this.constant({ type: 'float32', shape: [], data: Float32Array.of(x) });
  }

  /** A one-dimensional int64 constant, as shapes and axes are given to operators. */
  integers(values: readonly number[]): Value {
    return this.constant({ type: 'int64', shape: [values.length], data: BigInt64Array.from(values.map(BigInt)) });
  }

  /** A weight baked into the session; `external` keeps its bytes out of the model proto. */
  initializer(name: string, tensor: Tensor, external: boolean): Value {
    this.#initializers.push({ name, tensor, external });
    return this.#known({ name, type: tensor.type, shape: tensor.shape });
  }

  /** A weight whose bytes are in a file beside the model, for models that are kept. */
  storedInitializer(name: string, type: ElementType, shape: readonly number[], file: FileRange): Value {
    this.#initializers.push({ name, type, shape, file });
    return this.#known({ name, type, shape });
  }

  /** Appends a node, records it on the tape, and returns its outputs. */
  apply({ op, inputs, outputs, attributes = {}, domain = '' }: NodeSpec): Value[] {
    const values = outputs.map(({ type, shape }) => this.#known({ name: this.#freshName(op), type, shape }));
    this.#nodes.push({
      name: values[0]?.name ?? this.#freshName(op),
      op,
      domain,
      inputs: inputs.map((input) => input?.name ?? ''),
      outputs: values.map((value) => value.name),
      attributes,
    });
    this.#record({ op, inputs, outputs: values, attributes });
    return values;
  }

  /**
   * Emits several nodes that differentiation treats as one operator: `op` of the VJP table, or the
   * given `vjp`. `emit` returns the composite's outputs.
   */
  composite(op: string, inputs: readonly Value[], emit: () => Value[], own: { vjp?: Vjp } = {}): Value[] {
    const outputs = this.#unrecorded(emit);
    this.#record({ op, inputs, outputs, attributes: {}, ...own });
    return outputs;
  }

  /** Emits nodes and hands back the part of the tape they make, instead of leaving it on this one. */
  taped<T>(emit: () => T): { result: T; tape: TapeEntry[] } {
    const before = this.#recording;
    const start = this.tape.length;
    this.#recording = true;
    try {
      const result = emit();
      return { result, tape: this.tape.splice(start) };
    } finally {
      this.#recording = before;
    }
  }

  /** A graph for the body of a Loop: it may refer to this graph's values by name. */
  subgraph(): Graph {
    return new Graph(`${this.#prefix}body${this.#children++}_`, this);
  }

  /** The run-time size of a dimension as an int64 tensor of shape [1]. */
  dimension(dimension: Dimension): Value {
    if (typeof dimension === 'number') return this.integers([dimension]);
    const known = this.#dimensionValues.get(dimension);
    if (known !== undefined) return known;
    const symbol = this.#symbols.get(dimension);
    if (symbol === undefined) {
      if (this.#parent !== undefined) return this.#parent.dimension(dimension);
      throw new AresError('internal', `The dimension "${dimension}" is bound by no graph input.`);
    }
    const [value] = this.#unrecorded(() =>
      this.apply({
        op: 'Shape',
        inputs: [symbol.input],
        outputs: [{ type: 'int64', shape: [1] }],
        attributes: { start: { kind: 'int', value: symbol.axis }, end: { kind: 'int', value: symbol.axis + 1 } },
      }),
    );
    this.#dimensionValues.set(dimension, value!);
    return value!;
  }

  toOnnx(name = 'ares'): OnnxGraph {
    return {
      name,
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs: this.#outputs,
      values: this.#values,
    };
  }

  build(): BuiltModel {
    return {
      graph: this.toOnnx(),
      external: this.#initializers.flatMap((item) =>
        'external' in item && item.external ? [{ name: item.name, tensor: item.tensor }] : [],
      ),
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }

  #known(value: Value): Value {
    this.#values.set(value.name, value);
    return value;
  }

  #freshName(op: string): string {
    return `${this.#prefix}${op}_${this.#counter++}`;
  }

  #record(entry: TapeEntry): void {
    if (this.#recording) this.tape.push(entry);
  }

  #unrecorded<T>(emit: () => T): T {
    const before = this.#recording;
    this.#recording = false;
    try {
      return emit();
    } finally {
      this.#recording = before;
    }
  }
}
