import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { FitEvent } from '../../src';

type StepEvent = Extract<FitEvent, { readonly type: 'step' }>;

/** One line of the log: means over the steps since the last one. */
export interface LogLine {
  readonly step: number;
  readonly phase: string;
  readonly loss: number;
  readonly tokensPerSecond: number;
  /** Seconds of training, those of earlier sessions included. */
  readonly elapsed: number;
  readonly rate?: number;
  readonly [report: string]: number | string | undefined;
}

export interface Log {
  add(phase: string, event: StepEvent): void;
}

/**
 * Writes a line every `every` steps. A session that resumes drops the lines of steps that it will take again.
 *
 * @param file undefined: lines are only handed to `onLine`
 * @param from steps of the phase that are done
 */
export function openLog(
  file: string | undefined,
  { every, phase, from, onLine }: { every: number; phase: string; from: number; onLine?: ((line: LogLine) => void) | undefined },
): Log {
  const old = file !== undefined && existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const kept = old.map((line) => JSON.parse(line) as LogLine).filter((line) => line.phase !== phase || line.step <= from);
  if (file !== undefined) writeFileSync(file, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
  let elapsed = kept.at(-1)?.elapsed ?? 0;
  let events: StepEvent[] = [];
  return {
    add(name, event) {
      events.push(event);
      if (event.step % every !== 0) return;
      const seconds = events.reduce((sum, { milliseconds }) => sum + milliseconds / 1000, 0);
      elapsed += seconds;
      const { tokens = 0, ...reports } = meansOf(events);
      const line: LogLine = {
        step: event.step,
        phase: name,
        loss: rounded(events.reduce((sum, { loss }) => sum + loss, 0) / events.length),
        ...Object.fromEntries(Object.entries(reports).map(([report, value]) => [report, rounded(value)])),
        gradientNorm: rounded(events.reduce((sum, { gradientNorm }) => sum + gradientNorm, 0) / events.length),
        tokensPerSecond: Math.round((tokens * events.length) / seconds),
        ...(event.rate !== undefined && { rate: event.rate }),
        elapsed: Math.round(elapsed * 10) / 10,
      };
      events = [];
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
      onLine?.(line);
    },
  };
}

const rounded = (value: number): number => Math.round(value * 1e5) / 1e5;

/** The mean of each report over the steps that made it. */
function meansOf(events: readonly StepEvent[]): Record<string, number> {
  const names = new Set(events.flatMap(({ reports }) => Object.keys(reports)));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = events.flatMap(({ reports }) => (typeof reports[name] === 'number' ? [reports[name]] : []));
      return [name, values.reduce((sum, value) => sum + value, 0) / values.length];
    }),
  );
}
