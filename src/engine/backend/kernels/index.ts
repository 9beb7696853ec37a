import type { Kernels } from '../emitters';
import { binary } from './binary';
import { create } from './create';
import { unary } from './unary';
import { gather } from './gather';
import { matmul } from './matmul';
import { normalize } from './normalize';
import { reductions } from './reductions';
import { reshape } from './reshape';
import { select } from './select';

/** Every tfjs kernel that this backend has by itself. */
export const kernels: Kernels = {
  ...unary,
  ...binary,
  ...reductions,
  ...matmul,
  ...reshape,
  ...gather,
  ...select,
  ...create,
  ...normalize,
};
