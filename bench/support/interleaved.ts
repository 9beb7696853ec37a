import { setTimeout as pause } from 'node:timers/promises';

/** One of those that are compared. */
export interface Side {
  readonly name: string;
  /** Runs a round's steps: the milliseconds of each. */
  turn(): Promise<readonly number[]>;
}

/**
 * Rounds in which every side has one turn, so that whatever slows the machine down slows all of them. The order turns around from round
 * to round: nobody always comes after the same one.
 *
 * @returns by side, the rounds' steps
 */
export async function interleaved(sides: readonly Side[], rounds: number): Promise<Map<string, number[][]>> {
  const times = new Map<string, number[][]>(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      // Threads of the one before go on spinning for a while.
      await pause(50);
      times.get(side.name)!.push([...(await side.turn())]);
    }
  }
  return times;
}
