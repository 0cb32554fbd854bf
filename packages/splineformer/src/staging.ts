/** @file Files that appear whole and together, or not at all. */
import { rmdirSync, rmSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/**
 * Lets `write` fill a hidden folder beside the results, then moves every file of it into `folder`, replacing files of that name.
 *
 * Each file is renamed, so a reader sees the old one or the new one. If `write` throws, an aborted signal included, what it
 * wrote is removed, and so is `folder` where it did not exist before.
 *
 * @param where - the command, for messages
 * @param folder - made if it is missing, with its parents
 * @param write - gets the path of the hidden folder
 * @returns what `write` returns
 * @throws RangeError if the folder can't be made or written into, or a folder stands where a file is to be
 */
export async function writeTogether<T>(
  where: string,
  folder: string,
  write: (staging: string) => Promise<T>,
): Promise<T> {
  const target = resolve(folder);
  const made = await makeFolder(where, target);
  let staging: string | undefined;
  // a process that ends at once has no time for promises
  const clear = (): void => {
    if (staging !== undefined) rmSync(staging, { recursive: true, force: true });
    if (made !== undefined) removeEmpty(target, made);
  };
  process.once("exit", clear);
  try {
    staging = await mkdtemp(join(target, ".splineformer-")).catch((error: unknown) => refuse(where, target, error));
    const result = await write(staging);
    await moveAll(where, staging, target);
    await rm(staging, { recursive: true });
    return result;
  } catch (error) {
    clear();
    throw error;
  } finally {
    process.off("exit", clear);
  }
}

/** Moves every file, or none: what is in the way is set aside first, and put back if a later file can't be moved. */
async function moveAll(where: string, staging: string, target: string): Promise<void> {
  const names = await readdir(staging);
  for (const name of names)
    if (await isFolder(join(target, name)))
      throw new RangeError(`${where}: expected a file or nothing at ${join(target, name)}, got a folder`);
  const aside = await mkdtemp(join(staging, ".old-"));
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const name of names) {
      const [from, to, old] = [join(staging, name), join(target, name), join(aside, name)];
      if (await exists(to)) {
        await rename(to, old);
        undo.push(() => rename(old, to));
      }
      await rename(from, to);
      undo.push(() => rename(to, from));
    }
  } catch (error) {
    for (const back of undo.reverse()) await back();
    throw error;
  }
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
const isFolder = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/**
 * Makes a folder and the parents that are missing, one at a time: the recursive way never returns where none can be made,
 * below /proc for one.
 *
 * @returns the outermost that was made
 */
async function makeFolder(where: string, target: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let folder = target; !(await exists(folder)) && dirname(folder) !== folder; folder = dirname(folder))
    missing.unshift(folder);
  for (const [i, folder] of missing.entries())
    try {
      await mkdir(folder);
    } catch (error) {
      if (i > 0) removeEmpty(missing[i - 1], missing[0]);
      refuse(where, target, error);
    }
  const found = await stat(target).catch((error: unknown) => refuse(where, target, error));
  if (!found.isDirectory()) throw new RangeError(`${where}: expected a folder to write into, got a file, ${target}`);
  return missing[0];
}

function refuse(where: string, target: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  throw new RangeError(`${where}: expected a folder to write into, got ${target} (${code ?? String(error)})`);
}

/** Removes the folders that were made, from the innermost to `last`, but none that holds something. */
function removeEmpty(innermost: string, last: string): void {
  for (let folder = innermost; ; folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
    if (folder === last) return;
  }
}
