/**
 * @file The one place that knows the system's Chromium: where it is, how tests start it, and why there is none.
 * It never downloads a browser. `CHROMIUM_PATH` names another one; empty or `none` means: act as if there were none.
 */
import { accessSync, constants } from "node:fs";

/** Where Debian, Ubuntu and Alpine put it, and Chrome where it is all there is. */
const usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * What a Chromium without a screen, a GPU and a network needs: WebGL 2 and WebGPU run on SwiftShader,
 * and nothing is fetched in the background.
 */
const args = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--enable-unsafe-webgpu",
];

/**
 * The path of the Chromium that tests use, or undefined: then `whyNot` says why.
 *
 * @param {NodeJS.ProcessEnv} [env] - where `CHROMIUM_PATH` is looked up; default `process.env`
 * @returns {string | undefined} an absolute path
 */
export function chromiumPath(env = process.env) {
  return candidates(env).find(isExecutable);
}

/**
 * Why browser tests can't run here, as a sentence for a person, or undefined when they can.
 *
 * @param {NodeJS.ProcessEnv} [env] - where `CHROMIUM_PATH` is looked up; default `process.env`
 * @returns {string | undefined} the reason
 */
export function whyNot(env = process.env) {
  if (chromiumPath(env) !== undefined) return undefined;
  const asked = env.CHROMIUM_PATH;
  if (asked === undefined) return `no Chromium at ${usual.join(", ")} (CHROMIUM_PATH names another)`;
  return isNone(asked) ? `CHROMIUM_PATH is "${asked}"` : `no program at CHROMIUM_PATH (${asked})`;
}

/**
 * Playwright's launch options for that Chromium: `chromium.launch(launchOptions())`, or the provider of
 * vitest's browser mode, `playwright({ launchOptions: launchOptions() })`.
 *
 * @param {NodeJS.ProcessEnv} [env] - where `CHROMIUM_PATH` is looked up; default `process.env`
 * @returns {{ executablePath: string, args: string[], headless: true }} a fresh object
 * @throws Error that says why there is none
 */
export function launchOptions(env = process.env) {
  const executablePath = chromiumPath(env);
  if (executablePath === undefined) throw new Error(`launchOptions: expected a Chromium, got ${whyNot(env)}`);
  return { executablePath, args: [...args], headless: true };
}

/** @param {NodeJS.ProcessEnv} env @returns {readonly string[]} */
function candidates(env) {
  const asked = env.CHROMIUM_PATH;
  if (asked === undefined) return usual;
  return isNone(asked) ? [] : [asked];
}

/** @param {string} asked */
function isNone(asked) {
  return asked === "" || asked === "none";
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
