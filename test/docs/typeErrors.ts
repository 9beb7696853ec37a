import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { DocExample } from './docExamples';
import { library } from './given';

const root = fileURLToPath(new URL('../../', import.meta.url));
const here = path.join(root, 'test/docs');

/**
 * What the compiler says of the examples, with file and line in the documentation. Each is a file of its own, in memory only.
 *
 * @param given names that an example may use without making them
 */
export function typeErrors(examples: readonly DocExample[], given: readonly string[]): string[] {
  const files = new Map(examples.map((example, i) => [path.join(here, `example-${i}.ts`), example]));
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (name) => ts.sys.readFile(name)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  Object.assign(options, {
    paths: { holdfast: [path.join(root, 'src/index.ts')], 'holdfast/*': [path.join(root, 'src/*/index.ts')] },
  });
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => files.has(path.normalize(name)) || fileExists(name);
  host.getSourceFile = (name, version, ...rest) => {
    const example = files.get(path.normalize(name));
    return example ? ts.createSourceFile(name, moduleOf(example, given), version) : getSourceFile(name, version, ...rest);
  };
  const program = ts.createProgram({ rootNames: [...files.keys()], options, host });
  return [...files].flatMap(([name, { file, line }]) => {
    const source = program.getSourceFile(name)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ start = 0, messageText }) => {
        // One line stands before the example.
        const at = line + source.getLineAndCharacterOfPosition(start).line - 1;
        return `${file}:${at}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      },
    );
  });
}

/** The example below one line that brings its names, as a module. What imports for itself needs none. */
function moduleOf({ code }: DocExample, given: readonly string[]): string {
  if (/^import /m.test(code)) return `export {};\n${code}`;
  const names = [
    `import { library, type Names } from './given';`,
    `import type { Labeled, Term } from '../../src';`,
    `const { ${Object.keys(library).join(', ')} } = library;`,
    `declare const names: Names;`,
    `const { ${given.join(', ')} } = names;`,
  ];
  return `${names.join(' ')} export async function example() {\n${code}\n}`;
}
