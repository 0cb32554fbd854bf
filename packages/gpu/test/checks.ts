/**
 * @file Everything a device of this package must pass, as plain functions: run in Node on `webasm`, and in a page of
 * Chromium on `webgl2` and `webgpu`, from a bundle. Nothing here needs a test runner.
 */
import type { Gpu } from "@splineformer/gpu";
import { type Device, show } from "@splineformer/tensor";
import { runOpSuite, type TestRunner } from "@splineformer/testing";
import type { Handle } from "../src/handle.ts";
import { deviceChecks, memoryChecks, shapeChecks } from "./device-checks.ts";

/** What a check may do beside using its device. */
export interface Surroundings {
  /** Another device on the same backend. */
  another(): Promise<Gpu>;
  /** Textures and buffers that the page holds on the GPU; undefined where nobody counts. */
  allocated?(): number;
  /** Takes the GPU away from the device that was made last; undefined where there is none. */
  lose?(): Promise<void>;
}

export interface Check {
  readonly title: string;
  run(gpu: Gpu, surroundings: Surroundings): Promise<void>;
}

/** The op suite; every title is there before a device is. */
function suiteChecks(): readonly Check[] {
  let gpu: Gpu | undefined;
  // the suite takes its device when tests are registered: this one passes everything on to the device of the run
  const later = new Proxy({ name: "gpu", dtype: "float32" } as Device<Handle>, {
    get: (target, key) => Reflect.get(gpu ?? target, key),
  });
  const suite: Check[] = [];
  const register: TestRunner["it"] = Object.assign(
    (title: string, body: () => Promise<void>) =>
      suite.push({
        title,
        async run(device) {
          gpu = device;
          await body();
        },
      }),
    { skip: (title: string) => suite.push({ title: `skipped: ${title}`, run: async () => {} }) },
  );
  runOpSuite({ describe: (_, body) => body(), it: register, expect: expectEqual }, later);
  return suite;
}

/** What a device must pass, in order: `own` leaves out the op suite and what is large. */
export const checksOf = (which: "all" | "own"): readonly Check[] =>
  which === "own" ? deviceChecks : [...memoryChecks, ...suiteChecks(), ...shapeChecks, ...deviceChecks];

const expectEqual: TestRunner["expect"] = (actual) => ({
  toEqual(expected) {
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      throw new Error(`expected ${show(expected)}, got ${show(actual)}`);
  },
});
