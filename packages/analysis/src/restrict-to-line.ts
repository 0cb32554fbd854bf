/**
 * @file `restrictToLine`: the public question, checked and handed to the engine.
 */
import { checkOptions, type Given, type Graph, type Network, type SynchronousDevice, show } from "@splineformer/tensor";
import { type Cause, causesBetween, flatUnits } from "./causes.ts";
import { walkLine } from "./engine/levels-walk.ts";
import { type LineGraph, prepare } from "./engine/line-graph.ts";
import { checkedDevice, checkedMethod, checkSignal, methodFor } from "./engine/options.ts";
import type { Flat, Piece, Walk } from "./engine/walk.ts";
import { type Inputs, lineInputs } from "./line-inputs.ts";
import { type Path, type PathPiece, pathOf, pathPiece } from "./path.ts";

export interface LineOptions {
  /**
   * How polynomials are carried while the line is cut where gates switch, level by level. "descend" carries each at its full
   * degree: best at low degree, and strict up to rounding. "march" carries them by as few nodes as they need on their
   * interval: its cost hardly depends on the degree, and it trusts Chebyshev coefficients that have fallen to rounding level
   * to stay there, after a look between the nodes. "auto", the default, descends up to degree 27.
   */
  readonly method?: "auto" | "descend" | "march";
  /** A synchronous float64 device for the operations between gates. Default `reference`. */
  readonly on?: SynchronousDevice;
  /** Called with every piece as soon as it is finished, in order. */
  readonly onPiece?: (piece: PathPiece) => void;
  /**
   * Looked at before every piece and every part of one; once aborted, its reason is thrown and there is no answer.
   * Nothing else runs meanwhile, so it can only be aborted before the call, or within it from `onPiece`.
   */
  readonly signal?: AbortSignal;
  /**
   * How long it may take, in milliseconds. When the time is over the path ends where it is (`path.end < 1`), at a
   * breakpoint, with at least one piece more than before. Looked at as often as the signal. Default: as long as it takes.
   */
  readonly budgetMs?: number;
  /** A path of this network on this line that ended early: it is continued, and the answer holds both parts. */
  readonly resume?: Path;
}

/**
 * The network on the line x(t) = from + t·(to − from), 0 ≤ t ≤ 1, as the exact piecewise polynomial it is.
 *
 * Between two breakpoints every unit stays in one piece of its activation, so the output is one polynomial in t. All
 * breakpoints are found (certified sign by sign, not sampled), each with every unit that switches there. What rounding
 * does not let decide is listed in `flat`. Works for any network whose gates are piecewise polynomial: ReLU, leaky ReLU,
 * absolute value, clamp, hard sigmoid, squared ReLU, sparsemax; any depth.
 *
 * A long line can be read in parts: with `{ budgetMs: 100 }`, then with `{ budgetMs: 100, resume: path }` until `path.end`
 * is 1. The breakpoints and numbers are those of one call.
 *
 * @param network - a network, or a graph with one output
 * @param from - the input at t = 0, or inputs by name; a batch is one longer line
 * @param to - the input at t = 1, of the same shapes
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if a number is not finite or does not stay so, naming the place; or if an option is unknown
 * @source arXiv 2408.09624
 * @example
 * ```ts
 * import { restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * const path = restrictToLine(hinge, tensor([-1]), tensor([3]));
 * path.breakpoints; // Float64Array.of(0, 0.25, 1)
 * path.evaluate(0.5).data[0]; // 1
 * ```
 */
export function restrictToLine<I extends string, C, P>(
  network: Network<I, C, P>,
  from: Given<I>,
  to: Given<I>,
  options?: LineOptions,
): Path;
export function restrictToLine(graph: Graph, from: Given<string>, to: Given<string>, options?: LineOptions): Path;
export function restrictToLine(
  source: Network | Graph,
  from: Given<string>,
  to: Given<string>,
  options: LineOptions = {},
): Path {
  return readLine("restrictToLine", source, from, to, options);
}

/** The same in the name of `where`. */
export function readLine(
  where: string,
  source: Network | Graph,
  from: Given<string>,
  to: Given<string>,
  options: LineOptions,
): Path {
  const { method, device, mayGoOn, onPiece, resume } = checkedOptions(where, options);
  const { graph, from: starts, to: stops } = lineInputs(where, source, from, to);
  const line: Beginning = { source, from: starts, to: stops, method, device };
  const before = resume === undefined ? undefined : beginningOf(where, resume, line);
  if (resume?.end === 1) return resume;
  const prepared = before?.prepared ?? prepare({ where, graph, from: starts, to: stops, device });
  const { degrees, output } = prepared;

  const walking: Walking = before?.walking ?? begin(prepared, methodFor(method, degrees[output.id]));
  let count = before?.count ?? 0;
  const known = count;
  for (;;) {
    // what an earlier call has found beyond the end of its path is there already
    while (count === walking.pieces.length && !walking.done) {
      if (!mayGoOn(count > known)) break;
      advance(walking, prepared);
    }
    if (count === walking.pieces.length || !mayGoOn(count > known)) break;
    onPiece?.(walking.pieces[count]);
    count++;
  }
  const pieces = walking.pieces.slice(0, count);
  const end = pieces[count - 1].to;
  const { shape } = output;
  const inner = walking.inner.slice(0, count - 1);
  const path = pathOf({ shape, degree: degrees[output.id], pieces, inner, flat: flatUnits(walking.flat, end) });
  beginnings.set(path, { ...line, graph, prepared, walking, count });
  return path;
}

