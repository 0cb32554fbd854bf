/**
 * @file The cells of a plane that is cut by conics and lines alone: one attention layer, or one hidden layer. Between two heights
 * where anything happens (a curve turns round, crosses another or a side of the window) the order of the curves from left to
 * right does not change, so one line through each such *slab* tells all of it, and neighbouring slabs are joined where they meet.
 *
 * Letters: s, t ∈ [0, 1] the place in the window; a curve is c₀ + c₁s + c₂t + c₃s² + c₄st + c₅t² = 0, as A s² + B s + C for one t.
 */
import { chebyshevNodes, fromUnit, isolateRootsOfValues } from "@splineformer/spline";
import {
  type Applied,
  activationOf,
  actsOnRows,
  evaluateAll,
  type Node,
  operandsOf,
  type Pointwise,
  pieceAt,
  sigmoidBias,
} from "@splineformer/tensor";
import { scoreRows, visibleTo } from "../engine/scores.ts";
import { disjoint } from "./disjoint.ts";
import type { Plane } from "./plane.ts";
import { patternKey } from "./scanline.ts";

/** Cells, and which of them has a place. */
export interface Sweep {
  readonly cells: readonly { readonly a: number; readonly b: number; readonly key: number; readonly area: number }[];
  /** The cell of a place whose pattern has this key. */
  cellAt(a: number, b: number, key: number): number | undefined;
}

interface Conic {
  readonly unit: number;
  /** Which of the unit's knots: the unit is in piece `knot` below it, in the next above. */
  readonly knot: number;
  readonly c: Float64Array;
}

/** A part of a line between two curves. */
interface Part {
  readonly left: Side | undefined;
  readonly right: Side | undefined;
  readonly key: number;
}

/** The lower or upper root of a curve. */
interface Side {
  readonly conic: Conic;
  readonly root: 0 | 1;
}

interface Slab {
  readonly from: number;
  readonly to: number;
  readonly parts: readonly Part[];
}

/** Above this many curves their pairs are too many. */
const mostCurves = 512;
/** Heights nearer than this are one: a double root is known no better. */
const apart = 2 ** -22;
/** Parts that meet on less than this only touch. */
const meeting = 2 ** -20;

/** The sweep; undefined where gates read more than quadratic polynomials or other gates, or rounding does not let decide. */
export function sweepConics(plane: Plane): Sweep | undefined {
  const conics = conicsOf(plane);
  if (!conics || conics.curves.length > mostCurves) return undefined;
  const { curves, still } = conics;
  const heights = heightsOf(curves);
  if (!heights) return undefined;
  const slabs = heights
    .slice(1)
    .map((to, i): Slab => ({ from: heights[i], to, parts: partsAt(curves, still, 0.5 * (heights[i] + to)) }));
  const offsets = [0];
  for (const { parts } of slabs) offsets.push(offsets[offsets.length - 1] + parts.length);
  const sets = disjoint(offsets[offsets.length - 1]);
  for (let k = 0; k + 1 < slabs.length; k++) {
    const t = slabs[k].to;
    const [below, above] = [slabs[k], slabs[k + 1]].map((slab) => slab.parts.map((part) => extent(part, t, slab)));
    below.forEach(([from, to], i) => {
      above.forEach(([start, stop], j) => {
        if (slabs[k].parts[i].key === slabs[k + 1].parts[j].key && Math.min(to, stop) - Math.max(from, start) > meeting)
          sets.join(offsets[k] + i, offsets[k + 1] + j);
      });
    });
  }
  const { names, count } = sets.named();
  const { a, b } = plane.window;
  const cells = Array.from({ length: count }, () => ({ a: 0, b: 0, key: 0, area: 0, widest: -1 }));
  slabs.forEach((slab, k) => {
    const { from, to, parts } = slab;
    const middle = 0.5 * (from + to);
    parts.forEach((part, i) => {
      const cell = cells[names[offsets[k] + i]];
      const width = (t: number): number => {
        const [left, right] = extent(part, t, slab);
        return right - left;
      };
      const [left, right] = extent(part, middle, slab);
      const inner = gauss.reduce((sum, [u, w]) => sum + w * width(fromUnit(u, from, to)), 0);
      cell.area += 0.5 * inner * (to - from) * (a[1] - a[0]) * (b[1] - b[0]);
      const size = (right - left) * (to - from);
      if (size <= cell.widest) return;
      cell.widest = size;
      cell.key = part.key;
      cell.a = a[0] + 0.5 * (left + right) * (a[1] - a[0]);
      cell.b = b[0] + middle * (b[1] - b[0]);
    });
  });
  return {
    cells: cells.map(({ widest: _, ...cell }) => cell),
    cellAt(p, q, key) {
      const [s, t] = [(p - a[0]) / (a[1] - a[0]), (q - b[0]) / (b[1] - b[0])];
      let nearest = Number.POSITIVE_INFINITY;
      let cell: number | undefined;
      slabs.forEach((slab, k) => {
        // on a height between two slabs it lies in both
        if (t < slab.from - apart || t > slab.to + apart) return;
        slab.parts.forEach((part, i) => {
          if (part.key !== key) return;
          const [left, right] = extent(part, Math.min(slab.to, Math.max(slab.from, t)), slab);
          const distance = Math.max(0, left - s, s - right);
          if (distance >= nearest) return;
          nearest = distance;
          cell = names[offsets[k] + i];
        });
      });
      return cell;
    },
  };
}

