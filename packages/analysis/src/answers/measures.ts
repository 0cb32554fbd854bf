/**
 * @file Exact numbers of a path: extrema, integral, total variation, Lipschitz constant, of one output or of the norm of all.
 * Each is read from the polynomials, whose turning points are isolated with certificates; none is sampled.
 * Letters: y(t) the output in question, n a polynomial's degree.
 */
import {
  chebyshevNodes,
  clenshaw,
  columnCoefficients,
  derivativeCoefficients,
  fromUnit,
  isolateRoots,
} from "@splineformer/spline";
import { checkOptions, show, showShape } from "@splineformer/tensor";
import { checkPath, columnOfEntry, type EntryIndex, outputShape } from "../output-rows.ts";
import type { Path } from "../path.ts";

/** What is measured. */
export interface MeasureOptions {
  /** One number of the output by its index (a number alone where there is only one row), or the Euclidean norm of all. */
  readonly output: EntryIndex | "norm";
}

/** A value and where it is attained first. */
export interface Attained {
  readonly at: number;
  readonly value: number;
}

/** The least and the largest value, and all turning points. */
export interface PathExtrema {
  readonly minimum: Attained;
  readonly maximum: Attained;
  /** Local minima and maxima inside the line, ascending: where the direction changes by more than rounding. */
  readonly local: readonly (Attained & { readonly kind: "minimum" | "maximum" })[];
}

/**
 * The least and the largest value of an output on the line, and its turning points.
 *
 * @param path - from `restrictToLine`
 * @throws RangeError if the output has no such entry
 * @example
 * ```ts
 * import { extrema, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const square: Network<"x"> = { inputs: { x: [1] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.multiply(x, x) };
 * const path = restrictToLine(square, tensor([-1]), tensor([3]));
 * extrema(path, { output: 0 }).minimum; // { at: 0.25, value: 0 }
 * extrema(path, { output: 0 }).maximum; // { at: 1, value: 9 }
 * ```
 */
export function extrema(path: Path, options: MeasureOptions): PathExtrema {
  const { curve, unit } = curveOf("extrema", path, options);
  const norm = options.output === "norm";
  const places = curve.flatMap(monotone);
  const read = (v: number): number => (norm ? unit * Math.sqrt(Math.max(v, 0)) : unit * v);
  const best = (sign: 1 | -1): Attained => {
    let found = places[0];
    for (const place of places) if (sign * place.value > sign * found.value) found = place;
    return { at: found.at, value: read(found.value) };
  };
  const local: (Attained & { kind: "minimum" | "maximum" })[] = [];
  let direction = 0;
  let last = places[0];
  for (const place of places.slice(1)) {
    const rise = place.value - last.value;
    if (Math.abs(rise) <= 2 * place.noise) continue;
    if (direction * rise < 0)
      local.push({ at: last.at, value: read(last.value), kind: direction > 0 ? "maximum" : "minimum" });
    direction = Math.sign(rise);
    last = place;
  }
  return { minimum: best(-1), maximum: best(1), local };
}

/**
 * `∫ y(t) dt` over the line, or the part of it that is done; on a whole line that is the mean of y.
 *
 * @param path - from `restrictToLine`
 * @throws RangeError if the output has no such entry, or the norm is asked for: it is no polynomial
 * @example
 * ```ts
 * import { integral, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const square: Network<"x"> = { inputs: { x: [1] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.multiply(x, x) };
 * integral(restrictToLine(square, tensor([0]), tensor([3])), { output: 0 }); // 3
 * ```
 */
export function integral(path: Path, options: MeasureOptions): number {
  if (options?.output === "norm")
    throw new RangeError('integral: expected output to name an entry, since a norm is no polynomial, got "norm"');
  const { curve, unit } = curveOf("integral", path, options);
  let sum = 0;
  for (const { from, to, coefficients } of curve) {
    let mean = 0;
    // ∫ T_k = 2/(1 − k²) for even k, 0 for odd k
    for (let k = 0; k < coefficients.length; k += 2) mean += coefficients[k] / (1 - k * k);
    sum += (to - from) * mean;
  }
  return unit * sum;
}

/**
 * `∫ |y′(t)| dt`: how far y goes up and down altogether on the line. At least |y(1) − y(0)|, equal if y is monotone.
 *
 * @param path - from `restrictToLine`
 * @throws RangeError if the output has no such entry
 * @example
 * ```ts
 * import { restrictToLine, totalVariation } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const square: Network<"x"> = { inputs: { x: [1] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.multiply(x, x) };
 * totalVariation(restrictToLine(square, tensor([-1]), tensor([3])), { output: 0 }); // 10
 * ```
 */
export function totalVariation(path: Path, options: MeasureOptions): number {
  const { curve, unit } = curveOf("totalVariation", path, options);
  const height = (v: number): number => (options.output === "norm" ? Math.sqrt(Math.max(v, 0)) : v);
  let sum = 0;
  for (const piece of curve) {
    const places = monotone(piece);
    for (let k = 1; k < places.length; k++) sum += Math.abs(height(places[k].value) - height(places[k - 1].value));
  }
  return unit * sum;
}

export interface LipschitzOptions extends MeasureOptions {
  /** The distance between the two ends, in the norm that is meant: then the constant is per unit of that. Default 1: per unit of t. */
  readonly length?: number;
}

