import { readJson, type Files } from './files';
import type { Pooling } from './pooling';

/** What belongs to a tokenizer, in one library or another. */
const tokenizerFiles = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
  'sentencepiece.bpe.model',
  'spiece.model',
];

/** What lets sentence-transformers open a folder. */
const sentenceFiles = ['modules.json', 'sentence_bert_config.json', 'config_sentence_transformers.json', '1_Pooling/config.json'];

/** The files beside config and weights that a save writes again unchanged. */
export async function carriedFiles(files: Files, pooling: Pooling): Promise<Map<string, Uint8Array>> {
  // Another pooling than theirs would make sentence-transformers compute something else.
  const names = (await sentencePooling(files)) === pooling ? [...tokenizerFiles, ...sentenceFiles] : tokenizerFiles;
  const carried = new Map<string, Uint8Array>();
  for (const name of names) if ((await files.size(name)) !== undefined) carried.set(name, await files.read(name));
  return carried;
}

/** The pooling that sentence-transformers uses in this folder, where it is one that we have. */
export async function sentencePooling(files: Files): Promise<Pooling | undefined> {
  const config = await readJson(files, '1_Pooling/config.json');
  const on = Object.entries(config ?? {}).filter(([field, value]) => field.startsWith('pooling_mode') && value === true);
  if (on.length !== 1) return undefined;
  return on[0]![0] === 'pooling_mode_mean_tokens' ? 'mean' : on[0]![0] === 'pooling_mode_cls_token' ? 'cls' : undefined;
}

/** Most tokens of one input, as the folder's tokenizer files say. */
export async function defaultLength(files: Files): Promise<number | undefined> {
  const lengths = [
    (await readJson(files, 'sentence_bert_config.json'))?.['max_seq_length'],
    (await readJson(files, 'tokenizer_config.json'))?.['model_max_length'],
  ];
  // "No limit" is written as a number with 30 digits.
  return lengths.find((length): length is number => Number.isSafeInteger(length) && (length as number) > 0);
}
