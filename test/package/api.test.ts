import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What is published: subpath → source file. */
function subpaths(): [name: string, file: string][] {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> };
  return Object.keys(exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => [path.posix.join('holdfast', subpath), path.join(root, 'src', subpath, 'index.ts')]);
}

function kindOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const { flags } = symbol;
  if (flags & ts.SymbolFlags.Class) return 'class';
  if (flags & ts.SymbolFlags.Function) return 'function';
  if (flags & ts.SymbolFlags.Interface) return 'interface';
  if (flags & ts.SymbolFlags.TypeAlias) return 'type';
  // An arrow function in a const is a function to its user.
  return checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0 ? 'function' : 'const';
}

/** After a change on purpose: npm run api */
test('the public names are those in api.txt', async () => {
  const entries = subpaths();
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    entries.map(([, file]) => file),
    options,
  );
  const checker = program.getTypeChecker();
  const sections = entries.map(([name, file]) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!;
    const names = checker.getExportsOfModule(module).map((entry) => {
      const symbol = entry.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(entry) : entry;
      return `  ${entry.name}: ${kindOf(symbol, checker)}`;
    });
    return [name, ...names.sort()].join('\n');
  });
  await expect(`${sections.join('\n\n')}\n`).toMatchFileSnapshot('./api.txt');
});
