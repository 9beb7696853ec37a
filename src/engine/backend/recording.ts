import type { DType, Operation } from './emitters';
import type { BufferPool } from './pool';

export type Values = Float32Array | Int32Array | Uint8Array;

/** What stands behind a tfjs dataId: values, or the operation that will compute them. Never written to again once computed. */
export class Value {
  /** Present once written or computed. Strings are kept as tfjs gives them, and only passed through. */
  values: Values | undefined;
  strings: Uint8Array[] | undefined;
  /** The operation that computes this, until it has run. */
  producer: OperationNode | undefined;
  /** Tensors and variables that share this data (tfjs counts clones and views here). */
  refs = 1;
  /** How many of `refs` allow an operation that overwrites to take the memory; see `lend`. */
  lent = 0;
  /** Inputs of operations that have not run yet. */
  uses = 0;
  /** The memory may be reused once nobody needs it: it is ours, and nobody outside holds it. */
  pooled = false;

  // Scratch of the graph that is being built (`build` says which).
  build = 0;
  name = '';
  inside = 0;
  leaf = -1;
  views: { readonly shape: readonly number[]; readonly name: string }[] = [];

  constructor(
    readonly shape: readonly number[],
    readonly dtype: DType,
  ) {}
}

/** A value as an operation reads it: a view may have another shape. */
export interface Input {
  readonly value: Value;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

const nothing: readonly Input[] = [];

/** Whether a tensor holds it, or an operation outside the graph that is being built reads it. */
export const isNeededOutside = (value: Value): boolean => value.refs > 0 || value.uses > value.inside;

/** The value whose memory an operation may write its output over: ours, and nobody needs it but this operation. */
export function overwritable(node: OperationNode | undefined): Value | undefined {
  const old = node?.overwrites ? node.inputs[0]?.value : undefined;
  return old?.pooled && old.refs <= old.lent && old.uses === 1 ? old : undefined;
}

/** One recorded operation. */
export class OperationNode implements Operation {
  state: 'pending' | 'running' | 'failed' | 'done' = 'pending';
  /** Outputs that somebody still needs. */
  live: number;

  constructor(
    readonly id: number,
    readonly segment: number,
    readonly op: string,
    public inputs: readonly Input[],
    readonly attributes: Readonly<Record<string, unknown>>,
    readonly outputs: readonly Value[],
    /** Output 0 may be computed in the memory of input 0: each element is read before its place is written, and nothing else is. */
    readonly overwrites: boolean,
  ) {
    this.live = outputs.length;
  }

  wanted(index: number): boolean {
    const output = this.outputs[index];
    return output !== undefined && output.refs + output.uses > 0;
  }

  /** Lets go of the inputs, so that their memory is released promptly. */
  finish(): readonly Input[] {
    const inputs = this.inputs;
    this.inputs = nothing;
    this.state = 'done';
    for (const output of this.outputs) output.producer = undefined;
    return inputs;
  }
}

/**
 * What was recorded and not computed yet, in order. It counts who needs what, so an operation whose results nobody can reach any more
 * (disposed, or left by `tf.tidy`) disappears at once, and with it what only it needed.
 */
export class Recording {
  /** Operations of the next flush, in recording order. */
  pending = new Set<OperationNode>();
  segment = 0;
  private nextId = 0;

  constructor(private readonly pool: BufferPool) {}

  add(
    op: string,
    inputs: readonly Input[],
    attributes: Readonly<Record<string, unknown>>,
    outputs: readonly Value[],
    overwrites: boolean,
  ): void {
    const node = new OperationNode(this.nextId++, this.segment, op, inputs, attributes, outputs, overwrites);
    for (const { value } of inputs) value.uses++;
    for (const output of outputs) output.producer = node;
    this.pending.add(node);
  }

  /** Takes one tensor's hold away. */
  unref(value: Value): void {
    if (--value.refs <= 0) this.freeIfUnneeded(value);
  }

  /** Ends an operation that has run. */
  finish(node: OperationNode): void {
    for (const { value } of node.finish()) this.unuse(value);
    for (const output of node.outputs) this.freeIfUnneeded(output);
  }

  /** Drops an operation of which nobody needs anything. */
  dropIfUnneeded(node: OperationNode): void {
    const doomed = [node];
    for (let next = doomed.pop(); next; next = doomed.pop()) {
      if (next.live > 0 || next.state === 'running' || next.state === 'done') continue;
      this.pending.delete(next);
      // Iterative: a chain of a hundred thousand operations must not overflow the stack.
      for (const { value } of next.finish()) {
        if (--value.uses > 0 || value.refs > 0) continue;
        if (value.producer) {
          value.producer.live--;
          doomed.push(value.producer);
        } else this.release(value);
      }
    }
  }

  private unuse(value: Value): void {
    value.uses--;
    this.freeIfUnneeded(value);
  }

  private freeIfUnneeded(value: Value): void {
    if (value.refs > 0 || value.uses > 0) return;
    if (value.producer) {
      value.producer.live--;
      this.dropIfUnneeded(value.producer);
    } else this.release(value);
  }

  private release(value: Value): void {
    if (value.pooled && value.values) this.pool.give(value.values.buffer as ArrayBuffer);
    value.pooled = false;
    value.values = undefined;
  }
}
