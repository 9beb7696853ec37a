import type { Tensors } from './types';

/** The state of a part, as part of a whole's. */
export const prefixed = (prefix: string, tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));

/** What `prefixed` put there, under its own names; the rest is left out. */
export const unprefixed = (prefix: string, state: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(state).flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])),
  );
