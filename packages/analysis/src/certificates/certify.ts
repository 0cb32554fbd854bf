/**
 * @file `certify`: the public question whether a path's pieces and breakpoints are right, checked and handed to a method.
 */
import { checkOptions, type SynchronousDevice, show } from "@splineformer/tensor";
import { checkedDevice, checkSignal } from "../engine/options.ts";
import type { Path } from "../path.ts";
import { questionOf } from "../restrict-to-line.ts";
import {
  type Certificate,
  type CertifiedBreakpoint,
  type CertifiedPiece,
  certificateOf,
  type Verdict,
} from "./certificate.ts";
import { exactCertifier } from "./certify-exact.ts";
import { certifyByIntervals } from "./certify-intervals.ts";
import { type Claims, claimsOf } from "./claims.ts";

export interface CertifyOptions {
  /**
   * "exact": in rational numbers. "intervals": in float64 numbers that enclose what is meant. "auto", the default: by intervals,
   * and what these leave undecided exactly, as far as that takes no more than some five million products of long numbers.
   */
  readonly method?: "auto" | "exact" | "intervals";
  /** A synchronous float64 device for the intervals. It may sum in any order, each operation correctly rounded. Default `reference`. */
  readonly on?: SynchronousDevice;
  /** Other breakpoints than the path's, from 0 to `path.end`, to be judged in their place. */
  readonly breakpoints?: ArrayLike<number>;
  /**
   * How far from the place told a breakpoint may be: half the width of its window, at least as far as the neighbours leave
   * room for. Rounded down to a power of two. Default 2^−31, some 5e-10.
   */
  readonly radius?: number;
  /** Called with the part that is done, from 0 to 1, after every few pieces. */
  readonly onProgress?: (done: number) => void;
  /** Looked at before every piece; once aborted, its reason is thrown and there is no answer. */
  readonly signal?: AbortSignal;
}

/**
 * Proves, independently of the engine that found them, that the pieces and breakpoints of a path are those of the network.
 *
 * What is certified: around each breakpoint there is a window, at ± radius. In the window of a certified breakpoint some unit
 * switches, and with `places: "one"` everything that switches there does so at one and the same place. Between the windows
 * of a certified piece's ends no unit switches: so if all are certified there are no other breakpoints. The network meant is
 * the one whose inputs and parameters are the float64 numbers given and whose operations are exact on real numbers; what
 * does not depend on the inputs that move counts as the float64 numbers computed for it. To switch is to change from one
 * side of a kink to the other: a unit that touches its kink and turns back does not switch.
 *
 * A claim that is shown to be false is "refused", what can't be decided is listed as "undecided".
 *
 * "exact" computes in rational numbers, and decides everything; for small networks. "intervals" is for networks of any size;
 * it does not decide what happens within some rounding errors, and where units switch together it shows that they do so
 * in the window, not that they do so at one place.
 *
 * @param path - of `restrictToLine`, `restrictToPolyline` or `restrictToCurve`
 * @throws RangeError if it is none of these, or an option is unknown or wrong
 * @throws UnsupportedError naming an operation that is no polynomial
 * @source G. E. Collins, A. G. Akritas, Polynomial real root isolation using Descartes' rule of signs (1976)
 * @example
 * ```ts
 * import { certify, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * const path = restrictToLine(hinge, tensor([-1]), tensor([3])); // a kink at t = 0.25
 * certify(path).verdict; // "certified"
 * certify(path).counts.pieces; // { certified: 2, refused: 0, undecided: 0 }
 * certify(path, { breakpoints: [0, 0.25 + 1e-9, 1] }).verdict; // "refused"
 * certify(path, { breakpoints: [0, 1] }).verdict; // "refused"
 * ```
 */
