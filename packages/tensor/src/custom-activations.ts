/**
 * @file Activations of the user's own: piecewise polynomials as plain data, and smooth ones under a registered name.
 * Letters: z a pre-activation.
 */
import { checkOptions, required } from "./check.ts";
import { show } from "./errors.ts";
import type { PiecewiseActivation, Pointwise, SmoothActivation } from "./pointwise.ts";

/**
 * How far the two sides of a knot may lie apart, relative to the size of the terms: coefficients that were computed are
 * rounded, and a jump that matters is larger.
 */
const jumpTolerance = 2 ** -40;

/** The meaning of `{ name: "piecewise", knots, pieces }`: checked, and without idle coefficients. */
export function piecewiseActivation(
  where: string,
  { knots, pieces }: { readonly knots: readonly number[]; readonly pieces: readonly (readonly number[])[] },
): PiecewiseActivation {
  const numbers = (list: unknown): list is readonly number[] => Array.isArray(list) && list.every(Number.isFinite);
  required(numbers(knots), where, "piecewise knots to be a list of finite numbers", knots);
  for (let i = 1; i < knots.length; i++)
    required(knots[i] > knots[i - 1], where, `piecewise knots that increase from ${knots[i - 1]}`, knots[i]);
  required(
    Array.isArray(pieces) && pieces.length === knots.length + 1,
    where,
    `${knots.length + 1} pieces, one more than knots`,
    pieces,
  );
  for (const piece of pieces)
    required(
      numbers(piece) && piece.length > 0,
      where,
      "pieces to be lists of finite coefficients of 1, z, z², …",
      piece,
    );
  for (const [i, knot] of knots.entries()) {
    const [left, right] = [pieces[i], pieces[i + 1]].map((piece) => terms(piece, knot));
    const jump = Math.abs(left.value - right.value);
    const size = Math.max(left.size, right.size);
    required(jump <= jumpTolerance * size, where, `piecewise pieces that meet at knot ${knot}`, `a jump of ${jump}`);
  }
  return { kind: "piecewise polynomial", knots, pieces: pieces.map(trimmed) };
}

/** A polynomial's value and the sum of its terms' sizes. */
function terms(coefficients: readonly number[], z: number): { readonly value: number; readonly size: number } {
  let [value, size] = [0, 0];
  for (let k = coefficients.length - 1; k >= 0; k--) {
    value = value * z + coefficients[k];
    size = size * Math.abs(z) + Math.abs(coefficients[k]);
  }
  return { value, size };
}

function trimmed(coefficients: readonly number[]): readonly number[] {
  let length = coefficients.length;
  while (length > 1 && coefficients[length - 1] === 0) length--;
  return coefficients.slice(0, length);
}

/** What means something else where activations are asked for, and in messages. */
const builtIn = {
  identity: true,
  relu: true,
  squaredRelu: true,
  leakyRelu: true,
  absolute: true,
  hardSigmoid: true,
  softplus: true,
  sigmoid: true,
  tanh: true,
  gelu: true,
  clamp: true,
  piecewise: true,
  registered: true,
  softmax: true,
  sparsemax: true,
  entmax: true,
} satisfies Readonly<Record<NameOf<Pointwise> | "softmax" | "sparsemax" | "entmax", true>>;

type NameOf<A> = A extends string ? A : A extends { readonly name: infer N extends string } ? N : never;

const registered = new Map<string, SmoothActivation>();

/**
 * Makes a smooth function of one number an activation, under a name: it can be run and trained, on every device that
 * computes activations it does not know by the function itself; readings that need a spline refuse it by name.
 *
 * Graphs and configs hold the name alone, so they stay plain data: who loads one registers the same name first. A piecewise
 * polynomial needs no registration: give `{ name: "piecewise", knots, pieces }`, and it is read as a spline, too.
 *
 * @param name - how it is asked for and shown
 * @param functions - `value` and `derivative`: functions of z; both must be finite for every finite z
 * @returns the activation: `{ name: "registered", as: name }`
 * @throws RangeError if the name is the library's own or taken by other functions, or a function fails at one of a few numbers
 * @example
 * ```ts
 * import { pointwiseFunction, registerActivation } from "@splineformer/tensor";
 * const sine = registerActivation("sine", { value: Math.sin, derivative: Math.cos });
 * sine; // { name: "registered", as: "sine" }
 * pointwiseFunction(sine, 1)(0); // 1
 * ```
 */
export function registerActivation(
  name: string,
  functions: { readonly value: (z: number) => number; readonly derivative: (z: number) => number },
): Extract<Pointwise, { name: "registered" }> {
  const where = "registerActivation";
  required(typeof name === "string" && name.length > 0, where, "a name", name);
  required(!Object.hasOwn(builtIn, name), where, "a name that the library does not use itself", name);
  checkOptions(where, functions, ["value", "derivative"]);
  const { value, derivative } = functions;
  for (const [key, f] of Object.entries({ value, derivative })) {
    required(typeof f === "function", where, `${key} to be a function`, f);
    for (const z of [-100, -1, 0, 1, 100]) {
      const y = f(z);
      required(Number.isFinite(y), where, `${key} of ${z} to be a finite number`, y);
    }
  }
  const known = registered.get(name);
  const same = known === undefined || (known.value === value && known.derivative === derivative);
  required(same, where, "a name that is not taken by other functions", name);
  registered.set(name, { kind: "smooth", value, derivative });
  return { name: "registered", as: name };
}

/** The meaning of `{ name: "registered", as }`. */
export function registeredActivation(where: string, as: unknown): SmoothActivation {
  const known = registered.get(as as string);
  if (!known)
    throw new RangeError(
      `${where}: expected a registered activation (${[...registered.keys()].join(", ") || "none so far"}; see registerActivation), got ${show(as)}`,
    );
  return known;
}
