import * as tf from '@tensorflow/tfjs';

/** A variable that owns `values`. */
export function toVariable(values: Float32Array, shape: readonly number[]): tf.Variable {
  const tensor = tf.tensor(values, [...shape], 'float32');
  const variable = tf.variable(tensor);
  tensor.dispose();
  return variable;
}