/** Gauss–Legendre with three nodes: exact for straight cells, and good for the others. */
const gauss = [
  [-Math.sqrt(0.6), 5 / 9],
  [0, 8 / 9],
  [Math.sqrt(0.6), 5 / 9],
] as const;

/** Every curve that may meet the window, and the pieces of all units at s = 0 as functions of the curves there. */
function conicsOf(plane: Plane): { readonly curves: Conic[]; readonly still: ReadonlyMap<number, Unit> } | undefined {
  const { graph, gates, line, device, window, point } = plane;
  const isGate = new Set<Node>(gates.map(({ node }) => node));
  const behind = graph.nodes.map(() => false);
  for (const node of graph.nodes) behind[node.id] = operandsOf(node).some((x) => behind[x.id] || isGate.has(x));
  for (const { node } of gates) {
    const input = node.inputs[0] as Node;
    if (behind[node.id] || line.degrees[input.id] > 2 || !hasTable(node)) return undefined;
  }
  const at = (s: number, t: number) =>
    evaluateAll(graph, device, {
      inputs: point(window.a[0] + s * (window.a[1] - window.a[0]), window.b[0] + t * (window.b[1] - window.b[0])),
    });
  const [f00, fh0, f10, f0h, f01, f11] = [at(0, 0), at(0.5, 0), at(1, 0), at(0, 0.5), at(0, 1), at(1, 1)];
  const curves: Conic[] = [];
  const still = new Map<number, Unit>();
  for (const { node, first, count } of gates) {
    const { id } = node.inputs[0] as Node;
    const { activation } = (node as GateNode).attributes;
    const meaning = activationOf(activation as Pointwise);
    if (meaning.kind === "smooth") return undefined;
    const seen = seenBy(node, f00);
    for (let entry = 0; entry < count; entry++) {
      if (seen && !seen.has(entry)) continue;
      const [z00, zh0, z10, z0h, z01, z11] = [f00, fh0, f10, f0h, f01, f11].map((values) => values[id].data[entry]);
      const c3 = 2 * (z10 + z00 - 2 * zh0);
      const c5 = 2 * (z01 + z00 - 2 * z0h);
      const c1 = z10 - z00 - c3;
      const c2 = z01 - z00 - c5;
      const c4 = z11 - z00 - c1 - c2 - c3 - c5;
      const size = Math.max(...[z00, zh0, z10, z0h, z01, z11].map(Math.abs));
      const unit = first + entry;
      let isCut = false;
      for (const [knot, level] of meaning.knots.entries()) {
        // what is left of sums of six rounded values counts as nothing
        const c = Float64Array.of(z00 - level, c1, c2, c3, c4, c5).map((v) => (Math.abs(v) <= 2 ** -44 * size ? 0 : v));
        if (c.every((v) => v === 0)) return undefined;
        if (!mayVanish(c)) continue;
        isCut = true;
        curves.push({ unit, knot, c });
      }
      const middle = z00 + 0.5 * (c1 + c2) + 0.25 * (c3 + c4 + c5);
      const knots = meaning.knots.length;
      still.set(unit, {
        piece: isCut ? undefined : pieceAt(meaning, middle),
        knots,
        at: (t) => pieceAt(meaning, z00 + t * (c2 + t * c5)),
      });
    }
  }
  return { curves, still };
}

