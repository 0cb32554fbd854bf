import { statSync } from "node:fs";
import { degree } from "@splineformer/transformer";
import { expect, it } from "vitest";
import { classify } from "../src/digits/classify.ts";
import { readMnist } from "../src/digits/mnist.ts";
import { shippedDigits } from "../src/shipped-digits.ts";

it("two images of each digit are shipped, with a model that takes them for what is recorded", async () => {
  const digits = await shippedDigits();
  expect(digits.images.shape).toEqual([20, 28, 28]);
  expect([...digits.labels]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]);
  expect(await classify(digits.model, digits)).toEqual(digits.found);
});

it("the shipped model is a spline of degree 9 and weighs less than 200 kB with its images", async () => {
  const { model } = await shippedDigits();
  expect(degree(model)).toEqual({ x: 9, total: 9 });
  const sizes = ["digits-model", "digits-images"].map(
    (name) => statSync(new URL(`../data/${name}.safetensors`, import.meta.url)).size,
  );
  expect(sizes[0] + sizes[1]).toBeLessThan(200_000);
});

it("the shipped images are images of the mnist package, pixel by pixel", async () => {
  const [{ images, labels }, all] = [await shippedDigits(), await readMnist()];
  const same = (i: number, k: number): boolean => {
    for (let p = 0; p < 784; p++) if (images.data[i * 784 + p] !== all.images.data[k * 784 + p]) return false;
    return true;
  };
  for (let i = 0; i < labels.length; i++)
    expect([...all.labels.keys()].filter((k) => all.labels[k] === labels[i] && same(i, k))).toHaveLength(1);
});
