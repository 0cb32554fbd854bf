import { expect, test } from "vitest";
import { chromiumPath, launchOptions, whyNot } from "../src/index.js";

// any program will do: these tests ask where it is looked for, not whether it draws
const program = process.execPath;

test("CHROMIUM_PATH names the browser", () => {
  const env = { CHROMIUM_PATH: program };
  expect(chromiumPath(env)).toBe(program);
  expect(whyNot(env)).toBeUndefined();
  expect(launchOptions(env)).toMatchObject({ executablePath: program, headless: true });
});

test("a CHROMIUM_PATH without a program is a reason, and no other browser is taken instead", () => {
  const env = { CHROMIUM_PATH: "/nowhere/chromium" };
  expect(chromiumPath(env)).toBeUndefined();
  expect(whyNot(env)).toBe("no program at CHROMIUM_PATH (/nowhere/chromium)");
  expect(() => launchOptions(env)).toThrow(
    "launchOptions: expected a Chromium, got no program at CHROMIUM_PATH (/nowhere/chromium)",
  );
});

test('an empty CHROMIUM_PATH, or "none", acts as if there were no browser', () => {
  expect(whyNot({ CHROMIUM_PATH: "" })).toBe('CHROMIUM_PATH is ""');
  expect(whyNot({ CHROMIUM_PATH: "none" })).toBe('CHROMIUM_PATH is "none"');
});

test("WebGL and WebGPU run without a GPU", () => {
  expect(launchOptions({ CHROMIUM_PATH: program }).args).toEqual(
    expect.arrayContaining(["--use-angle=swiftshader", "--enable-unsafe-webgpu"]),
  );
});
