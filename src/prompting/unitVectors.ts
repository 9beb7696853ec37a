import { outputRows } from '../data/outputRows';
import { tokenised } from '../data/tokenised';
import type { Example } from '../data/types';
import { unitRows } from '../losses/cosine';
import type { TextModel } from '../model/types';

export interface UnitVectorsOptions {
  readonly batchSize: number;
  readonly maxLength: number;
}

/**
 * The model's pooled vector of each text, of length 1, on the host and in the order of the texts: [N][H]. Dropout is off.
 */
export async function unitVectors(
  model: TextModel,
  examples: readonly Example[],
  { batchSize, maxLength }: UnitVectorsOptions,
): Promise<Float32Array[]> {
  const rows = await tokenised(
    examples.map((example) => ({ example })),
    [],
    model.tokenizer,
    maxLength,
  );
  return outputRows(model, rows, batchSize, ({ pooled }) => unitRows(pooled)); // [B, H]
}
