import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Code that a reader of the documentation will copy. */
export interface DocExample {
  /** Relative to the repository. */
  readonly file: string;
  /** Of its first line, from 1. */
  readonly line: number;
  readonly code: string;
}

/** Every `@example` in a docstring of `src`. */
export const docExamples = (): DocExample[] => sourceFiles().flatMap((file) => examplesIn(file, read(file)));

/** How often `src` says `@example`. */
export const exampleCount = (): number =>
  sourceFiles().reduce((count, file) => count + read(file).split('@example').length - 1, 0);

/** The TypeScript blocks of a Markdown file. */
export function markdownExamples(file: string): DocExample[] {
  const text = read(file);
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(({ 1: code = '', index }) => ({
    file,
    line: lineOf(text, index) + 1,
    code,
  }));
}

/** Functions of `src` that take an options object, by name: whether one of their docstrings has an example. */
export function functionsWithOptions(): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const file of sourceFiles()) {
    const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
    for (const [name, parameters, statement] of source.statements.flatMap(exportedFunctions)) {
      if (!parameters.some(({ type }) => type && /Options\b/.test(type.getText()))) continue;
      const documented = ts.getJSDocTags(statement).some(({ tagName }) => tagName.text === 'example');
      found.set(name, documented || (found.get(name) ?? false));
    }
  }
  return found;
}

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const sourceFiles = (): string[] =>
  readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name.replaceAll(path.sep, '/')}`)
    .sort();

function examplesIn(file: string, text: string): DocExample[] {
  return [...text.matchAll(/^[ \t]*\* @example\b([\s\S]*?)(?=^[ \t]*\* @|^[ \t]*\*\/)/gm)].map(({ 1: body = '', index }) => {
    const lines = body.split('\n').map((line) => line.replace(/^\s*\* ?/, ''));
    const blank = lines.findIndex((line) => line.trim() !== '');
    return { file, line: lineOf(text, index) + blank, code: lines.slice(blank).join('\n') };
  });
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

type ExportedFunction = readonly [name: string, parameters: readonly ts.ParameterDeclaration[], statement: ts.Node];

function exportedFunctions(statement: ts.Statement): ExportedFunction[] {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  if (!modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isFunctionDeclaration(statement) && statement.name) return [[statement.name.text, [...statement.parameters], statement]];
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name, initializer }): ExportedFunction[] =>
    initializer && ts.isArrowFunction(initializer) ? [[name.getText(), [...initializer.parameters], statement]] : [],
  );
}
