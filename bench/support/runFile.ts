import { appendLine, readLines } from './runLines';

/** The finished runs of a benchmark in a file, one line each; `keyOf` is what tells one run from another. */
export const runFile = <Key extends object, Line extends Key>(keyOf: (key: Key) => string) => ({
  readRuns: (file: string): Line[] => readLines<Line>(file, keyOf),
  appendRun: (file: string, run: Line): void => appendLine(file, run),
  isFinished: (wanted: Key, runs: readonly Line[]): boolean => runs.some((run) => keyOf(run) === keyOf(wanted)),
});

/** Makes the runs that the file lacks and adds each when it is finished. One that fails does not stop the others: returns what failed. */
export async function fillIn<Key extends object, Line extends Key>(
  out: string,
  wanted: readonly Key[],
  { readRuns, appendRun, isFinished }: ReturnType<typeof runFile<Key, Line>>,
  titleOf: (key: Key) => string,
  run: (key: Key) => Promise<Line>,
): Promise<string[]> {
  const failures: string[] = [];
  for (const key of wanted) {
    // The file is read anew each time: another process may fill it too.
    if (isFinished(key, readRuns(out))) continue;
    try {
      appendRun(out, await run(key));
    } catch (error) {
      failures.push(`${titleOf(key)}, failed: ${(error as Error).message}`);
      console.error(failures.at(-1));
    }
  }
  return failures;
}
