import seedrandom from 'seedrandom';

/** A stream of numbers in [0, 1) that is a function of what it is for: the run's seed, the epoch, the purpose. */
export const randomOf = (...parts: readonly (number | string)[]): (() => number) => seedrandom(parts.join('/'));

/** A whole number from 0 to `below` − 1. */
export const drawBelow = (below: number, random: () => number): number => Math.floor(random() * below);
