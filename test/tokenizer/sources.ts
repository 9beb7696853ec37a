import { readFileSync } from 'node:fs';
import { memoryFiles } from '../../src/model/files';
import { loadTokenizer, type LoadTokenizerOptions } from '../../src/tokenizer/loadTokenizer';
import type { Tokenizer } from '../../src/model/types';
import { sharedPath } from '../support/shared';

export const libraries = ['tokenizers', '@xenova/transformers'] as const;

/** A tokenizer of test/fixtures/tokenizer. */
export const fixtureJson = (name: string): string =>
  readFileSync(new URL(`../fixtures/tokenizer/${name}.json`, import.meta.url), 'utf8');

export const filesOf = (contents: Readonly<Record<string, string>>) =>
  memoryFiles(new Map(Object.entries(contents).map(([name, text]) => [name, new TextEncoder().encode(text)])), 'my-model');

export const fixtureTokenizer = (name: string, options: LoadTokenizerOptions = {}): Promise<Tokenizer> =>
  loadTokenizer(filesOf({ 'tokenizer.json': fixtureJson(name) }), options);

export const sharedTokenizer = (model: string, options: LoadTokenizerOptions = {}): Promise<Tokenizer> =>
  loadTokenizer(
    filesOf(
      Object.fromEntries(
        ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'].map((name) => [
          name,
          readFileSync(sharedPath('models', model, name), 'utf8'),
        ]),
      ),
    ),
    options,
  );
