import { HoldfastError, type ErrorCode, type Issue } from '../core/errors';

/** How many findings an error lists; the rest is counted. */
const LISTED = 20;

/** Collects what is wrong with some data, so that one error names all of it. */
export interface Findings {
  readonly count: number;
  add(issue: Issue): void;
  /** Throws if anything was found: `summary` says of what, and is followed by the list. */
  throwIfAny(code: ErrorCode, summary: string, cause?: unknown): void;
}

export function findings(): Findings {
  const listed: Issue[] = [];
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(issue) {
      count++;
      if (listed.length < LISTED) listed.push(issue);
    },
    throwIfAny(code, summary, cause) {
      if (count === 0) return;
      const rest = count - listed.length;
      const issues = rest > 0 ? [...listed, { message: `… and ${rest} more` }] : listed;
      throw new HoldfastError(
        code,
        `${summary}: ${count === 1 ? '1 problem' : `${count} problems`}\n${issues.map(({ message }) => `- ${message}`).join('\n')}`,
        { issues, cause },
      );
    },
  };
}
