import * as tf from '@tensorflow/tfjs';
import type { TextModel } from '../../src';
import { encoded, padded } from '../../src/data/encoded';
import { cut } from '../../src/engine/cut';

const batchSize = 64;

/** The pooled vector of each text, divided by its length; texts of similar length go together. */
export async function vectorsOf(model: TextModel, texts: readonly string[]): Promise<Float32Array[]> {
  const tokens = await model.tokenizer.encode(texts, { maxLength: model.maxLength });
  const order = [...texts.keys()].sort((i, j) => tokens[i]!.ids.length - tokens[j]!.ids.length || i - j);
  const vectors: Float32Array[] = [];
  for (let at = 0; at < order.length; at += batchSize) {
    const some = order.slice(at, at + batchSize);
    const pooled = tf.tidy(() => {
      const inputs = encoded(
        padded(
          some.map((i) => tokens[i]!),
          { padId: model.tokenizer.padId, maxLength: model.maxLength },
        ),
      );
      const { pooled: raw } = model.forward(inputs); // [B, H]
      return tf.div(raw, tf.maximum(tf.norm(raw, 'euclidean', 1, true), 1e-12));
    });
    cut();
    const values = (await pooled.data()) as Float32Array;
    pooled.dispose();
    some.forEach((i, b) => (vectors[i] = values.slice(b * model.hiddenSize, (b + 1) * model.hiddenSize)));
  }
  return vectors;
}
