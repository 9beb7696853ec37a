import { HoldfastError } from '../core/errors';
import { fileNotFound, parseObject, sidecarName, type Files, type FileSink } from './files';
import { discardNext, install, recover, removePrevious, savingPlace } from './install';
import { fs, loadNode, path, statOf } from './nodeFiles';

/** A folder on disk. A save that was cut off between its two renames is finished first. */
export async function openFolder(folder: string): Promise<Files> {
  await loadNode();
  const root = await placeOf(folder);
  await recover(root);
  if (!(await statOf(root))?.isDirectory()) {
    throw new HoldfastError(
      'not-found',
      `There is no folder '${folder}'. A text is always a path here, never a name to download.`,
    );
  }
  const at = (name: string) => path.join(root, name);
  return {
    name: `'${folder}'`,
    async list() {
      const names = await fs.readdir(root, { recursive: true });
      const found = await Promise.all(names.map((name) => statOf(at(name))));
      return names.filter((_, i) => found[i]?.isFile()).map((name) => name.replaceAll(path.sep, '/'));
    },
    async size(name) {
      const found = await statOf(at(name));
      return found?.isFile() ? found.size : undefined;
    },
    async read(name, range) {
      const found = await statOf(at(name));
      if (!found?.isFile()) throw fileNotFound(name, `'${folder}'`);
      return readBytes(at(name), range ?? { start: 0, end: found.size });
    },
  };
}

async function readBytes(file: string, { start, end }: { start: number; end: number }): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await fs.open(file, 'r');
  try {
    const bytes = new Uint8Array(end - start);
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
      if (bytesRead === 0) throw new HoldfastError('bad-weights', `'${file}' became shorter while it was read.`);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/**
 * Writes a folder so that a crash at any moment leaves the old or the new one complete.
 *
 * Everything is written into `.NAME.saving-…` beside it, with `fsync`. A complete folder is renamed to `.NAME.next`, the old one to
 * `.NAME.previous-…`, `.NAME.next` to NAME. If a crash falls between the last two, NAME is missing and `.NAME.next` is complete: whoever opens the folder renames it.
 * What the old folder holds beside our own files is copied over. A crash while writing leaves a `.NAME.saving-…` that may be deleted.
 * Of two saves at the same time the later one stays, whole.
 *
 * @throws HoldfastError `save-conflict` if the folder holds files but was not saved by this library, or holds one that this save writes as well
 */
export async function replaceFolder(folder: string, write: (sink: FileSink) => Promise<void>): Promise<void> {
  await loadNode();
  const target = await placeOf(folder);
  await recover(target);
  const kept = await foreignEntries(target, folder);
  const saving = savingPlace(target);
  const away: string[] = [];
  await fs.mkdir(path.dirname(target), { recursive: true });
  try {
    await fs.mkdir(saving);
    await write(folderSink(saving));
    for (const entry of kept) {
      if (await statOf(path.join(saving, entry))) throw ownFile(folder, entry);
      await fs.cp(path.join(target, entry), path.join(saving, entry), { recursive: true, verbatimSymlinks: true });
    }
    await syncFolder(saving);
    await install(saving, target, away);
    await syncFolder(path.dirname(target));
  } catch (cause) {
    await fs.rm(saving, { recursive: true, force: true });
    await recover(target);
    await discardNext(target, away);
    throw cause;
  } finally {
    await removePrevious(target, away);
  }
}

const ownFile = (folder: string, entry: string): HoldfastError =>
  new HoldfastError(
    'save-conflict',
    `'${folder}' holds a '${entry}' that is not holdfast's, and this save writes one as well: nothing was written. Move yours away.`,
  );

/** The folder itself where the path is a link: links stay, and what they lead to is replaced. */
async function placeOf(folder: string): Promise<string> {
  const wanted = path.resolve(folder);
  const linked = async () => path.resolve(path.dirname(wanted), await fs.readlink(wanted));
  return fs
    .realpath(wanted)
    .catch(linked)
    .catch(() => wanted);
}

/** What is in the folder beside our own files. */
async function foreignEntries(target: string, folder: string): Promise<string[]> {
  const entries = await fs.readdir(target).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new HoldfastError('save-conflict', `'${folder}' cannot be saved to: ${error.message}`, { cause: error });
  });
  if (entries.length === 0) return [];
  if (!entries.includes(sidecarName)) {
    throw new HoldfastError(
      'save-conflict',
      `'${folder}' holds files and was not saved by holdfast (it has no ${sidecarName}): nothing was written. Choose another folder.`,
    );
  }
  const { files } = parseObject(await fs.readFile(path.join(target, sidecarName)), `'${sidecarName}' in '${folder}'`);
  return entriesBeside([sidecarName, ...(Array.isArray(files) ? files.map(String) : [])], target);
}

/** Everything in a folder but `ours`: whole entries, and of folders that we write in what else is there. */
async function entriesBeside(ours: readonly string[], root: string, within = ''): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await fs.readdir(path.join(root, within))) {
    const name = within + entry;
    if (ours.includes(name)) continue;
    const holdsOurs = ours.some((file) => file.startsWith(`${name}/`)) && (await statOf(path.join(root, name)))?.isDirectory();
    found.push(...(holdsOurs ? await entriesBeside(ours, root, `${name}/`) : [name]));
  }
  return found;
}

const folderSink = (root: string): FileSink => ({
  async write(name, parts) {
    const file = path.join(root, name);
    await fs.mkdir(path.dirname(file), { recursive: true });
    const handle = await fs.open(file, 'wx');
    try {
      for await (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (path.dirname(file) !== root) await syncFolder(path.dirname(file));
  },
});

/** A rename is durable when its folder is. Windows cannot open folders, and needs not. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
