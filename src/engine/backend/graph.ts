import { HoldfastError } from '../../core/errors';
import { attributeText } from './attributeText';
import { type Attribute, emitterOf, type DType, type Graph, type OnnxType } from './emitters';
import { type ConstantSpec, encodeModel, type NodeSpec, type PortSpec, typeCodes } from './model';
import { type Input, isNeededOutside, type OperationNode, type Value } from './recording';
import type { Feed } from './runner';
import { sameShape } from './sameShape';
import { encodeNumbers, int64s } from './scalars';

const none: Readonly<Record<string, Attribute>> = {};
let builds = 0;

/**
 * One segment as an ONNX graph: emits every operation once, which gives the cache key, the feeds and, if the key is new, the model. The
 * key is what was emitted, so nothing that shapes the model can be missing from it.
 */
export class GraphBuilder implements Graph {
  readonly feeds: Feed[] = [];
  /** Values that must leave the graph: a tensor holds them, or an operation outside this graph reads them. */
  readonly fetched: Value[] = [];
  /** Intermediates that leave the graph only so that they are computed in the memory of a value that does. */
  readonly inMemoryOfFetched: Value[] = [];
  private readonly build = ++builds;
  private readonly nodeSpecs: NodeSpec[] = [];
  private readonly constants = new Map<string, ConstantSpec>();
  private readonly inputs: PortSpec[] = [];
  private readonly outputs: PortSpec[] = [];
  private readonly leaves: { readonly input: Input; readonly name: string }[] = [];
  private readonly guests: { readonly name: string; readonly host: Value }[] = [];
  private names = 0;
  private current: OperationNode | undefined;
  private label = '';
  private signature = '';

  constructor(
    operations: readonly OperationNode[],
    private readonly writesIntoOurs: boolean,
  ) {
    for (const { outputs } of operations) for (const output of outputs) this.adopt(output);
    for (const { inputs } of operations) for (const { value } of inputs) if (value.build === this.build) value.inside++;
    for (let i = 0; i < operations.length; i++) this.operation(operations[i] as OperationNode, i);
    for (const { outputs } of operations) for (const output of outputs) if (isNeededOutside(output)) this.fetch(output);
    for (const { name, host } of this.guests) if (this.fetched.includes(host)) this.output(name, host, this.inMemoryOfFetched);
  }

  get key(): string {
    return this.signature;
  }

  get inputNames(): string[] {
    return this.inputs.map(({ name }) => name);
  }

  get outputNames(): string[] {
    return this.outputs.map(({ name }) => name);
  }

  get size(): number {
    return this.nodeSpecs.length;
  }

  encode(): Uint8Array {
    const { nodeSpecs: nodes, inputs, outputs } = this;
    return encodeModel({ nodes, constants: [...this.constants.values()], inputs, outputs });
  }

  node(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = none, domain = ''): string {
    const output = `t${this.names++}`;
    this.add(type, inputs, attributes, [output], domain);
    return output;
  }

  nodes(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    count: number,
    domain = '',
  ): string[] {
    const outputs = Array.from({ length: count }, () => `t${this.names++}`);
    this.add(type, inputs, attributes, outputs, domain);
    return outputs;
  }

  f32(value: number | readonly number[]): string {
    return typeof value === 'number' ? this.constant('float32', [value], []) : this.constant('float32', value, [value.length]);
  }

  i32(value: number): string {
    return this.constant('int32', [value], []);
  }

  i64(values: readonly number[]): string {
    return this.constant('int64', values, [values.length]);
  }

  shape(values: readonly number[]): string {
    // Without elements there is nothing that varies, and a null pointer less.
    if (values.length === 0) return this.i64([]);
    return this.feed({ type: 'int64', dims: [values.length], data: int64s(values) });
  }

  scalar(value: number, type: OnnxType = 'float32'): string {
    return this.feed({ type, dims: [], data: encodeNumbers([value], type) });
  }

  cast(x: string, type: OnnxType): string {
    return this.node('Cast', [x], { to: typeCodes[type] });
  }

