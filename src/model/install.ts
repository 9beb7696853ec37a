import { codeOf, crypto, fs, path, statOf } from './nodeFiles';

/** Puts a complete folder in the place of another. Every step is one rename, so nobody ever finds half a folder under NAME or `.NAME.next`. */
export async function install(saving: string, target: string, away: string[]): Promise<void> {
  const { next } = siblings(target);
  await attempt(async () => {
    await moveAway(next, target, away);
    await fs.rename(saving, next);
    return true;
  });
  await attempt(async () => {
    const moved = await moveAway(target, target, away);
    try {
      await fs.rename(next, target);
      return true;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      // Whoever opened the folder meanwhile has put it there already, or another save has taken its place: what was moved away may be theirs.
      if (moved !== undefined) await fs.rename(moved, target).catch(() => undefined);
      return (await statOf(target)) !== undefined;
    }
  });
}

/** Runs `body` until it is done: another save may come between any two renames. */
async function attempt(body: () => Promise<boolean>): Promise<void> {
  for (let left = 50; ; left--) {
    try {
      if (await body()) return;
      if (left === 0) throw new Error('the folder is missing: something keeps removing it');
    } catch (error) {
      if (left === 0 || !['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** @returns where it is now, which `away` gets too; undefined if it was not there */
async function moveAway(place: string, target: string, away: string[]): Promise<string | undefined> {
  const { previous } = siblings(target);
  try {
    await fs.rename(place, previous);
    away.push(previous);
    return previous;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What this save has moved away, and what a crash has left: another save that is under way may want back what it has just moved. */
export async function removePrevious(target: string, away: readonly string[]): Promise<void> {
  const parent = path.dirname(target);
  const prefix = `.${path.basename(target)}.previous`;
  const found = (await fs.readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
  for (const name of found) {
    const place = path.join(parent, name);
    const owner = Number(/^-(\d+)-/.exec(name.slice(prefix.length))?.[1] ?? 0);
    if (away.includes(place) || !isRunning(owner)) await fs.rm(place, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  if (pid === 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Finishes a save that was cut off: `.NAME.next` is complete whenever it exists. */
export async function recover(target: string): Promise<void> {
  const { next } = siblings(target);
  if ((await statOf(target)) || !(await statOf(next))) return;
  // Whoever comes second finds the folder there.
  await fs.rename(next, target).catch(() => undefined);
}

/** After a save that failed: the folder is what it was, and what should have followed it must not come up later. */
export async function discardNext(target: string, away: string[]): Promise<void> {
  if (await statOf(target)) await moveAway(siblings(target).next, target, away);
}

/** A new place beside the folder, to write in. */
export const savingPlace = (target: string): string => siblings(target).saving;

function siblings(target: string) {
  const beside = (kind: string) => path.join(path.dirname(target), `.${path.basename(target)}.${kind}`);
  const unique = `${process.pid}-${crypto.randomBytes(4).toString('hex')}`;
  return {
    next: beside('next'),
    previous: beside(`previous-${unique}`),
    saving: beside(`saving-${unique}`),
  };
}
