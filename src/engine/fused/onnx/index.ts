import type { Kernels } from '../../backend/emitters';
import { adamW } from './adamW';
import { attention } from './attention';
import { crossEntropy } from './crossEntropy';
import { dropout } from './dropout';
import { gelu } from './gelu';
import { layerNorm } from './layerNorm';
import { linear } from './linear';
import { replaceRows } from './replaceRows';

/** The fused kernels of the `onnxruntime` backend, for its registration; everywhere else the composed versions run. */
export const fusedKernels: Kernels = {
  ...linear,
  ...layerNorm,
  ...gelu,
  ...dropout,
  ...attention,
  ...crossEntropy,
  ...adamW,
  ...replaceRows,
};
