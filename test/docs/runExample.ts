import * as tf from '@tensorflow/tfjs';
import ts from 'typescript';
import type { DocExample } from './docExamples';
import { given, library } from './given';

const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (...values: unknown[]) => Promise<object>;

/** Runs an example in the current folder. What it makes and does not dispose is disposed; what is left then, the library has leaked. */
export async function runExample({ file, line, code }: DocExample): Promise<void> {
  const { names, dispose } = await given();
  const made: Disposable[] = [];
  const scope = { ...noting(made), ...names };
  const source = `${withoutImports(code)}\nreturn { ${declaredIn(code).join(', ')} };`;
  // The block lets an example declare a name that was given.
  const { outputText } = ts.transpileModule(`export async function run() {{\n${source}\n}}`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const run = new AsyncFunction(
    ...Object.keys(scope),
    `${outputText.replace(/^export (async function run)/m, '$1')}\nreturn run();`,
  );
  try {
    const declared = Object.values(await run(...Object.values(scope)));
    for (const value of declared) if (!isDisposable(value)) tf.dispose(value as tf.TensorContainer);
    [...declared.filter(isDisposable), ...made].forEach((thing) => thing.dispose());
  } catch (cause) {
    throw new Error(`${file}:${line}: the example fails: ${String(cause)}`, { cause });
  } finally {
    dispose();
  }
}

interface Disposable {
  dispose(): void;
}

/** The library, with a list of whatever its functions return that wants to be disposed. */
function noting(made: Disposable[]): Record<string, unknown> {
  const note = (result: unknown): unknown => {
    if (result instanceof Promise) return result.then(note);
    if (isDisposable(result)) made.push(result);
    return result;
  };
  return Object.fromEntries(
    Object.entries(library).map(([name, value]) =>
      // A class stays itself, for `instanceof`.
      typeof value === 'function' && /^[a-z]/.test(name)
        ? [name, (...args: unknown[]) => note((value as (...args: unknown[]) => unknown)(...args))]
        : [name, value],
    ),
  );
}

const isDisposable = (value: unknown): value is Disposable =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'function') &&
  'dispose' in value &&
  typeof value.dispose === 'function';

const withoutImports = (code: string): string => code.replace(/^import [^;]*;$/gm, '');

/** The names that the example's own statements declare. */
function declaredIn(code: string): string[] {
  const namesIn = (name: ts.BindingName): string[] =>
    ts.isIdentifier(name)
      ? [name.text]
      : name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []));
  return ts
    .createSourceFile('example.ts', code, ts.ScriptTarget.Latest)
    .statements.filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations.flatMap(({ name }) => namesIn(name)));
}
