/** @file Files that appear whole and together, or not at all. */
import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/**
 * Lets `write` fill a hidden folder beside the results, then moves every file of it into `folder`, replacing files of that name.
 *
 * Each file is renamed, so a reader sees the old one or the new one. If `write` throws, an aborted signal included, what it
 * wrote is removed, and so is `folder` where it did not exist before.
 *
 * @param folder - made if it is missing, with its parents
 * @param write - gets the path of the hidden folder
 * @returns what `write` returns
 */
export async function writeTogether<T>(folder: string, write: (staging: string) => Promise<T>): Promise<T> {
  const target = resolve(folder);
  const made = await mkdir(target, { recursive: true });
  let staging: string | undefined;
  try {
    staging = await mkdtemp(join(target, ".splineformer-"));
    const result = await write(staging);
    for (const name of await readdir(staging)) await rename(join(staging, name), join(target, name));
    await rm(staging, { recursive: true });
    return result;
  } catch (error) {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true });
    if (made !== undefined) await removeEmpty(target, made);
    throw error;
  }
}

/** Removes the folders that were made, from the innermost to `last`, but none that holds something. */
async function removeEmpty(innermost: string, last: string): Promise<void> {
  for (let folder = innermost; ; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
    if (folder === last) return;
  }
}