  reshape(x: string, shape: readonly number[]): string {
    return this.node('Reshape', [x, this.shape(shape)]);
  }

  inMemoryOf(x: string, index: number): string {
    if (this.writesIntoOurs) this.guests.push({ name: x, host: (this.current as OperationNode).outputs[index] as Value });
    return x;
  }

  private adopt(value: Value): void {
    value.build = this.build;
    value.name = '';
    value.inside = 0;
    if (value.views.length > 0) value.views = [];
  }

  private operation(operation: OperationNode, index: number): void {
    const emitter = emitterOf(operation.op);
    if (!emitter)
      throw new HoldfastError('kernel-missing', `The operation '${operation.op}' was recorded, but nobody said how to emit it`);
    this.label = `${operation.op}/${index}`;
    this.current = operation;
    const { inputs, outputs } = operation;
    const names = inputs.map((input) => this.read(input));
    const results = emitter(this, names, operation);
    if (typeof results === 'string') (outputs[0] as Value).name = results;
    else for (let i = 0; i < outputs.length; i++) (outputs[i] as Value).name = results[i] ?? '';
  }

  private read(input: Input): string {
    const { value, shape } = input;
    if (value.build !== this.build || value.name === '') return this.leaf(input);
    if (sameShape(value.shape, shape)) return value.name;
    const known = value.views.find((view) => sameShape(view.shape, shape));
    if (known) return known.name;
    const name = this.reshape(value.name, shape);
    value.views.push({ shape, name });
    return name;
  }

  /** A value that exists already goes in with the shape in which it is read: no Reshape needed. */
  private leaf(input: Input): string {
    const { value, shape, dtype } = input;
    if (!value.values) throw new Error(`an input of ${this.label} has no value`);
    if (value.build === this.build) {
      const first = this.leaves[value.leaf];
      if (first && sameShape(first.input.shape, shape)) return first.name;
      const other = this.leaves.find((leaf) => leaf.input.value === value && sameShape(leaf.input.shape, shape));
      if (other) return other.name;
    } else {
      this.adopt(value);
      value.leaf = this.leaves.length;
    }
    const name = this.feed({ type: dtype, dims: shape, data: value.values });
    this.leaves.push({ input, name });
    return name;
  }

  private feed(feed: Feed): string {
    const name = `i${this.inputs.length}`;
    this.inputs.push({ name, type: feed.type, rank: feed.dims.length });
    this.feeds.push(feed);
    this.signature += `<${feed.type}${feed.dims.length}`;
    return name;
  }

  private fetch(value: Value): void {
    // A name that is a graph input or leaves already gets a node of its own.
    this.label = 'output';
    const name =
      value.name.startsWith('t') && !this.fetched.some((other) => other.name === value.name)
        ? value.name
        : this.node('Identity', [value.name]);
    value.name = name;
    this.output(name, value, this.fetched);
  }

  private output(name: string, value: Value, list: Value[]): void {
    this.outputs.push({ name, type: value.dtype, rank: value.shape.length });
    list.push(value);
    this.signature += `>${name}${value.dtype}${value.shape.length}`;
  }

  private constant(type: DType | 'int64', values: readonly number[], dims: readonly number[]): string {
    const id = `${type}${dims.length}:${values.map((value) => (Object.is(value, -0) ? '-0' : value)).join(',')}`;
    let constant = this.constants.get(id);
    if (!constant) {
      const { buffer, byteOffset, byteLength } = encodeNumbers(values, type);
      constant = { name: `c${this.constants.size}`, type, dims, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
      this.constants.set(id, constant);
      this.signature += `=${id}`;
    }
    return constant.name;
  }

  private add(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: readonly string[],
    domain: string,
  ): void {
    this.nodeSpecs.push({ type, domain, label: `${this.label}/${this.nodeSpecs.length}`, inputs, outputs, attributes });
    let text = `;${domain}${type}/${outputs.length}`;
    for (const input of inputs) text += `,${input}`;
    if (attributes !== none) for (const name in attributes) text += attributeText(name, attributes[name] as Attribute);
    this.signature += text;
  }
}
