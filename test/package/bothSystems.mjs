// Runs inside the project that the package was installed into; see package.test.ts. Prints ok as its last line.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import * as esm from 'holdfast';
import * as esmEngine from 'holdfast/engine';
import * as esmEwc from 'holdfast/ewc';
import * as esmPrompting from 'holdfast/prompting';

const require = createRequire(import.meta.url);
const cjs = require('holdfast');
const cjsEngine = require('holdfast/engine');
const cjsLosses = require('holdfast/losses');
assert.notEqual(esm.gradientsOf, cjs.gradientsOf, 'these must be two builds for the rest to mean anything');

// Errors
const errorOf = (build) => {
  try {
    build.createRng(-1);
  } catch (error) {
    return error;
  }
  throw new Error('createRng(-1) did not throw');
};
assert.ok(esm.isHoldfastError(errorOf(cjs)) && cjs.isHoldfastError(errorOf(esm)), 'errors are known across builds');
assert.ok(!(errorOf(cjs) instanceof esm.HoldfastError), 'so instanceof would not have done');
assert.equal(errorOf(cjs).code, 'bad-argument');

// One engine: chosen through one build, in use for the other and for tfjs itself
assert.equal(require('@tensorflow/tfjs').engine(), tf.engine());
const chosen = await cjsEngine.useEngine({ engine: 'onnxruntime' });
assert.equal(chosen.name, 'onnxruntime');
assert.equal(tf.getBackend(), 'onnxruntime');
const backend = tf.backend();
await esmEngine.useEngine({ engine: 'onnxruntime' });
assert.equal(tf.backend(), backend, 'the second build takes the engine that is there');

// One tape: a term of one build inside the gradient of the other, its logits from the other's fused kernels
const features = tf.tensor2d([[1, 0.5], [-1, 2]]); // prettier-ignore
const weights = { w: tf.variable(tf.tensor2d([[0.1, -0.2], [0.3, 0.4]])) }; // prettier-ignore
const model = {
  weights,
  trainable: ['w'],
  hiddenSize: 2,
  embeddingTable: 'none',
  forward: (_, options) => ({ logits: esmEngine.linear(features, (options?.weights ?? weights).w) }),
};
const batch = {
  examples: [],
  inputs: { ids: tf.zeros([2, 1], 'int32'), mask: tf.ones([2, 1]) },
  labels: tf.tensor1d([0, 1], 'int32'),
};
const gradient = async (build, term) => {
  const { grads } = build.gradientsOf(term, model)(batch);
  return [...(await grads.w.data())];
};
const one = await gradient(esm, cjsLosses.crossEntropy());
const other = await gradient(cjs, esm.crossEntropy());
assert.deepEqual(one, other);
assert.ok(one.some((value) => Math.abs(value) > 0.01));

// Off the tape of one build is off the tape of the other
const constant = (pass) => cjs.stopGradient(() => pass.output.logits).sum();
assert.throws(
  () => esm.gradientsOf(constant, model)(batch),
  (error) => cjs.isHoldfastError(error) && error.code === 'off-tape',
);

// The other subpaths load
assert.equal(typeof esmEwc.replay, 'function');
assert.equal(typeof require('holdfast/ewc').replay, 'function');
assert.equal(typeof esmPrompting.maskTokens, 'function');
assert.equal(typeof require('holdfast/prompting').maskTokens, 'function');
console.log('ok');
