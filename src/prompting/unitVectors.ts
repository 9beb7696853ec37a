import * as tf from '@tensorflow/tfjs';
import { encoded, padded } from '../data/encoded';
import { tokenised } from '../data/tokenised';
import type { Example } from '../data/types';
import { cut } from '../engine/cut';
import { unitRows } from '../losses/cosine';
import type { TextModel } from '../model/types';

export interface UnitVectorsOptions {
  readonly batchSize: number;
  readonly maxLength: number;
}

/**
 * The model's pooled vector of each text, of length 1, on the host and in the order of the texts: [N][H].
 *
 * Rows are read in the order of their length, so that little is padded. Dropout is off.
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
  const order = rows.map((_, i) => i).sort((a, b) => rows[a]!.tokens.ids.length - rows[b]!.tokens.ids.length || a - b);
  const result: Float32Array[] = [];
  for (let at = 0; at < order.length; at += batchSize) {
    const some = order.slice(at, at + batchSize);
    const vectors = tf.tidy(() => {
      const host = padded(
        some.map((i) => rows[i]!.tokens),
        { padId: model.tokenizer.padId, maxLength },
      );
      return unitRows(model.forward(encoded(host)).pooled); // [B, H]
    });
    cut();
    try {
      const [values, H] = [await vectors.data<'float32'>(), vectors.shape[1]];
      some.forEach((i, b) => (result[i] = values.slice(b * H, (b + 1) * H)));
    } finally {
      vectors.dispose();
    }
  }
  return result;
}
