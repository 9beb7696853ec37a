import * as tf from '@tensorflow/tfjs';

/** What was lent, until it ends. */
export interface Loan {
  /** Whether a tensor's memory was taken: it is empty now, and only good to be disposed. */
  taken(tensor: tf.Tensor): boolean;
  end(): void;
}

interface Lender {
  lend?(tensor: tf.Tensor): Loan;
}

/** Lets an update write over memory that these tensors hold too: for a snapshot that is wanted only if the update fails. */
export function lend(tensors: readonly tf.Tensor[]): Loan {
  const backend = tf.backend() as Lender;
  const loans = new Map(tensors.map((tensor) => [tensor, backend.lend?.(tensor)]));
  return {
    taken: (tensor) => loans.get(tensor)?.taken(tensor) ?? false,
    end: () => loans.forEach((loan) => loan?.end()),
  };
}
