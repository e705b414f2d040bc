/**
 * ONNX models as bytes.
 *
 * Owns: the encoding of ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto and
 * ValueInfoProto (field numbers of onnx.proto3, IR 10), with subgraphs and external data. It does not
 * decide what nodes to write (graph.ts) nor run anything (runtime.ts).
 */
import { ProtobufWriter } from './protobuf.ts';
import { type ElementType, type Shape, type Tensor, onnxElementType } from './types.ts';

const IR_VERSION = 10;
const OPSET = 21;
const CONTRIB_OPSET = 1;
/** TensorProto.DataLocation.EXTERNAL */
const EXTERNAL = 1;
const AttributeKind = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 } as const;

export type Attribute =
  | { kind: 'int'; value: number }
  | { kind: 'float'; value: number }
  | { kind: 'ints'; value: readonly number[] }
  | { kind: 'string'; value: string }
  | { kind: 'tensor'; value: Tensor }
  | { kind: 'graph'; value: OnnxGraph };

export interface OnnxNode {
  name: string;
  op: string;
  domain: string;
  /** '' stands for an omitted optional input. */
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxValue {
  name: string;
  type: ElementType;
  shape: Shape;
}

/** Where the bytes of a tensor lie in a file beside the model. */
export interface FileRange {
  /** Name of the file, relative to the model's folder. */
  location: string;
  offsetBytes: number;
  lengthBytes: number;
}

export type OnnxInitializer =
  | {
      name: string;
      tensor: Tensor;
      /** Keep the bytes outside the model: they are handed to the runtime by this name. */
      external: boolean;
    }
  /** Whoever writes the model writes the file, too. */
  | (OnnxValue & { shape: readonly number[]; file: FileRange });

export interface OnnxGraph {
  name: string;
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxInitializer[];
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
  /** Type and shape of every value of this graph by name; not written. */
  values: ReadonlyMap<string, OnnxValue>;
}

export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Serialises a model; external initializers are referred to by their own names as locations. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const model = new ProtobufWriter();
  model.integer(1, IR_VERSION).string(2, 'ares').message(7, encodeGraph(graph));
  model.message(8, new ProtobufWriter().string(1, '').integer(2, OPSET));
  model.message(8, new ProtobufWriter().string(1, 'com.microsoft').integer(2, CONTRIB_OPSET));
  return model.finish();
}

function encodeGraph(graph: OnnxGraph): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const node of graph.nodes) writer.message(1, encodeNode(node));
  writer.string(2, graph.name);
  for (const initializer of graph.initializers) writer.message(5, encodeTensor(initializer));
  for (const input of graph.inputs) writer.message(11, encodeValue(input));
  for (const output of graph.outputs) writer.message(12, encodeValue(output));
  return writer;
}

function encodeNode(node: OnnxNode): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(3, node.name).string(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) writer.message(5, encodeAttribute(name, attribute));
  if (node.domain !== '') writer.string(7, node.domain);
  return writer;
}

function encodeAttribute(name: string, attribute: Attribute): ProtobufWriter {
  const writer = new ProtobufWriter().string(1, name);
  switch (attribute.kind) {
    case 'float':
      writer.float(2, attribute.value);
      break;
    case 'int':
      writer.integer(3, attribute.value);
      break;
    case 'string':
      writer.string(4, attribute.value);
      break;
    case 'tensor':
      writer.message(5, encodeTensor({ name: '', tensor: attribute.value, external: false }));
      break;
    case 'graph':
      writer.message(6, encodeGraph(attribute.value));
      break;
    case 'ints':
      for (const value of attribute.value) writer.integer(8, value);
      break;
  }
  return writer.integer(20, AttributeKind[attribute.kind]);
}

function encodeTensor(initializer: OnnxInitializer): ProtobufWriter {
  const { name } = initializer;
  const { shape, type } = 'file' in initializer ? initializer : initializer.tensor;
  const writer = new ProtobufWriter();
  for (const size of shape) writer.integer(1, size);
  writer.integer(2, onnxElementType[type]);
  if (name !== '') writer.string(8, name);
  if ('file' in initializer) return encodeFileRange(writer, initializer.file);
  const { data } = initializer.tensor;
  if (!initializer.external) return writer.bytes(9, bytesOf(data));
  return encodeFileRange(writer, { location: name, offsetBytes: 0, lengthBytes: data.byteLength });
}

function encodeFileRange(tensor: ProtobufWriter, { location, offsetBytes, lengthBytes }: FileRange): ProtobufWriter {
  const entries = { location, offset: String(offsetBytes), length: String(lengthBytes) };
  for (const [key, value] of Object.entries(entries)) {
    tensor.message(13, new ProtobufWriter().string(1, key).string(2, value));
  }
  return tensor.integer(14, EXTERNAL);
}

function encodeValue({ name, type, shape }: OnnxValue): ProtobufWriter {
  const dimensions = new ProtobufWriter();
  for (const size of shape) {
    const dimension = new ProtobufWriter();
    if (typeof size === 'string') dimension.string(2, size);
    else dimension.integer(1, size);
    dimensions.message(1, dimension);
  }
  const tensorType = new ProtobufWriter().integer(1, onnxElementType[type]).message(2, dimensions);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensorType));
}
