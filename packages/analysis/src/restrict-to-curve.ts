/**
 * @file Networks along polylines and polynomial curves: the curve becomes the first layer of a network of one number t, which
 * is read on the line from t = 0 to 1 like any other. A polyline is a linear spline in t, a Bézier curve a polynomial.
 */
import {
  checkOptions,
  evaluate,
  type Given,
  type Graph,
  type Network,
  type Ops,
  record,
  type Shaped,
  ShapeError,
  sameShape,
  show,
  showShape,
  tensor,
  within,
} from "@splineformer/tensor";
import { type Inputs, pointInputs } from "./line-inputs.ts";
import type { Path } from "./path.ts";
import { type LineOptions, readLine } from "./restrict-to-line.ts";

export interface CurveOptions extends LineOptions {
  /**
   * What the points are. "bernstein", the default: control points, x(t) = Σₖ C(n, k) tᵏ (1 − t)ⁿ⁻ᵏ pₖ, a Bézier curve from the
   * first to the last. "power": coefficients, x(t) = Σₖ tᵏ pₖ.
   */
  readonly basis?: "bernstein" | "power";
}

/**
 * The network along the polyline through points p₀ … pₘ: x(t) = pᵢ + (m·t − i)(pᵢ₊₁ − pᵢ) for i ≤ m·t ≤ i + 1, 0 ≤ t ≤ 1.
 *
 * Every corner is a breakpoint of the path. Its causes have the scope "polyline": unit i is leg i, which begins (0 → 1) or
 * ends (1 → 2).
 *
 * @param network - a network, or a graph with one output
 * @param points - at least two, each an input or inputs by name, all of the same shapes; point i is reached at t = i/m
 * @param options - those of `restrictToLine`
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if there are fewer than two points, a number is not finite or an option is unknown
 * @example
 * ```ts
 * import { explainKnots, restrictToPolyline } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * // up from −1 to 1, and down again
 * const path = restrictToPolyline(hinge, [tensor([-1]), tensor([1]), tensor([-1])]);
 * path.breakpoints; // Float64Array.of(0, 0.25, 0.5, 0.75, 1)
 * path.evaluate(0.375).data[0]; // 0.5
 * explainKnots(path)[1].causes.map(({ words }) => words); // ["leg 0 ends", "leg 1 begins"]
 * ```
 */
export function restrictToPolyline<I extends string, C, P>(
  network: Network<I, C, P>,
  points: readonly Given<I>[],
  options?: LineOptions,
): Path;
export function restrictToPolyline(graph: Graph, points: readonly Given<string>[], options?: LineOptions): Path;
export function restrictToPolyline(
  source: Network | Graph,
  points: readonly Given<string>[],
  options: LineOptions = {},
): Path {
  return along({ where: "restrictToPolyline", source, points, kind: "polyline", curve: polyline }, options);
}

/**
 * The network along a polynomial curve x(t), 0 ≤ t ≤ 1, as the exact piecewise polynomial it is.
 *
 * A network of degree D along a curve of degree n has degree n·D.
 *
 * @param network - a network, or a graph with one output
 * @param points - n + 1 of them, each an input or inputs by name, all of the same shapes: control points, or coefficients
 * @param options - `basis`, and those of `restrictToLine`
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if there are fewer than two points, a number is not finite or an option is unknown
 * @example
 * ```ts
 * import { restrictToCurve } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * // x(t) = 4t² − 1
 * const path = restrictToCurve(hinge, [tensor([-1]), tensor([0]), tensor([4])], { basis: "power" });
 * path.breakpoints; // Float64Array.of(0, 0.5, 1)
 * path.degree; // 2
 * // the same curve by its control points
 * restrictToCurve(hinge, [tensor([-1]), tensor([-1]), tensor([3])]).breakpoints; // Float64Array.of(0, 0.5, 1)
 * ```
 */
export function restrictToCurve<I extends string, C, P>(
  network: Network<I, C, P>,
  points: readonly Given<I>[],
  options?: CurveOptions,
): Path;
export function restrictToCurve(graph: Graph, points: readonly Given<string>[], options?: CurveOptions): Path;
export function restrictToCurve(
  source: Network | Graph,
  points: readonly Given<string>[],
  options: CurveOptions = {},
): Path {
  const where = "restrictToCurve";
  checkOptions(where, options, ["basis", "method", "on", "onPiece", "signal", "budgetMs", "resume"]);
  const { basis = "bernstein", ...rest } = options;
  if (basis !== "bernstein" && basis !== "power")
    throw new RangeError(`${where}: expected basis "bernstein" or "power", got ${show(basis)}`);
  const curve = basis === "bernstein" ? bezier : horner;
  return along({ where, source, points, kind: basis, curve }, rest);
}

