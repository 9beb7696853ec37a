import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A child process that answers one line of JSON with another, so that its rounds can alternate with ours. */
export interface Peer {
  /** Rejects with the child's own words if it cannot, or if it ends. */
  ask<Answer>(request: Readonly<Record<string, unknown>> & { readonly do: string }): Promise<Answer>;
  close(): Promise<void>;
}

interface Asked {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** Starts a peer. What it writes on stderr is kept for the case that it fails. */
export function startPeer(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Peer {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting: Asked[] = [];
  let errors = '';
  let gone: Error | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4000)));
  child.stdin.on('error', () => {}); // A write to a child that ended; 'close' tells.
  const ended = new Promise<void>((resolve) => {
    const end = (error: Error) => {
      gone ??= error;
      for (const { reject } of waiting.splice(0)) reject(gone);
      resolve();
    };
    child.on('error', end);
    child.on('close', (code) => end(new Error(errors.trim().split('\n').at(-1) || `${command} ended with code ${code}`)));
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    // Libraries greet on stdout; answers are objects.
    if (!line.startsWith('{')) return;
    const answer = JSON.parse(line) as { error?: string };
    const asked = waiting.shift();
    if (answer.error === undefined) asked?.resolve(answer);
    else asked?.reject(new Error(answer.error));
  });
  return {
    ask: <Answer>(request: Readonly<Record<string, unknown>>) =>
      new Promise<Answer>((resolve, reject) => {
        if (gone) return reject(gone);
        waiting.push({ resolve: resolve, reject });
        child.stdin.write(`${JSON.stringify(request)}\n`);
      }),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
