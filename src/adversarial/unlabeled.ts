import type { Batch, Labeled } from '../core/types';

/** A batch that need not have labels; it may say which classes take part and what each row counts. */
export type Unlabeled = Batch & Partial<Pick<Labeled, 'classes' | 'shares'>>;
