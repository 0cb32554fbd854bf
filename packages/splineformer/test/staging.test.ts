import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
    const result = await writeTogether(join(folder, "a/b"), async (staging) => {
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
    await writeTogether(folder, async (staging) => writeFileSync(join(staging, "one.txt"), "new"));
    expect(readFileSync(join(folder, "one.txt"), "utf8")).toBe("new");
    expect(readdirSync(folder)).toEqual(["mine.txt", "one.txt"]);
  });

  it("appear only when all of them are written", async () => {
    await writeTogether(folder, async (staging) => {
      writeFileSync(join(staging, "one.txt"), "1");
      expect(existsSync(join(folder, "one.txt"))).toBe(false);
    });
    expect(existsSync(join(folder, "one.txt"))).toBe(true);
  });

  it("do not appear at all after an error, nor do the folders that were made", async () => {
    mkdirSync(join(folder, "kept"));
    const failing = writeTogether(join(folder, "kept/a/b"), async (staging) => {
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
    const failing = writeTogether(folder, async (staging) => {
      writeFileSync(join(staging, "one.txt"), "new");
      writeFileSync(join(staging, "two.txt"), "new");
    });
    await expect(failing).rejects.toThrow(/^writeTogether: expected a file or nothing at .*two\.txt, got a folder$/);
    expect(readFileSync(join(folder, "one.txt"), "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["one.txt", "two.txt"]);
  });

  it("are refused where no folder can be made, and what was made on the way is removed", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(writeTogether(join(folder, "file/a"), async () => {})).rejects.toThrow("ENOTDIR");
    await expect(writeTogether(join(folder, `a/${"b".repeat(300)}`), async () => {})).rejects.toThrow("ENAMETOOLONG");
    expect(readdirSync(folder)).toEqual(["file"]);
  });
});
