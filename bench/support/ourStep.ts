import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs';
import { adamW, createRng, createStep, crossEntropy, gradientsOf, type Labeled, type Model } from '../../src';
import { OnnxBackend } from '../../src/engine/backend';
import { learningRate } from './synthetic';

export interface StepTime {
  readonly ms: number;
  /** Of these, JavaScript's own work: recording the step, and making graphs, keys and feeds of it. */
  readonly ourMs: number;
  /** Share of the time in which the JavaScript thread was busy with anything. */
  readonly busy: number;
  readonly loss: number;
}

/** The numbers that the lazy engine keeps; undefined on the others. */
export function engineStats(): OnnxBackend['stats'] | undefined {
  const backend = tf.backend();
  return backend instanceof OnnxBackend ? backend.stats : undefined;
}

/** Forward and backward, or a whole step with AdamW, on one batch with dropout: the library's own parts, timed until the loss is here. */
export function ourStep(model: Model, batch: Labeled) {
  const rng = createRng(1);
  const optimizer = adamW({ learningRate });
  const gradient = gradientsOf(crossEntropy(), model, rng);
  const step = createStep(model, { objective: crossEntropy(), optimizer, rng });
  // The gradients are kept until the loss is here: what nobody holds is not computed.
  const evaluate = () =>
    tf.tidy(() => {
      const { loss, grads } = gradient(batch);
      return { loss, grads: { ...grads } };
    });
  return {
    evaluate: () => timed(evaluate),
    train: () => timed(() => step(batch)),
    dispose: () => optimizer.dispose(),
  };
}

async function timed(record: () => { loss: tf.Scalar }): Promise<StepTime> {
  const traced = engineStats()?.traceMs ?? 0;
  const loop = performance.eventLoopUtilization();
  const start = performance.now();
  const kept = record();
  const recorded = performance.now() - start;
  const [loss] = await kept.loss.data();
  const ms = performance.now() - start;
  const busy = performance.eventLoopUtilization(loop).utilization;
  tf.dispose(kept);
  return { ms, ourMs: recorded + (engineStats()?.traceMs ?? 0) - traced, busy, loss: loss! };
}
