import { isHoldfastError, type HoldfastError } from '../../src/core/errors';

/** The error that the work must end with. */
export const failure = async (work: Promise<unknown>): Promise<HoldfastError> => {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isHoldfastError(error)) throw new Error(`expected a HoldfastError, got ${String(error)}`);
  return error;
};