export function certify(path: Path, options: CertifyOptions = {}): Certificate {
  const steps = certifyInSteps(path, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * `certify` bit by bit: gives the part that is done after every piece, and the certificate at the end.
 *
 * @param path - of `restrictToLine`, `restrictToPolyline` or `restrictToCurve`
 * @throws as `certify`
 * @example
 * ```ts
 * import { certifyInSteps, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * const steps = certifyInSteps(restrictToLine(hinge, tensor([-1]), tensor([3])), { method: "exact" });
 * steps.next().value; // 0.5
 * steps.next().value; // 1
 * const last = steps.next();
 * last.done && last.value.verdict; // "certified"
 * ```
 */
export function certifyInSteps(path: Path, options: CertifyOptions = {}): Generator<number, Certificate, void> {
  const where = "certify";
  const question = questionOf(where, path);
  const { method, device, claims, onProgress, signal } = checkedOptions(where, path, options);
  return steps();

  function* steps(): Generator<number, Certificate, void> {
    const { graph, from, to } = question;
    const pieces: CertifiedPiece[] = [];
    const breakpoints: CertifiedBreakpoint[] = [];
    const count = claims.places.length - 1;
    const done = (part: number): number => {
      onProgress?.(part);
      signal?.throwIfAborted();
      return part;
    };
    if (method !== "exact") {
      const groups = certifyByIntervals(graph, from, to, claims, device);
      for (;;) {
        signal?.throwIfAborted();
        const group = groups.next();
        if (group.done) break;
        pieces.push(...group.value.pieces);
        breakpoints.push(...group.value.breakpoints);
        const decided = pieces.length - openPlaces(pieces.length, pieces, breakpoints).length;
        if (decided < count) yield done(decided / count);
      }
    }
    const left = method === "intervals" ? [] : openPlaces(count, pieces, breakpoints);
    if (left.length > 0) {
      const certifier = exactCertifier(graph, from, to, claims);
      const affordable = method === "exact" ? count : Math.floor(mostProducts / certifier.products);
      for (const [k, i] of left.slice(0, affordable).entries()) {
        signal?.throwIfAborted();
        if (pieces[i]?.verdict !== "certified") pieces[i] = certifier.piece(i);
        if (i > 0 && breakpoints[i - 1]?.verdict !== "certified") breakpoints[i - 1] = certifier.breakpoint(i);
        if (k + 1 < left.length) yield done((count - left.length + k + 1) / count);
      }
    }
    yield done(1);
    return certificateOf(claims.places[count], pieces, breakpoints);
  }
}

/** So many products of long numbers are tried where intervals don't decide. */
const mostProducts = 5e6;

/** The pieces that are undecided, or whose left breakpoint is; all, before anything is known. */
function openPlaces(
  count: number,
  pieces: readonly CertifiedPiece[],
  breakpoints: readonly CertifiedBreakpoint[],
): number[] {
  const isOpen = (x: { readonly verdict: Verdict } | undefined): boolean => !x || x.verdict === "undecided";
  return Array.from({ length: count }, (_, i) => i).filter(
    (i) => isOpen(pieces[i]) || (i > 0 && isOpen(breakpoints[i - 1])),
  );
}

function checkedOptions(where: string, path: Path, options: CertifyOptions) {
  checkOptions(where, options, ["method", "on", "breakpoints", "radius", "onProgress", "signal"]);
  const { method = "auto", breakpoints = path.breakpoints, radius = 2 ** -31, onProgress, signal } = options;
  const refuse = (expected: string, got: unknown): never => {
    throw new RangeError(`${where}: expected ${expected}, got ${show(got)}`);
  };
  if (method !== "auto" && method !== "exact" && method !== "intervals")
    refuse('method "auto", "exact" or "intervals"', method);
  const device = checkedDevice(where, options.on);
  if (!(typeof radius === "number" && radius > 0 && radius < 1)) refuse("a radius between 0 and 1", radius);
  if (onProgress !== undefined && typeof onProgress !== "function") refuse("onProgress to be a function", onProgress);
  checkSignal(where, signal);
  checkBreakpoints(where, breakpoints, path.end);
  const claims: Claims = claimsOf(breakpoints, radius);
  return { method, device, claims, onProgress, signal };
}

function checkBreakpoints(where: string, places: ArrayLike<number>, end: number): void {
  const given: unknown = places;
  if (!Array.isArray(given) && !ArrayBuffer.isView(given))
    throw new RangeError(`${where}: expected breakpoints to be an array of numbers, got ${show(given)}`);
  const last = places.length - 1;
  if (last < 1 || places[0] !== 0 || places[last] !== end)
    throw new RangeError(`${where}: expected breakpoints from 0 to ${end}, got ${show(places)}`);
  for (let i = 1; i <= last; i++)
    if (!(places[i] > places[i - 1]))
      throw new RangeError(
        `${where}: expected increasing breakpoints, got ${show(places[i])} after ${show(places[i - 1])} at ${i}`,
      );
}