/** A unit: its piece, or where it is cut its piece on the left side of the window. */
interface Unit {
  readonly piece: number | undefined;
  readonly knots: number;
  at(t: number): number;
}

type GateNode = Extract<Applied, { op: "activate" | "weigh" }>;

const hasTable = (node: Applied): boolean => {
  const { activation } = (node as GateNode).attributes;
  return node.op === "activate" || (!actsOnRows(activation as never) && sigmoidBias(activation as never) === undefined);
};

/** The scores that queries see. */
const seenBy = (node: Applied, values: Parameters<typeof visibleTo>[1]): Set<number> | undefined =>
  node.op === "weigh" ? new Set(scoreRows(node, visibleTo(node, values)).flatMap(({ entries }) => entries)) : undefined;

/** Whether the curve may meet the window: its Bernstein coefficients there have not all one sign. */
function mayVanish([c0, c1, c2, c3, c4, c5]: Float64Array): boolean {
  const across = (q0: number, q1: number, q2: number): number[] => [q0, q0 + 0.5 * q1, q0 + q1 + q2];
  const rows = [across(c0, c1, c3), across(0, c4, 0), [1, 1, 1]];
  const all = rows[0].flatMap((p, i) => [p, p + 0.5 * (c2 + rows[1][i]), p + c2 + rows[1][i] + c5]);
  return all.some((v) => v <= 0) && all.some((v) => v >= 0);
}

/** The real roots in [0, 1] of a polynomial of this degree, double ones as well; undefined if it is zero. */
function rootsOf(degree: number, value: (t: number) => number): number[] | undefined {
  const values = Array.from(chebyshevNodes(degree), (u) => value(fromUnit(u, 0, 1)));
  if (values.every((v) => v === 0)) return undefined;
  const { roots, flat } = isolateRootsOfValues(values, { interval: [0, 1], tolerance: 2 ** -46 });
  if (flat.some(([from, to]) => to - from > 0.5)) return undefined;
  return [...roots, ...flat.map(([from, to]) => 0.5 * (from + to))];
}

/** Every height at which something happens, and 0 and 1. */
function heightsOf(curves: readonly Conic[]): number[] | undefined {
  const found: number[] = [];
  const add = (roots: readonly number[] | undefined): void => {
    if (roots) found.push(...roots);
  };
  for (const { c } of curves) {
    const [, , , A] = c;
    const B = (t: number): number => c[1] + c[4] * t;
    const C = (t: number): number => c[0] + t * (c[2] + t * c[5]);
    // where it turns round, and where it leaves through a side
    add(A === 0 ? rootsOf(1, B) : rootsOf(2, (t) => B(t) ** 2 - 4 * A * C(t)));
    add(rootsOf(2, C));
    add(rootsOf(2, (t) => A + B(t) + C(t)));
  }
  for (let i = 0; i < curves.length; i++)
    for (let j = 0; j < i; j++) {
      const [p, q] = [curves[i].c, curves[j].c];
      if (proportional(p, q)) continue;
      const scale = (c: Float64Array): number => c.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      const size = scale(p) * scale(q);
      const roots = rootsOf(4, (t) => {
        const [B, D] = [p[1] + p[4] * t, q[1] + q[4] * t];
        const [C, E] = [p[0] + t * (p[2] + t * p[5]), q[0] + t * (q[2] + t * q[5])];
        // the resultant in s
        return ((p[3] * E - q[3] * C) / size) ** 2 - ((p[3] * D - q[3] * B) / size) * ((B * E - D * C) / size);
      });
      // two straight curves: the resultant above is zero, the lines cross where B E = D C
      if (p[3] === 0 && q[3] === 0)
        add(
          rootsOf(
            3,
            (t) =>
              ((p[1] + p[4] * t) * (q[0] + t * (q[2] + t * q[5])) -
                (q[1] + q[4] * t) * (p[0] + t * (p[2] + t * p[5]))) /
              size,
          ),
        );
      // otherwise they have a part in common, and parts of zero width can't be told from others
      else if (!roots) return undefined;
      else add(roots);
    }
  const sorted = [...found.filter((t) => t > apart && t < 1 - apart), 1].sort((x, y) => x - y);
  const heights = [0];
  for (const t of sorted) if (t - heights[heights.length - 1] > apart) heights.push(t);
  return heights;
}