/** A walk with all that it has found so far; paths are beginnings of it. */
interface Walking {
  readonly walk: Walk;
  readonly pieces: PathPiece[];
  /** The causes between each piece and the next. */
  readonly inner: (readonly Cause[])[];
  readonly flat: Flat[];
  last: Piece | undefined;
  done: boolean;
}

function begin(graph: LineGraph, method: "descend" | "march"): Walking {
  const flat: Flat[] = [];
  const walk = walkLine(graph, method, (found) => flat.push(found));
  return { walk, pieces: [], inner: [], flat, last: undefined, done: false };
}

/** Goes on to the next piece, or the next moment to look at the clock. */
function advance(walking: Walking, { memory }: LineGraph): void {
  let next: IteratorResult<Piece | undefined, void>;
  try {
    next = walking.walk.next();
  } catch (error) {
    memory.close();
    throw error;
  }
  const { done, value: piece } = next;
  walking.done = done === true;
  // what was found are copies
  if (walking.done) memory.close();
  if (!piece) return;
  if (walking.last) walking.inner.push(causesBetween(walking.last, piece));
  walking.pieces.push(pathPiece(piece));
  walking.last = piece;
}

/** What a path belongs to. */
interface Beginning {
  readonly source: Network | Graph;
  readonly from: Inputs;
  readonly to: Inputs;
  readonly method: string;
  readonly device: SynchronousDevice;
}

/** What has to be known to go on from a path's end. */
interface Continuation extends Beginning {
  readonly graph: Graph;
  readonly prepared: LineGraph;
  readonly walking: Walking;
  /** How many of the walk's pieces the path has. */
  readonly count: number;
}

const beginnings = new WeakMap<Path, Continuation>();

/** What a path answers: an opened graph in which only inputs that move are inputs, and the line's ends. */
export function questionOf(
  where: string,
  path: Path,
): { readonly graph: Graph; readonly from: Inputs; readonly to: Inputs } {
  const known = typeof path === "object" && path !== null ? beginnings.get(path) : undefined;
  if (!known) throw new RangeError(`${where}: expected a path of restrictToLine, got ${show(path)}`);
  return known;
}

/** How a path goes on, if it belongs to this question. */
function beginningOf(where: string, path: Path, line: Beginning): Continuation {
  const known = typeof path === "object" && path !== null ? beginnings.get(path) : undefined;
  if (!known) throw new RangeError(`${where}: expected resume to be a path of ${where}, got ${show(path)}`);
  const same = (a: Inputs, b: Inputs): boolean =>
    Object.keys(a).every((name) => b[name] && a[name].data.every((v, i) => Object.is(v, b[name].data[i])));
  const difference =
    known.source !== line.source
      ? "network"
      : !same(known.from, line.from) || !same(known.to, line.to)
        ? "line"
        : known.method !== line.method
          ? "method"
          : known.device !== line.device
            ? "device"
            : undefined;
  if (difference)
    throw new RangeError(`${where}: expected resume to be a path of the same ${difference}, got one of another`);
  return known;
}

/** The options, each of them checked. */
function checkedOptions(where: string, options: LineOptions) {
  checkOptions(where, options, ["method", "on", "onPiece", "signal", "budgetMs", "resume"]);
  const { onPiece, signal, budgetMs = Number.POSITIVE_INFINITY, resume } = options;
  const refuse = (expected: string, got: unknown): never => {
    throw new RangeError(`${where}: expected ${expected}, got ${show(got)}`);
  };
  const method = checkedMethod(where, options.method);
  const device = checkedDevice(where, options.on);
  if (onPiece !== undefined && typeof onPiece !== "function") refuse("onPiece to be a function", onPiece);
  checkSignal(where, signal);
  if (!(typeof budgetMs === "number" && budgetMs >= 0)) refuse("budgetMs ≥ 0", budgetMs);
  const started = budgetMs === Number.POSITIVE_INFINITY ? 0 : performance.now();
  const mayGoOn = (advanced: boolean): boolean => {
    signal?.throwIfAborted();
    return !advanced || budgetMs === Number.POSITIVE_INFINITY || performance.now() - started < budgetMs;
  };
  return { method, device, mayGoOn, onPiece, resume };
}
