/**
 * @file Seeded random numbers, the same on every machine. Philox4x32-10 makes the bits; normal deviates use only
 * +, −, ×, ÷ and √, which IEEE 754 rounds the same everywhere (`Math.log` and `Math.cos` are not so bound).
 * Not for cryptography.
 */
import { checkOptions } from "./check.ts";
import { show } from "./errors.ts";
import { philox4x32 } from "./philox.ts";
import { checkShape, type Shape, sizeOf } from "./shape.ts";
import { allocate, type Tensor } from "./tensor.ts";

type FloatType = "float32" | "float64";

/** A stream of random numbers. Each call moves it on. */
export interface Random {
  /** Uniform on [0, 1), a multiple of 2⁻⁵³. */
  number(): number;
  /** Uniform on 0, …, below − 1, without bias. */
  integer(below: number): number;
  /**
   * Uniform on [from, to); by default [0, 1), float32. Where the interval is so short or so far from 0 that the dtype
   * rounds `from + (to − from) u` up, `to` itself may come; never on [0, 1).
   */
  uniform<D extends FloatType = "float32">(
    shape: Shape,
    options?: { readonly from?: number; readonly to?: number; readonly dtype?: D },
  ): Tensor<D>;
  /** Normal with this mean and standard deviation; by default 0 and 1, float32. */
  normal<D extends FloatType = "float32">(
    shape: Shape,
    options?: { readonly mean?: number; readonly deviation?: number; readonly dtype?: D },
  ): Tensor<D>;
  /** The whole numbers 0, …, length − 1 in random order. */
  permutation(length: number): number[];
}

/**
 * A seeded generator: Philox4x32-10, counter-based.
 *
 * Streams of one seed do not overlap (`stream` is half of the counter), so that each part of a program can
 * have its own and none depends on how much another draws.
 *
 * @param seed - whole number, 0 ≤ seed < 2⁵³
 * @param options - `stream`: whole number, 0 ≤ stream < 2⁵³; default 0
 * @throws RangeError if seed or stream is not such a number
 * @source Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
 * https://doi.org/10.1145/2063384.2063405; normal deviates by the polar method of Marsaglia and Bray, SIAM Review 6 (1964)
 * @example
 * ```ts
 * import { random } from "@splineformer/tensor";
 * random(7).normal([3, 5]).shape; // [3, 5]
 * random(7).number() === random(7).number(); // true
 * ```
 */
export function random(seed: number, options: { readonly stream?: number } = {}): Random {
  checkOptions("random", options, ["stream"]);
  const { stream = 0 } = options;
  for (const [name, value] of Object.entries({ seed, stream }))
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw new RangeError(`random: expected ${name} to be a whole number in [0, 2^53), got ${show(value)}`);
  const key = Uint32Array.of(seed >>> 0, Math.floor(seed / 2 ** 32));
  const counter = Uint32Array.of(0, 0, stream >>> 0, Math.floor(stream / 2 ** 32));
  const block = new Uint32Array(4);
  let used = 4;
  const bits = (): number => {
    if (used === 4) {
      philox4x32(counter, key, block);
      counter[0]++;
      if (counter[0] === 0) counter[1]++;
      used = 0;
    }
    return block[used++];
  };
  const number = (): number => (bits() >>> 5) * 2 ** -27 + (bits() >>> 6) * 2 ** -53;
  let spare: number | undefined;
  const deviate = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const u = 2 * number() - 1;
      const v = 2 * number() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const factor = Math.sqrt((-2 * logarithm(s)) / s);
        spare = v * factor;
        return u * factor;
      }
    }
  };
  const integer = (below: number): number => {
    if (!(Number.isInteger(below) && below > 0 && below <= 2 ** 32))
      throw new RangeError(`random.integer: expected a whole number in [1, 2^32], got ${show(below)}`);
    const limit = 2 ** 32 - (2 ** 32 % below);
    for (;;) {
      const value = bits();
      if (value < limit) return value % below;
    }
  };
  const fill = <D extends FloatType>(where: string, shape: Shape, dtype: D | undefined, draw: () => number) => {
    checkShape(where, shape);
    const type = dtype ?? ("float32" as D);
    if (type !== "float32" && type !== "float64")
      throw new RangeError(`${where}: expected dtype float32 or float64, got ${show(type)}`);
    const data = allocate(type, sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = draw();
    return { dtype: type, shape: [...shape], data } as Tensor<D>;
  };
  return {
    number,
    integer,
    uniform(shape, options = {}) {
      checkOptions("random.uniform", options, ["from", "to", "dtype"]);
      const { from = 0, to = 1, dtype } = options;
      if (!(Number.isFinite(from) && Number.isFinite(to - from) && from <= to))
        throw new RangeError(`random.uniform: expected finite from ≤ to, got ${show(from)} and ${show(to)}`);
      if (dtype === "float64") return fill("random.uniform", shape, dtype, () => from + (to - from) * number());
      // float32 has 24 digits; more would round up to `to`
      const short = (): number => Math.floor(number() * 2 ** 24) * 2 ** -24;
      return fill("random.uniform", shape, dtype, () => from + (to - from) * short());
    },
    normal(shape, options = {}) {
      checkOptions("random.normal", options, ["mean", "deviation", "dtype"]);
      const { mean = 0, deviation = 1, dtype } = options;
      if (!(Number.isFinite(mean) && Number.isFinite(deviation) && deviation >= 0))
        throw new RangeError(
          `random.normal: expected a finite mean and a deviation ≥ 0, got ${show(mean)} and ${show(deviation)}`,
        );
      return fill("random.normal", shape, dtype, () => mean + deviation * deviate());
    },
    permutation(length) {
      if (!(Number.isInteger(length) && length >= 0 && length <= 2 ** 27))
        throw new RangeError(`random.permutation: expected a whole number in [0, 2^27], got ${show(length)}`);
      const order = Array.from({ length }, (_, i) => i);
      for (let i = length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    },
  };
}

/** log x for 0 < x < 1 by 2·atanh((m−1)/(m+1)) on m ∈ [√½, √2): only operations that IEEE 754 rounds the same everywhere. */
function logarithm(x: number): number {
  let m = x;
  let exponent = 0;
  while (m < Math.SQRT1_2) {
    m *= 2;
    exponent--;
  }
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let series = 0;
  // |s| < 0.172, so the first term left out is below 0.172^25/25 < 1e-20
  for (let k = 23; k >= 1; k -= 2) series = 1 / k + square * series;
  return exponent * Math.LN2 + 2 * s * series;
}
