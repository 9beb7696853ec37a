import { parseArgs } from 'node:util';
import { examine, ownVersion } from './doctor';
import { formatDiagnosis } from './format';
import { firstLine } from './text';

const help = `Usage: holdfast <command> [options]

Commands
  doctor      which engines can be used on this machine and why not, what is installed, what to do

Options
  --json      print the result as JSON
  --version   print the version
  --help      print this`;

export interface Surroundings {
  /** A file of this package: packages are looked for from its folder upwards. */
  readonly from: string;
  /** The user's folder. */
  readonly project: string;
  write(text: string): void;
  complain(text: string): void;
}

/** Runs one command. @returns the exit code: 0 fine, 1 a problem was found, 2 wrong usage */
export async function cli(args: readonly string[], { from, project, write, complain }: Surroundings): Promise<number> {
  const usage = (problem: string) => {
    complain(`holdfast: ${problem}\n\n${help}`);
    return 2;
  };
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
    });
  } catch (error) {
    return usage(firstLine(error));
  }
  const { values, positionals } = parsed;
  const [command, ...rest] = positionals;
  if (values.help) return (write(help), 0);
  if (values.version) return (write(ownVersion(from)), 0);
  if (command === undefined) return usage('a command is missing');
  if (command !== 'doctor') return usage(`there is no command '${command}'`);
  if (rest.length > 0) return usage(`doctor takes no arguments, got ${rest.map((argument) => `'${argument}'`).join(', ')}`);

  const found = await examine(from, project);
  write(values.json ? JSON.stringify(found, null, 2) : formatDiagnosis(found));
  return found.advice.some(({ kind }) => kind === 'problem') ? 1 : 0;
}
