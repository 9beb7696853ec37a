import { HoldfastError } from '../core/errors';
import type { Report } from './events';

interface Failure {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly reports: Readonly<Record<string, Report>>;
  readonly lastLoss: number | undefined;
  readonly rate: number | undefined;
}

/** The error of a step whose loss or gradient is not a number, with what is known of the cause. */
export function notFinite({ step, epoch, loss, gradientNorm, reports, lastLoss, rate }: Failure): HoldfastError {
  const what = Number.isFinite(loss) ? `gradient's norm is ${gradientNorm} (the loss is ${loss})` : `loss is ${loss}`;
  const before = lastLoss === undefined ? 'It is the first step' : `The last good loss was ${lastLoss} (step ${step - 1})`;
  const odd = Object.keys(reports).filter((name) =>
    [reports[name]!].flat().some((value) => typeof value === 'number' && !Number.isFinite(value)),
  );
  const causes = [
    odd.length > 0
      ? `the reported ${odd.map((name) => `'${name}'`).join(', ')}, which ${odd.length > 1 ? 'are' : 'is'} not finite either`
      : undefined,
    `a learning rate that is too high${rate === undefined ? '' : ` (${rate} now)`}: divide it by 10, add a warm-up, or clip with clipped(optimizer, { norm: 1 })`,
    lastLoss === undefined ? 'weights that already hold NaN' : undefined,
    'a logarithm, a division or a root at 0 in a term of the objective',
  ].filter((cause) => cause !== undefined);
  return new HoldfastError(
    'not-finite',
    `fit: the ${what} at step ${step}, epoch ${epoch}. ${before}, and the weights are those from before this step. Likely causes: ${causes.join('; ')}.`,
  );
}
