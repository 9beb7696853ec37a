import { HoldfastError, isHoldfastError } from '../../core/errors';
import { GraphBuilder } from './graph';
import { byteSize, viewOf } from './ownership';
import type { BufferPool } from './pool';
import { type OperationNode, overwritable, type Recording, type Value, type Values } from './recording';
import type { Runner } from './runner';
import { SessionCache } from './sessions';

/** What the backend has done so far, for benchmarks and for finding out why something is slow. */
export interface BackendStats {
  /** Graphs compiled; after the first steps this should stand still. */
  compilations: number;
  compileMs: number;
  /** Graphs run, and the time that took. */
  runs: number;
  runMs: number;
  /** Time spent in JavaScript turning recordings into graphs, keys and feeds. */
  traceMs: number;
  /** ONNX nodes run. */
  nodes: number;
}

/** Computes what was recorded: one graph per segment, one after the other. */
export class Executor {
  readonly stats: BackendStats = { compilations: 0, compileMs: 0, runs: 0, runMs: 0, traceMs: 0, nodes: 0 };
  private readonly sessions: SessionCache;
  /** The last flush in the queue. It never rejects. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly recording: Recording,
    private readonly pool: BufferPool,
    private readonly runner: Runner,
    mostSessions: number,
  ) {
    this.sessions = new SessionCache(runner, mostSessions);
  }

  /**
   * Runs everything recorded so far; what is recorded meanwhile belongs to the next flush. An operation that fails takes its segment and
   * what builds on it out of the queue, the rest still runs; then the flush rejects with the first error.
   */
  flush(): Promise<void> {
    return this.enqueue(async () => {
      const taken = this.recording.pending;
      if (taken.size === 0) return;
      this.recording.pending = new Set();
      let failure: Error | undefined;
      for (const segment of bySegment(taken)) {
        const alive = segment.filter((node) => node.state === 'pending' && !buildsOnFailure(node));
        try {
          await this.run(alive);
        } catch (cause) {
          failure ??= cause as Error;
        }
      }
      this.pool.age();
      if (failure) throw failure;
    });
  }

  /** Tries again to compute one value after its segment failed, with nothing but what it needs: other operations may be to blame. */
  retry(value: Value): Promise<void> {
    return this.enqueue(async () => {
      const needed = failedAncestors(value);
      for (const segment of bySegment(needed)) await this.run(segment);
    });
  }

  releaseSessions(): Promise<void> {
    return this.enqueue(() => this.sessions.evict(0));
  }

  async dispose(): Promise<void> {
    await this.releaseSessions();
    await this.runner.dispose();
  }

  private enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => {});
    return result;
  }

  private async run(nodes: readonly OperationNode[]): Promise<void> {
    if (nodes.length === 0) return;
    for (const node of nodes) node.state = 'running';
    try {
      const start = performance.now();
      const graph = new GraphBuilder(nodes, this.runner.writesIntoOurs);
      this.stats.traceMs += performance.now() - start;
      if (graph.fetched.length > 0) await this.compute(graph);
      for (const node of nodes) this.recording.finish(node);
    } catch (cause) {
      for (const node of nodes) node.state = 'failed';
      for (const node of nodes) this.recording.dropIfUnneeded(node);
      throw explain(cause, nodes);
    }
  }

  private async compute(graph: GraphBuilder): Promise<void> {
    const session = await this.sessions.get(graph);
    this.stats.compilations = this.sessions.compilations;
    this.stats.compileMs = this.sessions.compileMs;
    const start = performance.now();
    const ours = this.runner.writesIntoOurs;
    const overwritten = graph.fetched.map((value) => (ours ? overwritable(value.producer) : undefined));
    const memory = graph.fetched.map((value, i) => (ours ? (overwritten[i]?.values ?? this.allocate(value)) : undefined));
    const memoryOf = (value: Value) => memory[graph.fetched.indexOf(value)];
    const fetches = [
      ...graph.fetched.map(({ dtype, shape }, i) => ({ type: dtype, dims: shape, data: memory[i] })),
      ...graph.inMemoryOfFetched.map((value) => ({ type: value.dtype, dims: value.shape, data: memoryOf(value) })),
    ];
    let results: Values[];
    try {
      results = await session.run(graph.feeds, fetches);
    } catch (cause) {
      memory.forEach((data, i) => {
        if (data && !overwritten[i]) this.pool.give(data.buffer as ArrayBuffer);
      });
      throw cause;
    }
    for (const old of overwritten) if (old) [old.values, old.pooled] = [undefined, false];
    this.stats.runMs += performance.now() - start;
    this.stats.runs++;
    this.stats.nodes += graph.size;
    graph.fetched.forEach((value, i) => {
      value.values = results[i];
      value.pooled = ours;
    });
  }

  private allocate(value: Value): Values {
    const size = value.shape.reduce((product, dim) => product * dim, 1);
    try {
      return viewOf(value.dtype, this.pool.take(byteSize(value)), size);
    } catch (cause) {
      const [op, shape, bytes] = [value.producer?.op, value.shape.join(', '), byteSize(value)];
      const problem = `onnxruntime could not run '${op}': there is no memory for its result [${shape}] of ${bytes} bytes`;
      throw new HoldfastError('engine-failed', problem, { cause });
    }
  }
}

/** Splits operations, which are in recording order, at the cuts. */
function bySegment(nodes: Iterable<OperationNode>): OperationNode[][] {
  const segments: OperationNode[][] = [];
  let current: OperationNode[] | undefined;
  for (const node of nodes) {
    if (current?.[0]?.segment !== node.segment) segments.push((current = []));
    current.push(node);
  }
  return segments;
}

/** Marks an operation as failed if one of its inputs cannot be computed. */
function buildsOnFailure(node: OperationNode): boolean {
  if (!node.inputs.some(({ value }) => value.producer?.state === 'failed')) return false;
  node.state = 'failed';
  return true;
}

function failedAncestors(value: Value): OperationNode[] {
  const found = new Set<OperationNode>();
  const open = [value];
  for (let next = open.pop(); next; next = open.pop()) {
    const node = next.producer;
    if (!node || node.state !== 'failed' || found.has(node)) continue;
    found.add(node);
    for (const input of node.inputs) open.push(input.value);
  }
  return [...found].sort((a, b) => a.id - b.id);
}

/** ONNX Runtime names the node in its messages, and we named the node after the tfjs operation. */
function explain(cause: unknown, nodes: readonly OperationNode[]): HoldfastError {
  if (isHoldfastError(cause)) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const [, op, index] = /(\w+)\/(\d+)\/\d+/.exec(message) ?? [];
  const node = op === undefined ? undefined : nodes[Number(index)];
  const what =
    node?.op === op && node
      ? ` '${op}' of ${node.inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ')}`
      : ` one of ${nodes.length} operations`;
  return new HoldfastError('engine-failed', `onnxruntime could not run${what}: ${message}`, { cause });
}
