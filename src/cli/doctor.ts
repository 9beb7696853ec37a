import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EngineFinding } from '../engine/engines';
import { advise } from './advice';
import { folderOf, inspectPackage, type PackageFinding } from './packages';
import { firstLine } from './text';

/** What `holdfast doctor` found; `--json` prints it as it is. */
export interface Diagnosis {
  readonly holdfast: string;
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  /** The C library on Linux: native packages carry a binary for each. */
  readonly libc?: 'glibc' | 'musl';
  readonly cores: number;
  /** Bytes. */
  readonly memory: { readonly total: number; readonly free: number };
  /** In the order of preference. */
  readonly engines: readonly EngineFinding[];
  /** Why no engine could be tried at all: TensorFlow.js is missing or broken. */
  readonly enginesError?: string;
  readonly packages: readonly PackageFinding[];
  /** Folders of more than one TensorFlow.js; empty if there is one or none. */
  readonly copies: readonly string[];
  /** What to do, most important first. */
  readonly advice: readonly Advice[];
}

export interface Advice {
  /** A problem stops something from working; a note does not. */
  readonly kind: 'problem' | 'note';
  readonly text: string;
  /** Commands to copy. */
  readonly commands: readonly string[];
}

/**
 * Packages that are looked at; whether loading them is harmless (tfjs-node and transformers are slow and talkative), and whether the engines
 * also take one that only the program has installed.
 */
const looked: readonly (readonly [name: string, load: boolean, ofProgram: boolean])[] = [
  ['@tensorflow/tfjs', true, false],
  ['tokenizers', true, false],
  ['onnxruntime-node', true, true],
  ['koffi', true, true],
  ['@xenova/transformers', false, false],
  ['@tensorflow/tfjs-node', false, true],
  ['@tensorflow/tfjs-node-gpu', false, true],
];

/**
 * Looks at this machine: the runtime, which engines can be used and why not, the packages, and what to do about it.
 *
 * @param from a file of this package; packages are looked for from its folder upwards
 * @param project the folder of the program that uses holdfast: the engines look there as well
 */
export async function examine(from: string, project: string): Promise<Diagnosis> {
  const program = path.join(project, 'package.json');
  const packages = await Promise.all(
    looked.map(([name, load, ofProgram]) => inspectPackage(name, ofProgram ? [from, program] : [from], { load })),
  );
  const libc = libcOf();
  const findings = {
    holdfast: ownVersion(from),
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    ...(libc && { libc }),
    cores: os.availableParallelism(),
    memory: { total: os.totalmem(), free: os.freemem() },
    ...(await findEngines()),
    packages,
    copies: copiesOf('@tensorflow/tfjs', [from, program]),
  };
  return { ...findings, advice: advise(findings) };
}

/** The engine room needs TensorFlow.js, which may be what is missing. */
async function findEngines(): Promise<Pick<Diagnosis, 'engines' | 'enginesError'>> {
  try {
    const { listEngines } = await import('../engine/engines');
    return { engines: await listEngines() };
  } catch (error) {
    return { engines: [], enginesError: firstLine(error) };
  }
}

function libcOf(): Diagnosis['libc'] {
  if (process.platform !== 'linux') return undefined;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

function copiesOf(name: string, places: readonly string[]): string[] {
  const folders = new Set(places.map((place) => folderOf(name, place)).filter((folder) => folder !== undefined));
  return folders.size > 1 ? [...folders] : [];
}

/** From the package.json above `from` that is ours. */
export function ownVersion(from: string): string {
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    const file = path.join(folder, 'package.json');
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    if (folder === path.dirname(folder)) return 'unknown';
  }
}
