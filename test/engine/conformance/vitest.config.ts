import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../../vitest.config';

/** npm run conformance: the same suite with all random programs on every engine. */
export default mergeConfig(
  base,
  defineConfig({ test: { include: [], dir: 'test/engine/conformance', env: { HOLDFAST_CONFORMANCE: 'all' } } }),
);
