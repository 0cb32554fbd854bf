/**
 * @file Certificates in exact rational arithmetic. On a piece, and a little beyond its ends, the network with the piece's pattern
 * is a polynomial, and so is everything that keeps its sign while the pattern holds. Each of them may change its sign only in
 * the windows of the piece's ends; Descartes' rule counts. Letters: P and Q the patterns left and right of a breakpoint.
 */
import type { Applied, Graph, Tensor } from "@splineformer/tensor";
import { unitOf } from "../causes.ts";
import type { Patterns } from "../engine/walk.ts";
import { type CertifiedBreakpoint, type CertifiedPiece, differing } from "./certificate.ts";
import type { Claims } from "./claims.ts";
import { type ExactLine, exactLine } from "./exact-line.ts";
import { type Dyadic, dyadic, overOne, plus } from "./exact-numbers.ts";
import { changeTogether, onPart, signChanges } from "./exact-roots.ts";

/** A polynomial that changes its sign in a window. */
interface Change {
  /** Which unit, and which end of its piece. */
  readonly key: string;
  readonly node: Applied;
  readonly entry: number;
  /** How often. */
  readonly count: number;
  /** On the window. */
  readonly numerators: readonly bigint[];
}

/** What was found on a piece and in the windows of its ends, for the pattern at a place of it. */
interface Finding {
  readonly certified: CertifiedPiece;
  readonly patterns: Patterns;
  readonly left: readonly Change[];
  readonly right: readonly Change[];
}

export interface ExactCertifier {
  /** How many products of long numbers a piece takes, about. */
  readonly products: number;
  /** Piece i, from place i to place i + 1. */
  piece(i: number): CertifiedPiece;
  /** Place i. */
  breakpoint(i: number): CertifiedBreakpoint;
}

export function exactCertifier(
  graph: Graph,
  from: Readonly<Record<string, Tensor>>,
  to: Readonly<Record<string, Tensor>>,
  { places, radii }: Claims,
): ExactCertifier {
  const line = exactLine(graph, from, to);
  const beside = (i: number, side: -1 | 1): Dyadic => plus(dyadic(places[i]), dyadic(side * radii[i]));
  const findings = new Map<number, Finding>();
  const findingOn = (i: number): Finding => {
    const known = findings.get(i);
    if (known) return known;
    const found = findWithin(
      line,
      [beside(i, -1), beside(i, 1), beside(i + 1, -1), beside(i + 1, 1)],
      places[i],
      places[i + 1],
    );
    findings.set(i, found);
    return found;
  };
  /** What switches in a window while the pattern of one of its ends holds. */
  const atWindow = (i: number, side: -1 | 1): { readonly patterns: Patterns; readonly changes: readonly Change[] } => {
    const found = findingOn(side === -1 ? i - 1 : i);
    if (found.certified.verdict === "certified")
      return { patterns: found.patterns, changes: side === -1 ? found.right : found.left };
    const patterns = line.patterns(beside(i, side));
    const [a, b] = [beside(i, -1), beside(i, 1)];
    const changes: Change[] = [];
    line.bounds(a, b, patterns, (node, { entry, knot, numerators }) => {
      const count = signChanges(numerators);
      if (count > 0) changes.push({ key: `${node.id} ${entry} ${knot}`, node, entry, count, numerators });
    });
    return { patterns, changes };
  };

  return {
    products: line.products,
    piece: (i) => findingOn(i).certified,
    breakpoint(i) {
      const [before, after] = [atWindow(i, -1), atWindow(i, 1)];
      // what is no longer needed goes: a finding of many polynomials is large
      for (const k of findings.keys()) if (k < i) findings.delete(k);
      const units = differing(before.patterns, after.patterns);
      const own = { at: places[i], radius: radii[i], by: "exact" as const };
      if (units.length > 0) {
        const places = atOnePlace(before.changes, after.changes) ? "one" : "some";
        return { ...own, verdict: "certified", places, units };
      }
      // P holds up to the first change under P, which is one of the network itself
      if (before.changes.length > 0)
        return { ...own, verdict: "certified", places: "some", units: before.changes.map(unitOfChange) };
      return { ...own, verdict: "refused", places: "some", units: [] };
    },
  };
}

const unitOfChange = ({ node, entry }: Change) => unitOf(node, entry);

/**
 * P holds up to the first change under P, and Q from the last one under Q on. A unit whose change is the only one under both
 * has the same polynomial under both, since it depends on earlier units alone, and these don't change.
 */
function atOnePlace(before: readonly Change[], after: readonly Change[]): boolean {
  const all = [...before, ...after];
  if (before.length === 0 || after.length === 0 || all.some(({ count }) => count > 1)) return false;
  if (before.length === 1 && after.length === 1 && before[0].key === after[0].key) return true;
  return changeTogether(all.map(({ numerators }) => numerators));
}

/** Parts of a piece at which to ask for its pattern: off the middle, where symmetric polynomials touch zero. */
const samples = [0.5089, 0.4017, 0.6143] as const;

/**
 * @param ends - the ends of the left window, then those of the right one
 */
function findWithin(line: ExactLine, ends: readonly Dyadic[], from: number, to: number): Finding {
  let found: Finding | undefined;
  for (const part of samples) {
    found = findFor(line, ends, from, to, line.patterns(dyadic(from + part * (to - from))));
    // if not, a unit touches its kink just there
    if (found.certified.verdict !== "undecided") break;
  }
  return found as Finding;
}

function findFor(line: ExactLine, ends: readonly Dyadic[], from: number, to: number, patterns: Patterns): Finding {
  const { n } = overOne(ends);
  const whole = n[3] - n[0];
  const [a, b] = [n[1] - n[0], n[2] - n[0]];
  const left: Change[] = [];
  const right: Change[] = [];
  // the first gate at which something is wrong: what is said of later ones may follow from that
  const wrong: { readonly node: Applied; readonly refused: boolean; readonly entry: number }[] = [];
  line.bounds(ends[0], ends[3], patterns, (node, { entry, knot, sign, numerators }) => {
    if (numerators.every((c) => (sign === 1 ? c >= 0n : c <= 0n))) return;
    const key = `${node.id} ${entry} ${knot}`;
    const inWindow = (changes: Change[], lo: bigint, hi: bigint): number => {
      if (lo === hi) return 0;
      const own = onPart(numerators, lo, hi, whole);
      const count = signChanges(own);
      if (count > 0) changes.push({ key, node, entry, count, numerators: own });
      return count;
    };
    const count = inWindow(left, 0n, a) + inWindow(right, b, whole);
    if (signChanges(numerators) > count) wrong.push({ node, entry, refused: true });
    else {
      const inside = onPart(numerators, a, b, whole).find((c) => c !== 0n) as bigint;
      if (inside < 0n !== sign < 0) wrong.push({ node, entry, refused: false });
    }
  });
  const first = wrong.at(0);
  const blamed = wrong.filter(({ node, refused }) => node === first?.node && refused === first.refused);
  const units = [...new Set(blamed.map(({ entry }) => entry))].map((entry) => unitOf(blamed[0].node, entry));
  const verdict = first ? (first.refused ? "refused" : "undecided") : "certified";
  return { certified: { from, to, verdict, by: "exact", units }, patterns, left, right };
}
