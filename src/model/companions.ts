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
  // Another pooling than theirs would make sentence-transformers compute something else, and a module without its files opens nothing.
  const theirs = (await sentencePooling(files)) === pooling && (await isPoolingLast(files));
  const names = theirs ? [...tokenizerFiles, ...sentenceFiles] : tokenizerFiles;
  const carried = new Map<string, Uint8Array>();
  for (const name of names) if ((await files.size(name)) !== undefined) carried.set(name, await files.read(name));
  return carried;
}

/** Whether nothing with weights of its own comes after the pooling, such as a dense layer: those are not ours to carry. */
async function isPoolingLast(files: Files): Promise<boolean> {
  if ((await files.size('modules.json')) === undefined) return true;
  const text = new TextDecoder().decode(await files.read('modules.json'));
  const types = [...text.matchAll(/"type"\s*:\s*"([^"]*)"/g)].map(([, type = '']) => type);
  return types.length > 0 && types.every((type) => /\.(Transformer|Pooling|Normalize)$/.test(type));
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
