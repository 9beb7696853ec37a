import type { GraphBuilder } from './graph';
import type { Runner, Session } from './runner';

/** Compiled graphs by what was emitted, the least recently used one leaving when there are too many. */
export class SessionCache {
  private readonly sessions = new Map<string, Session>();
  compilations = 0;
  compileMs = 0;

  constructor(
    private readonly runner: Runner,
    private readonly most: number,
  ) {}

  async get(graph: GraphBuilder): Promise<Session> {
    const known = this.sessions.get(graph.key);
    if (known) {
      this.sessions.delete(graph.key);
      this.sessions.set(graph.key, known);
      return known;
    }
    const start = performance.now();
    const session = await this.runner.createSession(graph.encode(), graph.inputNames, graph.outputNames);
    this.compilations++;
    this.compileMs += performance.now() - start;
    this.sessions.set(graph.key, session);
    await this.evict(this.most);
    return session;
  }

  get size(): number {
    return this.sessions.size;
  }

  /** Releases the oldest sessions until `most` are left. Runs are never under way here: the executor runs one graph at a time. */
  async evict(most: number): Promise<void> {
    for (const [key, session] of this.sessions) {
      if (this.sessions.size <= most) return;
      this.sessions.delete(key);
      await session.release();
    }
  }
}
