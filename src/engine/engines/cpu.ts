import * as tf from '@tensorflow/tfjs';
import { activate, type Engine } from './engine';

const what = "tfjs's plain JavaScript kernels: a reference, far too slow to train a real encoder";

export const cpu: Engine = {
  name: 'cpu',
  hint: () => '',
  probe: async () => what,
  async start() {
    // Else tfjs prints a banner that recommends another package.
    tf.enableProdMode();
    await activate('cpu');
    return what;
  },
};
