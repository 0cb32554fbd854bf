/**
 * @file Certificates by enclosures. At both edges of each window the pattern of the network is proven, unit by unit. Where the
 * two differ, some unit switches in the window; where those of a piece's two ends differ, one switches on the piece. A unit that
 * keeps its piece on a piece of the line is away from its kink all along, or on the right side at both ends and monotone
 * between; parts where it is neither are halved. Letters: s ∈ [−1, 1] the place in an interval, D a degree.
 */
import type { Graph, SynchronousDevice, Tensor } from "@splineformer/tensor";
import { type Unit, unitOf } from "../causes.ts";
import type { Patterns } from "../engine/walk.ts";
import { type CertifiedBreakpoint, type CertifiedPiece, differing } from "./certificate.ts";
import type { Claims } from "./claims.ts";
import { type EnclosedLine, enclosedLine, type Interval, type OpenUnit, type Reading } from "./enclosed-line.ts";

/** A window, read with the pattern at one of its edges. */
interface Edge {
  readonly patterns: Patterns;
  /** What that pattern is not proven for. */
  readonly doubts: readonly OpenUnit[];
  /** What may switch in the window while the pattern holds, and whether it does, exactly once. */
  readonly changes: readonly Change[];
}

interface Change {
  /** Which unit, and which end of its piece. */
  readonly key: string;
  /** The sign of its p on the edge whose pattern was read, and on the other one; 0 where that is not known. */
  readonly sign: 1 | -1;
  readonly beyond: -1 | 0 | 1;
  /** Whether it changes its sign exactly once. */
  readonly once: boolean;
}

/** Verdicts on some pieces, in order, and on the breakpoints before each of them. */
export interface IntervalVerdicts {
  readonly pieces: readonly CertifiedPiece[];
  readonly breakpoints: readonly CertifiedBreakpoint[];
}

/** How many coefficients there are on a piece, and on a window, which is so short that it is all but a line. */
const onPieces = 3;
const onWindows = 2;
/** How many times as long as a window the interval is on which slopes are looked at. */
const widening = 2 ** 14;
/** How often a piece is halved. */
const halvings = 20;
/** Off the middle, where symmetric polynomials touch zero. */
const cut = 0.5089;

/** Gives the verdicts on as many pieces as are well read at a time, again and again. */
export function* certifyByIntervals(
  graph: Graph,
  from: Readonly<Record<string, Tensor>>,
  to: Readonly<Record<string, Tensor>>,
  claims: Claims,
  device: SynchronousDevice,
): Generator<IntervalVerdicts, void, void> {
  const line = enclosedLine(graph, from, to, device);
  const { places, radii } = claims;
  const count = places.length - 1;
  const window = (i: number, s: number): Interval => ({ m: places[i], h: radii[i], pattern: s });
  let before: Edge | undefined;
  const group = Math.max(1, line.group >> 1);
  for (let start = 0; start < count; start += group) {
    const own = Array.from({ length: Math.min(count, start + group) - start }, (_, k) => start + k);
    const windows = own.flatMap((i) => [window(i, 1), window(i + 1, -1)]);
    const edges = line.read(windows, onWindows).map((reading, k) => edgeOf(reading, k % 2 === 0 ? 1 : -1));
    prove(line, windows, edges);
    windows.forEach((end, k) => {
      if (end.h > 0) return;
      // a unit that is 0 just at an end of the line is on the side on which the piece is
      const { patterns } = edges[k ^ 1];
      const [reading] = line.read([{ ...end, pattern: patterns }], onWindows);
      const again = edgeOf(reading, 1);
      if (again.doubts.length === 0) edges[k] = again;
    });
    const pieces = piecesOf(line, own, edges, claims);
    const breakpoints = own.flatMap((i, k) => {
      const left = k === 0 ? before : edges[2 * k - 1];
      return left ? [breakpointOf(places[i], radii[i], left, edges[2 * k])] : [];
    });
    before = edges[edges.length - 1];
    yield { pieces, breakpoints };
  }
}

/**
 * A window is so short that rounding hides slopes there; on an interval around it that is longer they show. What is monotone on
 * that is monotone in the window.
 */
function prove(line: EnclosedLine, windows: readonly Interval[], edges: Edge[]): void {
  const open = windows.flatMap(({ h }, k) => (h > 0 && edges[k].changes.some(({ once }) => !once) ? [k] : []));
  if (open.length === 0) return;
  const wide = open.map((k) => ({ m: windows[k].m, h: windows[k].h * widening, pattern: edges[k].patterns }));
  line.read(wide, onPieces).forEach((reading, j) => {
    const k = open[j];
    const monotone = new Set(reading.open.filter(isMonotone).map(keyOf));
    const known = new Set(reading.open.map(keyOf));
    const changes = edges[k].changes.flatMap((change) => {
      // what keeps its sign on the longer interval keeps it in the window
      if (!known.has(change.key)) return [];
      if (change.once || !monotone.has(change.key)) return [change];
      return change.beyond === 0 ? [change] : change.beyond === change.sign ? [] : [{ ...change, once: true }];
    });
    edges[k] = { ...edges[k], changes };
  });
}

const keyOf = ({ node, entry, knot }: OpenUnit): string => `${node.id} ${entry} ${knot}`;

