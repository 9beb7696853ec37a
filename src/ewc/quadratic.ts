import * as tf from '@tensorflow/tfjs';

/**
 * `½ Σ F ⊙ (w − m)²`, the spring that every weight penalty of this room is made of; its gradient is `F ⊙ (w − m)`.
 * Written as one operation of the tape: the automatic gradient would make three more passes over memory as large as the model.
 */
export function quadratic(weight: tf.Tensor, mean: tf.Tensor, importance: tf.Tensor): tf.Scalar {
  const spring = tf.customGrad((...args) => {
    const [w, save] = args as unknown as [tf.Tensor, (tensors: tf.Tensor[]) => void];
    const distance = tf.sub(w, mean);
    const pull = tf.mul(distance, importance);
    save([pull]);
    return {
      value: tf.sum<tf.Scalar>(pull.mul(distance)).mul<tf.Scalar>(0.5),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => saved!.mul(dy),
    };
  });
  return spring(weight);
}