function proportional(p: Float64Array, q: Float64Array): boolean {
  const k = p.reduce((best, v, i) => (Math.abs(v) > Math.abs(p[best]) ? i : best), 0);
  return p.every((v, i) => Math.abs(v * q[k] - q[i] * p[k]) <= 2 ** -44 * Math.abs(p[k]) * Math.abs(q[k]));
}

/** Where a curve is at a height: its roots s in order. */
function placesOf({ c }: Conic, t: number): number[] {
  const A = c[3];
  const B = c[1] + c[4] * t;
  const C = c[0] + t * (c[2] + t * c[5]);
  if (A === 0) return B === 0 ? [] : [-C / B];
  const square = B * B - 4 * A * C;
  // at the height where it turns round
  if (square < 0) return [-0.5 * (B / A), -0.5 * (B / A)];
  const sum = -0.5 * (B + (B < 0 ? -1 : 1) * Math.sqrt(square));
  const roots = sum === 0 ? [0, 0] : [sum / A, C / sum];
  return roots.sort((x, y) => x - y);
}

const crosses = ({ c }: Conic, t: number): boolean =>
  c[3] === 0 ? c[1] + c[4] * t !== 0 : (c[1] + c[4] * t) ** 2 - 4 * c[3] * (c[0] + t * (c[2] + t * c[5])) > 0;

/** The line at t, cut into parts by the curves. */
function partsAt(curves: readonly Conic[], still: ReadonlyMap<number, Unit>, t: number): Part[] {
  const key = patternKey();
  const pieces = new Map<number, number>();
  for (const [unit, known] of still) {
    const piece = known.piece ?? known.at(t);
    pieces.set(unit, piece);
    key.flip(unit, 0, piece);
  }
  const sides = curves
    .flatMap((conic) =>
      crosses(conic, t) ? placesOf(conic, t).map((s, root) => ({ s, conic, root: root as 0 | 1 })) : [],
    )
    .filter(({ s }) => s > 0 && s < 1)
    .sort((p, q) => p.s - q.s);
  const parts: Part[] = [];
  let left: Side | undefined;
  let before = 0;
  sides.forEach((side, i) => {
    // units of one curve switch together
    if (i === 0 || side.s - before > 2 ** -40) {
      parts.push({ left, right: side, key: key.value() });
      left = side;
      before = side.s;
    }
    const { unit, knot } = side.conic;
    const piece = pieces.get(unit) as number;
    const next = piece <= knot ? knot + 1 : knot;
    key.flip(unit, piece, next);
    pieces.set(unit, next);
  });
  parts.push({ left, right: undefined, key: key.value() });
  return parts;
}

/** From where to where a part of a slab reaches at a height of it, its ends included. */
function extent({ left, right }: Part, t: number, { from, to }: Slab): readonly [number, number] {
  const place = (side: Side): number => {
    let places = placesOf(side.conic, t);
    // a horizontal part of the curve is there: as from within the slab
    if (side.conic.c[3] === 0 && Math.abs(side.conic.c[1] + side.conic.c[4] * t) < 2 ** -20)
      places = placesOf(side.conic, t + 2 ** -12 * (0.5 * (from + to) - t));
    return Math.min(1, Math.max(0, places[Math.min(side.root, places.length - 1)]));
  };
  return [left ? place(left) : 0, right ? place(right) : 1];
}
