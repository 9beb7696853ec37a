import { afterEach, beforeEach, expect } from 'vitest';
import { tensorCount } from './leaks';

// After every test there must be as many tensors as before it: whatever the library kept by mistake shows here.
let before = 0;
beforeEach(() => {
  before = tensorCount();
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') return;
  const left = tensorCount() - before;
  expect(left, `${left} tensors are left after the test: dispose them, or run it in scoped() or tf.tidy()`).toBeLessThanOrEqual(
    0,
  );
});
