/** @file Files that appear whole and together, or not at all. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
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
  // all but `write` is synchronous: no signal can end the process halfway
  const made = makeFolder(where, target);
  let staging: string | undefined;
  const clear = (): void => {
    if (staging !== undefined) rmSync(staging, { recursive: true, force: true, maxRetries: 3 });
    if (made !== undefined) removeEmpty(target, made);
  };
  process.once("exit", clear);
  try {
    staging = attempt(where, target, () => mkdtempSync(join(target, ".splineformer-")));
    const result = await write(staging);
    moveAll(where, staging, target);
    rmSync(staging, { recursive: true });
    return result;
  } catch (error) {
    clear();
    throw error;
  } finally {
    process.off("exit", clear);
  }
}

/** Moves every file, or none: what is in the way is set aside first, and put back if a later file can't be moved. */
function moveAll(where: string, staging: string, target: string): void {
  const names = readdirSync(staging);
  for (const name of names)
    if (found(join(target, name))?.isDirectory())
      throw new RangeError(`${where}: expected a file or nothing at ${join(target, name)}, got a folder`);
  const aside = mkdtempSync(join(staging, ".old-"));
  const undo: (() => void)[] = [];
  try {
    for (const name of names) {
      const [from, to, old] = [join(staging, name), join(target, name), join(aside, name)];
      if (found(to)) {
        renameSync(to, old);
        undo.push(() => renameSync(old, to));
      }
      renameSync(from, to);
      undo.push(() => renameSync(to, from));
    }
  } catch (error) {
    for (const back of undo.reverse()) back();
    throw error;
  }
}

/** What is at a path, a link not followed; undefined where nothing is. */
const found = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

/**
 * Makes a folder and the parents that are missing, one at a time: the recursive way never returns where none can be made,
 * below /proc for one.
 *
 * @returns the outermost that was made
 */
function makeFolder(where: string, target: string): string | undefined {
  const missing: string[] = [];
  attempt(where, target, () => {
    for (let folder = target; !found(folder) && dirname(folder) !== folder; folder = dirname(folder))
      missing.unshift(folder);
  });
  for (const [i, folder] of missing.entries())
    try {
      attempt(where, target, () => mkdirSync(folder));
    } catch (error) {
      if (i > 0) removeEmpty(missing[i - 1], missing[0]);
      throw error;
    }
  if (!attempt(where, target, () => statSync(target)).isDirectory())
    throw new RangeError(`${where}: expected a folder to write into, got a file, ${target}`);
  return missing[0];
}

/** What the file system refuses, said by the command. */
function attempt<R>(where: string, target: string, make: () => R): R {
  try {
    return make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RangeError(`${where}: expected a folder to write into, got ${target} (${code ?? String(error)})`);
  }
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
