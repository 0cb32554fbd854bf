import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeTogether } from "../src/staging.ts";

describe("files written together", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "splineformer-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("appear in a folder that is made for them, and leave no other trace", async () => {
    const result = await writeTogether("demo", join(folder, "a/b"), async (staging) => {
      writeFileSync(join(staging, "one.txt"), "1");
      writeFileSync(join(staging, "two.txt"), "2");
      return 3;
    });
    expect(result).toBe(3);
    expect(readdirSync(join(folder, "a/b"))).toEqual(["one.txt", "two.txt"]);
  });

  it("replace older ones and leave others alone", async () => {
    writeFileSync(join(folder, "one.txt"), "old");
    writeFileSync(join(folder, "mine.txt"), "mine");
    await writeTogether("demo", folder, async (staging) => writeFileSync(join(staging, "one.txt"), "new"));
    expect(readFileSync(join(folder, "one.txt"), "utf8")).toBe("new");
    expect(readdirSync(folder)).toEqual(["mine.txt", "one.txt"]);
  });

  it("appear only when all of them are written", async () => {
    await writeTogether("demo", folder, async (staging) => {
      writeFileSync(join(staging, "one.txt"), "1");
      expect(existsSync(join(folder, "one.txt"))).toBe(false);
    });
    expect(existsSync(join(folder, "one.txt"))).toBe(true);
  });

  it("do not appear at all after an error, nor do the folders that were made", async () => {
    mkdirSync(join(folder, "kept"));
    const failing = writeTogether("demo", join(folder, "kept/a/b"), async (staging) => {
      writeFileSync(join(staging, "one.txt"), "1");
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(readdirSync(join(folder, "kept"))).toEqual([]);
  });

  it("appear all or none, also where a folder is in the way of one", async () => {
    mkdirSync(join(folder, "two.txt"));
    writeFileSync(join(folder, "one.txt"), "old");
    const failing = writeTogether("demo", folder, async (staging) => {
      writeFileSync(join(staging, "one.txt"), "new");
      writeFileSync(join(staging, "two.txt"), "new");
    });
    await expect(failing).rejects.toThrow(/^demo: expected a file or nothing at .*two\.txt, got a folder$/);
    expect(readFileSync(join(folder, "one.txt"), "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["one.txt", "two.txt"]);
  });

  it("are refused where no folder can be made, and what was made on the way is removed", async () => {
    writeFileSync(join(folder, "file"), "");
    const nothing = async () => {};
    const refused = /^demo: expected a folder to write into, got/;
    for (const impossible of ["file", "file/a", `a/${"b".repeat(300)}`])
      await expect(writeTogether("demo", join(folder, impossible), nothing)).rejects.toThrow(refused);
    await expect(writeTogether("demo", join(folder, "file"), nothing)).rejects.toThrow("got a file, ");
    await expect(writeTogether("demo", join(folder, "file/a"), nothing)).rejects.toThrow("(ENOTDIR)");
    // a link that leads nowhere
    symlinkSync(join(folder, "nowhere"), join(folder, "link"));
    await expect(writeTogether("demo", join(folder, "link"), nothing)).rejects.toThrow("(ENOENT)");
    rmSync(join(folder, "link"));
    expect(readdirSync(folder)).toEqual(["file"]);
  });
});