/** What p is for sure at s = ±1: 0 where that is not known. */
function signAt({ coefficients, radius }: OpenUnit, s: 1 | -1): -1 | 0 | 1 {
  let value = 0;
  let size = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) {
    value = value * s + coefficients[k];
    size += Math.abs(coefficients[k]);
  }
  const off = (radius + 2 ** -50 * size) * (1 + 2 ** -40);
  return value > off ? 1 : value < -off ? -1 : 0;
}

/**
 * Whether p is monotone on its interval. What it differs from its coefficients by is a polynomial of degree D, at most r large,
 * so its slope is at most D²·r (Markov's inequality).
 */
function isMonotone({ coefficients, radius, degree }: OpenUnit): boolean {
  const D = Math.max(degree, coefficients.length - 1);
  let rest = D * D * radius;
  for (let k = 2; k < coefficients.length; k++) rest += k * Math.abs(coefficients[k]);
  return Math.abs(coefficients[1] ?? 0) > rest * (1 + 2 ** -40);
}

/**
 * @param edge - the place s of the edge whose pattern was read
 */
function edgeOf({ patterns, open }: Reading, edge: 1 | -1): Edge {
  const doubts = open.filter((unit) => signAt(unit, edge) !== unit.sign);
  const changes = open.flatMap((unit) => {
    const beyond = signAt(unit, edge === 1 ? -1 : 1);
    const monotone = isMonotone(unit);
    if (beyond === unit.sign && monotone) return [];
    return [{ key: keyOf(unit), sign: unit.sign, beyond, once: monotone && beyond === -unit.sign }];
  });
  return { patterns, doubts, changes };
}

function breakpointOf(at: number, radius: number, left: Edge, right: Edge): CertifiedBreakpoint {
  const own = { at, radius, by: "intervals" as const, places: "some" as const };
  if (left.doubts.length > 0 || right.doubts.length > 0)
    return { ...own, verdict: "undecided", units: unitsOf([...left.doubts, ...right.doubts]) };
  const units = differing(left.patterns, right.patterns);
  if (units.length > 0) {
    // the only unit that changes while either pattern holds; it depends on earlier units alone, and these are the same
    const [a, b] = [left.changes, right.changes];
    const one = a.length === 1 && b.length === 1 && a[0].key === b[0].key && a[0].once && b[0].once;
    return { ...own, verdict: "certified", places: one ? "one" : "some", units };
  }
  // then the pattern holds throughout
  if (left.changes.length === 0 || right.changes.length === 0) return { ...own, verdict: "refused", units };
  return { ...own, verdict: "undecided", units };
}

/** A part of a piece. */
interface Part {
  readonly piece: number;
  readonly lo: number;
  readonly hi: number;
  readonly depth: number;
  readonly patterns: Patterns;
  /** Whether an end is one of the piece, where the pattern is proven. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

function piecesOf(
  line: EnclosedLine,
  own: readonly number[],
  edges: readonly Edge[],
  { places, radii }: Claims,
): CertifiedPiece[] {
  const verdicts: CertifiedPiece[] = [];
  const waiting: Part[] = [];
  own.forEach((i, k) => {
    const [from, to] = [places[i], places[i + 1]];
    const [left, right] = [edges[2 * k], edges[2 * k + 1]];
    const piece = { from, to, by: "intervals" as const };
    const doubts = [...left.doubts, ...right.doubts];
    const units = doubts.length > 0 ? unitsOf(doubts) : differing(left.patterns, right.patterns);
    if (units.length > 0) verdicts[k] = { ...piece, verdict: doubts.length > 0 ? "undecided" : "refused", units };
    else {
      verdicts[k] = { ...piece, verdict: "certified", units };
      const [lo, hi] = [from + radii[i], to - radii[i + 1]];
      waiting.push({ piece: k, lo, hi, depth: 0, patterns: left.patterns, atStart: true, atEnd: true });
    }
  });
  while (waiting.length > 0) {
    const parts = waiting.splice(-line.group);
    const readings = line.read(parts.map(intervalOf), onPieces);
    parts.forEach((part, j) => {
      const { piece, lo, hi, depth, patterns } = part;
      // what is decided needs no more proof
      if (verdicts[piece].verdict !== "certified") return;
      const doubts = readings[j].open.filter((unit) => !staysBetween(unit, part));
      if (doubts.length === 0) return;
      if (depth === halvings) {
        verdicts[piece] = { ...verdicts[piece], verdict: "undecided", units: unitsOf(doubts) };
        return;
      }
      const middle = lo + cut * (hi - lo);
      const half = { piece, depth: depth + 1, patterns };
      waiting.push(
        { ...half, lo, hi: middle, atStart: part.atStart, atEnd: false },
        { ...half, lo: middle, hi, atStart: false, atEnd: part.atEnd },
      );
    });
  }
  return verdicts;
}

/** Covers what lies between, with its ends. */
function intervalOf({ lo, hi, patterns }: Part): Interval {
  const m = lo + 0.5 * (hi - lo);
  return { m, h: Math.max(hi - m, m - lo) * (1 + 2 ** -40) + 2 ** -56, pattern: patterns };
}

/** Whether a unit is monotone, and on the right side at both ends. */
const staysBetween = (unit: OpenUnit, { atStart, atEnd }: Part): boolean =>
  isMonotone(unit) && (atStart || signAt(unit, -1) === unit.sign) && (atEnd || signAt(unit, 1) === unit.sign);

function unitsOf(open: readonly OpenUnit[]): Unit[] {
  const seen = new Map(open.map(({ node, entry }) => [`${node.id} ${entry}`, unitOf(node, entry)]));
  return [...seen.values()];
}
