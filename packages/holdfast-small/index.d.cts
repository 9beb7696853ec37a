/**
 * Absolute path of the model's folder: `config.json`, `model.safetensors` and the tokenizer's files, in Hugging Face's layout. Node only.
 *
 * @example
 * await using model = await loadModel(folder);
 */
export declare const folder: string;
