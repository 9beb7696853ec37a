import { codeOf, crypto, fs, path, statOf } from './nodeFiles';

/** Puts a complete folder in the place of another. Every step is one rename, so nobody ever finds half a folder under NAME or `.NAME.next`. */
export async function install(saving: string, target: string): Promise<void> {
  const { next } = siblings(target);
  await attempt(async () => {
    await moveAway(next, target);
    await fs.rename(saving, next);
    return true;
  });
  await attempt(async () => {
    await moveAway(target, target);
    try {
      await fs.rename(next, target);
      return true;
    } catch (error) {
      // Whoever opened the folder meanwhile has put it there already; or a later save has taken its place.
      if (codeOf(error) === 'ENOENT') return (await statOf(target)) !== undefined;
      throw error;
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

async function moveAway(place: string, target: string): Promise<void> {
  await fs.rename(place, siblings(target).previous).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

/** Also what a crash has left. */
export async function removePrevious(target: string): Promise<void> {
  const parent = path.dirname(target);
  const old = (await fs.readdir(parent).catch(() => [])).filter((name) => name.startsWith(`.${path.basename(target)}.previous`));
  for (const name of old) await fs.rm(path.join(parent, name), { recursive: true, force: true }).catch(() => undefined);
}

/** Finishes a save that was cut off: `.NAME.next` is complete whenever it exists. */
export async function recover(target: string): Promise<void> {
  const { next } = siblings(target);
  if ((await statOf(target)) || !(await statOf(next))) return;
  // Whoever comes second finds the folder there.
  await fs.rename(next, target).catch(() => undefined);
}

/** After a save that failed: the folder is what it was, and what should have followed it must not come up later. */
export async function discardNext(target: string): Promise<void> {
  if (await statOf(target)) await moveAway(siblings(target).next, target);
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
