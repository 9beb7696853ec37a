import { defineConfig } from 'vitest/config';
import base from '../../../vitest.config';

/** npm run conformance: the same suite with all random programs on every engine. */
export default defineConfig({
  test: { ...base.test, include: ['test/engine/conformance/*.test.ts'], env: { HOLDFAST_CONFORMANCE: 'all' } },
});
