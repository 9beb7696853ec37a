import type { Attribute, OnnxType } from './emitters';
import { Writer } from './protobuf';

/** ONNX's TensorProto.DataType. */
export const typeCodes: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  double: 11,
  uint32: 12,
  uint64: 13,
};

export interface NodeSpec {
  readonly type: string;
  readonly domain: string;
  /** Names the tfjs operation in ONNX Runtime's errors. */
  readonly label: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface ConstantSpec {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** A graph input or output: its dimensions are symbols, all different, so that one graph serves all sizes. */
export interface PortSpec {
  readonly name: string;
  readonly type: OnnxType;
  readonly rank: number;
}

export interface GraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly constants: readonly ConstantSpec[];
  readonly inputs: readonly PortSpec[];
  readonly outputs: readonly PortSpec[];
}

/** Serialises a graph as an ONNX ModelProto (IR 9, opset 20, com.microsoft 1). The numbers are onnx.proto's field numbers. */
export function encodeModel({ nodes, constants, inputs, outputs }: GraphSpec): Uint8Array {
  const graph = new Writer();
  for (const node of nodes) graph.field(1, encodeNode(node));
  graph.field(2, 'holdfast');
  for (const constant of constants) graph.field(5, encodeConstant(constant));
  for (const port of inputs) graph.field(11, encodePort(port));
  for (const port of outputs) graph.field(12, encodePort(port));
  const opset = (domain: string, version: number) => new Writer().field(1, domain).int(2, version);
  return new Writer()
    .int(1, 9)
    .field(2, 'holdfast')
    .field(7, graph)
    .field(8, opset('', 20))
    .field(8, opset('com.microsoft', 1))
    .finish();
}

function encodeNode({ type, domain, label, inputs, outputs, attributes }: NodeSpec): Writer {
  const node = new Writer();
  for (const input of inputs) node.field(1, input);
  for (const output of outputs) node.field(2, output);
  node.field(3, label).field(4, type);
  for (const [name, value] of Object.entries(attributes)) node.field(5, encodeAttribute(name, value));
  return node.field(7, domain);
}

function encodeAttribute(name: string, value: Attribute): Writer {
  const attribute = new Writer().field(1, name);
  if (typeof value === 'number') return attribute.int(3, value).int(20, 2);
  if (typeof value === 'string') return attribute.field(4, value).int(20, 3);
  if ('float' in value) return attribute.float(2, value.float).int(20, 1);
  for (const item of value) attribute.int(8, item);
  return attribute.int(20, 7);
}

function encodeConstant({ name, type, dims, bytes }: ConstantSpec): Writer {
  const tensor = new Writer();
  for (const dim of dims) tensor.int(1, dim);
  return tensor.int(2, typeCodes[type]).field(8, name).field(9, bytes);
}

function encodePort({ name, type, rank }: PortSpec): Writer {
  const shape = new Writer();
  for (let axis = 0; axis < rank; axis++) shape.field(1, new Writer().field(2, `${name}.${axis}`));
  const tensor = new Writer().int(1, typeCodes[type]).field(2, shape);
  return new Writer().field(1, name).field(2, new Writer().field(1, tensor));
}