/** The curve at t, from its points. */
type Curve = <T extends Shaped>(ops: Ops<T>, points: readonly T[], t: T) => T;

interface Question {
  readonly where: string;
  readonly source: Network | Graph;
  readonly points: readonly Given<string>[];
  readonly kind: string;
  readonly curve: Curve;
}

function along({ where, source, points, kind, curve }: Question, options: LineOptions): Path {
  if (!Array.isArray(points) || points.length < 2)
    throw new RangeError(
      `${where}: expected at least 2 points, got ${Array.isArray(points) ? points.length : show(points)}`,
    );
  const checked = points.map((point) => pointInputs(where, source, point));
  const inputs = checked.map(({ x }) => x);
  checkShapes(where, inputs);
  const { resume } = options;
  const before = resume && composed.get(resume);
  const known = before?.source === source && before.kind === kind && samePoints(before.inputs, inputs);
  if (before && !known)
    throw new RangeError(`${where}: expected resume to be a path of the same network and points, got one of others`);
  const graph = before?.graph ?? compose(checked[0].graph, inputs, curve);
  const path = readLine(where, graph, tensor([0]), tensor([1]), options);
  composed.set(path, { source, kind, inputs, graph });
  return path;
}

/** What a path along a curve belongs to, so that it can be continued. */
const composed = new WeakMap<
  Path,
  {
    readonly source: Network | Graph;
    readonly kind: string;
    readonly inputs: readonly Inputs[];
    readonly graph: Graph;
  }
>();

const samePoints = (a: readonly Inputs[], b: readonly Inputs[]): boolean =>
  a.length === b.length &&
  a.every((point, i) =>
    Object.keys(point).every((name) => point[name].data.every((v, k) => Object.is(v, b[i][name].data[k]))),
  );

function checkShapes(where: string, [first, ...others]: readonly Inputs[]): void {
  for (const [i, point] of others.entries())
    for (const name of Object.keys(first))
      if (!sameShape(point[name].shape, first[name].shape))
        throw new ShapeError(
          `${where}: expected points of one shape for ${show(name)}, got ${showShape(first[name].shape)} and, at point ${i + 1}, ${showShape(point[name].shape)}`,
        );
}

/** The graph of t ↦ network(x(t)); an input that is the same at every point stays a constant. */
function compose(graph: Graph, points: readonly Inputs[], curve: Curve): Graph {
  const moves = (name: string): boolean =>
    points.some((point) => point[name].data.some((v, i) => v !== points[0][name].data[i]));
  return record(
    (ops, { t }) => {
      const inputs = Object.fromEntries(
        Object.keys(points[0]).map((name) => {
          const given = points.map((point) => ops.constant(point[name]));
          return [name, moves(name) ? curve(ops, given, t) : given[0]];
        }),
      );
      return evaluate(graph, ops, { inputs });
    },
    { t: [1] },
    { keep: [] },
  );
}

/** p₀ + Σᵢ (pᵢ₊₁ − pᵢ)·(m·t − i limited to [0, 1]): every leg is added once, so nothing cancels that is large. */
const polyline: Curve = (anyOps, points, t) => {
  const ops = within(anyOps, "polyline");
  const legs = points.length - 1;
  const starts = ops.constant(tensor(Array.from({ length: legs }, (_, i) => -i)));
  const done = ops.activate(ops.add(ops.scale(t, { factor: legs }), starts), {
    activation: { name: "piecewise", knots: [0, 1], pieces: [[0], [0, 1], [1]] },
    order: 0,
  });
  let x = points[0];
  for (let i = 0; i < legs; i++) {
    const leg = ops.add(points[i + 1], ops.scale(points[i], { factor: -1 }));
    x = ops.add(x, ops.multiply(leg, ops.slice(done, { axis: -1, from: i, to: i + 1 })));
  }
  return x;
};

/** De Casteljau's scheme. */
const bezier: Curve = (anyOps, points, t) => {
  const ops = within(anyOps, "curve");
  let level = points;
  while (level.length > 1)
    level = level.slice(1).map((next, i) => {
      const step = ops.add(next, ops.scale(level[i], { factor: -1 }));
      return ops.add(level[i], ops.multiply(step, t));
    });
  return level[0];
};

/** Horner's scheme. */
const horner: Curve = (anyOps, points, t) => {
  const ops = within(anyOps, "curve");
  let x = points[points.length - 1];
  for (let k = points.length - 2; k >= 0; k--) x = ops.add(points[k], ops.multiply(x, t));
  return x;
};
