import type { Family } from '../recipes';
import { binaryCases } from './binary';
import { elementwiseCases } from './elementwise';
import { fusedCases } from './fused';
import { gatherCases } from './gather';
import { matmulCases } from './matmul';
import { reductionsCases } from './reductions';
import { selectCases } from './select';
import { shapesCases } from './shapes';

/** The one list of cases, for all engines. */
export const families: Readonly<Record<string, Family>> = {
  elementwise: elementwiseCases,
  binary: binaryCases,
  reductions: reductionsCases,
  matmul: matmulCases,
  shapes: shapesCases,
  'gather and scatter': gatherCases,
  'select, cast, create, normalise': selectCases,
  'fused kernels': fusedCases,
};
