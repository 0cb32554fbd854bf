import { expect, test } from "vitest";

test("browser tests run in a browser, with WebGL 2 and WebGPU", async () => {
  expect(navigator.userAgent).toContain("Chrome");
  expect(document.createElement("canvas").getContext("webgl2")).not.toBeNull();
  expect(await navigator.gpu.requestAdapter()).not.toBeNull();
});