/**
 * `max |y′(t)|` over the line, with the place: the least L with |y(s) − y(t)| ≤ L·|s − t|. For `output: "norm"` it is
 * max ‖y′(t)‖, the constant of the whole output in the Euclidean norm. A lower bound of the network's own constant.
 *
 * At a breakpoint the steeper side counts.
 *
 * @param path - from `restrictToLine`
 * @throws RangeError if the output has no such entry or length is not positive
 * @example
 * ```ts
 * import { lipschitz, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const square: Network<"x"> = { inputs: { x: [1] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.multiply(x, x) };
 * const path = restrictToLine(square, tensor([-1]), tensor([3]));
 * lipschitz(path, { output: 0 }); // { at: 1, value: 24 }
 * lipschitz(path, { output: 0, length: 4 }).value; // 6
 * ```
 */
export function lipschitz(path: Path, { length = 1, ...options }: LipschitzOptions): Attained {
  if (!(typeof length === "number" && length > 0 && Number.isFinite(length)))
    throw new RangeError(`lipschitz: expected length > 0, got ${show(length)}`);
  const { columns, unit } = chosenColumns("lipschitz", path, options);
  let found: Attained = { at: 0, value: 0 };
  for (const piece of path.pieces) {
    const slopes = columns.map((c) => derivativeCoefficients(coefficientsOf(piece, c, unit)));
    const noises = columns.map((c) => (piece.noise[c] / unit) * (piece.values.shape[0] - 1) ** 2);
    const squared = squares(piece, slopes, noises);
    const half = 0.5 * (piece.to - piece.from);
    for (const { at, value } of monotone(squared)) {
      const speed = (unit / half / length) * Math.sqrt(Math.max(value, 0));
      if (speed > found.value) found = { at, value: speed };
    }
  }
  return found;
}

/** A polynomial on an interval. */
interface Curve {
  readonly from: number;
  readonly to: number;
  readonly coefficients: Float64Array;
  readonly noise: number;
}

type Piece = Path["pieces"][number];

/** The output in question piece by piece, over `unit`; for the norm its square. */
function curveOf(where: string, path: Path, options: MeasureOptions): { curve: Curve[]; unit: number } {
  const { columns, unit } = chosenColumns(where, path, options);
  const curve = path.pieces.map((piece): Curve => {
    const all = columns.map((c) => coefficientsOf(piece, c, unit));
    const noises = columns.map((c) => piece.noise[c] / unit);
    if (options.output === "norm") return squares(piece, all, noises);
    return { from: piece.from, to: piece.to, coefficients: all[0], noise: noises[0] };
  });
  return { curve, unit };
}

function chosenColumns(where: string, path: Path, options: MeasureOptions): { columns: number[]; unit: number } {
  checkPath(where, path);
  checkOptions(where, options, ["output"]);
  const shape = outputShape(path);
  const { output } = options;
  if (output === undefined)
    throw new RangeError(
      `${where}: expected output to name an entry of an output of shape ${showShape(shape)}, or "norm", got undefined`,
    );
  const columns =
    output === "norm" ? [...path.pieces[0].noise.keys()] : [columnOfEntry(where, shape, output as EntryIndex)];
  let most = 0;
  for (const { values, noise } of path.pieces)
    for (let at = 0; at < values.data.length; at += noise.length)
      for (const c of columns) most = Math.max(most, Math.abs(values.data[at + c]));
  // a power of two: squares of what is very large or very small are no numbers
  return { columns, unit: most === 0 ? 1 : 2 ** Math.max(Math.floor(Math.log2(most)), -1000) };
}

function coefficientsOf({ values, noise }: Piece, column: number, unit: number): Float64Array {
  const columns = noise.length;
  const own = new Float64Array(values.shape[0]);
  for (let j = 0; j < own.length; j++) own[j] = values.data[j * columns + column] / unit;
  return columnCoefficients(own);
}

/** Σ p² of polynomials given by their coefficients. */
function squares({ from, to }: Piece, all: readonly Float64Array[], noises: readonly number[]): Curve {
  const degree = 2 * (all[0].length - 1);
  const nodes = chebyshevNodes(degree);
  const values = new Float64Array(degree + 1);
  let noise = 0;
  all.forEach((c, i) => {
    let size = 0;
    for (const v of c) size += Math.abs(v);
    noise += 2 * size * noises[i] + noises[i] ** 2;
    nodes.forEach((u, j) => {
      values[j] += clenshaw(c, u) ** 2;
    });
  });
  return { from, to, coefficients: columnCoefficients(values), noise };
}

/** The ends and the turning points of a piece, with the values there: in between it is monotone, up to rounding. */
function monotone({ from, to, coefficients, noise }: Curve): (Attained & { noise: number })[] {
  const n = coefficients.length - 1;
  const slope = derivativeCoefficients(coefficients);
  const tolerance = (n + 1) * 2 ** -52;
  let size = 0;
  for (const c of coefficients) size += Math.abs(c);
  // rounding of size e in a polynomial is up to n²·e in its derivative (Markov)
  const { roots, flat } = isolateRoots(slope, { tolerance, scale: n * n * Math.max(size, noise / tolerance) });
  const inner = [...roots, ...flat.flat()].filter((u) => u > -1 && u < 1).sort((p, q) => p - q);
  const own = noise + tolerance * size;
  return [-1, ...inner, 1].map((u) => ({ at: fromUnit(u, from, to), value: clenshaw(coefficients, u), noise: own }));
}
