/**
 * @file Scanlines linked: breakpoints of one unit on neighbouring lines into curves, and pieces of one pattern into cells.
 * On the lines all of it is exact; how things are connected between two lines is the simplest that fits.
 */
import { disjoint } from "./disjoint.ts";
import type { Scanline } from "./scanline.ts";

/** A curve as a polyline from scanline to scanline. */
interface Curve {
  /** a and b of every point, one after the other; each is exact. */
  readonly points: Float64Array;
}

/** A boundary of cells: where one unit switches. */
export interface BoundaryCurve extends Curve {
  /** The unit's number. */
  readonly unit: number;
  /** Its two pieces, the lower one first. */
  readonly pieces: readonly [number, number];
}

/** A decision boundary: where another output becomes the largest. */
export interface DecisionCurve extends Curve {
  /** The two classes, the lower one first. */
  readonly classes: readonly [number, number];
}

/** A breakpoint of a unit on a line. */
interface Switch {
  readonly a: number;
  /** Whether the piece rises from left to right. */
  readonly rises: boolean;
  /** The breakpoint between pieces `at` and `at + 1`. */
  readonly at: number;
}

/** Pairs of places in two lists, and pairs of neighbours in one of them that turn round between the lines. */
interface Matching {
  readonly pairs: readonly (readonly [below: number, above: number])[];
  readonly turnsBelow: readonly (readonly [number, number])[];
  readonly turnsAbove: readonly (readonly [number, number])[];
}

/** What switches on a line, by unit and pieces, or by classes. */
type Switches = Map<string, Switch[]>;

function include(switches: Switches, unit: number, before: number, after: number, a: number, at: number): void {
  const key = [unit, Math.min(before, after), Math.max(before, after)].join();
  const own = switches.get(key);
  const found = { a, rises: after > before, at };
  if (own) own.push(found);
  else switches.set(key, [found]);
}

function unitsOn({ breakpoints, first, units, before, after }: Scanline): Switches {
  const out: Switches = new Map();
  for (let at = 0; at + 1 < first.length; at++)
    for (let k = first[at]; k < first[at + 1]; k++)
      include(out, units[k], before[k], after[k], breakpoints[at + 1], at);
  return out;
}

function classesOn({ classes }: Scanline): Switches {
  const out: Switches = new Map();
  for (let at = 0; at + 1 < classes.length; at++)
    if (classes[at].class !== classes[at + 1].class)
      include(out, 0, classes[at].class, classes[at + 1].class, classes[at].to, at);
  return out;
}

/**
 * Which switches of a unit on two neighbouring lines are on one curve: the assignment that keeps their order and direction,
 * pairs as many as it can, and moves them least.
 */
function matched(below: readonly Switch[], above: readonly Switch[]): Matching {
  const [m, n] = [below.length, above.length];
  const width = n + 1;
  // the cost of the best way through both lists up to here; what finds no partner costs more than any way across
  const cost = new Float64Array((m + 1) * width);
  const alone = 1e6;
  for (let i = 0; i <= m; i++)
    for (let j = 0; j <= n; j++) {
      if (i === 0 && j === 0) continue;
      let best = Number.POSITIVE_INFINITY;
      if (i > 0) best = cost[(i - 1) * width + j] + alone;
      if (j > 0) best = Math.min(best, cost[i * width + j - 1] + alone);
      if (i > 0 && j > 0 && below[i - 1].rises === above[j - 1].rises)
        best = Math.min(best, cost[(i - 1) * width + j - 1] + Math.abs(below[i - 1].a - above[j - 1].a));
      cost[i * width + j] = best;
    }
  const pairs: [number, number][] = [];
  const left: [number[], number[]] = [[], []];
  for (let i = m, j = n; i > 0 || j > 0; ) {
    const here = cost[i * width + j];
    if (
      i > 0 &&
      j > 0 &&
      below[i - 1].rises === above[j - 1].rises &&
      here === cost[(i - 1) * width + j - 1] + Math.abs(below[i - 1].a - above[j - 1].a)
    )
      pairs.unshift([--i, --j]);
    else if (i > 0 && here === cost[(i - 1) * width + j] + alone) left[0].unshift(--i);
    else left[1].unshift(--j);
  }
  return { pairs, turnsBelow: turns(below, left[0]), turnsAbove: turns(above, left[1]) };
}

/** Neighbours without a partner that switch in opposite directions: the curve turns round between the lines. */
function turns(list: readonly Switch[], alone: readonly number[]): [number, number][] {
  const out: [number, number][] = [];
  for (let k = 0; k + 1 < alone.length; k++)
    if (alone[k + 1] === alone[k] + 1 && list[alone[k]].rises !== list[alone[k + 1]].rises) {
      out.push([alone[k], alone[k + 1]]);
      k++;
    }
  return out;
}

/** Lines in ascending order, linked. */
export function linked(lines: readonly Scanline[]): {
  readonly curves: BoundaryCurve[];
  readonly decisions: DecisionCurve[];
  /** For every line, the cell of every piece. */
  readonly cells: Uint32Array[];
  readonly count: number;
} {
  const offsets = [0];
  for (const { keys } of lines) offsets.push(offsets[offsets.length - 1] + keys.length);
  const sets = disjoint(offsets[offsets.length - 1]);
  const found = curvesOf(lines, unitsOn, (line, below, above) => {
    // where a side goes on, the cell at that side does
    for (const side of [0, 1]) {
      const [p, q] = [below + side, above + side];
      if (lines[line].keys[p] === lines[line + 1].keys[q]) sets.join(offsets[line] + p, offsets[line + 1] + q);
    }
  });
  for (let r = 0; r + 1 < lines.length; r++) {
    const [p, q] = [lines[r], lines[r + 1]];
    for (let i = 0, j = 0; i < p.keys.length && j < q.keys.length; ) {
      const from = Math.max(p.breakpoints[i], q.breakpoints[j]);
      const to = Math.min(p.breakpoints[i + 1], q.breakpoints[j + 1]);
      if (p.keys[i] === q.keys[j] && from < to) sets.join(offsets[r] + i, offsets[r + 1] + j);
      if (p.breakpoints[i + 1] <= q.breakpoints[j + 1]) i++;
      else j++;
    }
  }
  const { names, count } = sets.named();
  return {
    curves: found.map(({ key: [unit, low, high], points }) => ({ unit, pieces: [low, high], points })),
    decisions: curvesOf(lines, classesOn).map(({ key: [, low, high], points }) => ({ classes: [low, high], points })),
    cells: lines.map((_, r) => names.subarray(offsets[r], offsets[r + 1])),
    count,
  };
}

function curvesOf(
  lines: readonly Scanline[],
  switchesOf: (line: Scanline) => Switches,
  onPair?: (line: number, below: number, above: number) => void,
): { readonly key: readonly number[]; readonly points: Float64Array }[] {
  interface Open {
    readonly points: number[];
  }
  const done: { key: number[]; points: Float64Array }[] = [];
  const finish = (key: string, points: readonly number[]): void => {
    done.push({ key: key.split(",").map(Number), points: Float64Array.from(points) });
  };
  /** The curves that have reached the line, by unit, in the order of its switches. */
  let open = new Map<string, Open[]>();
  let here: Switches = lines.length > 0 ? switchesOf(lines[0]) : new Map();
  for (const [key, list] of here)
    open.set(
      key,
      list.map(({ a }) => ({ points: [a, lines[0].b] })),
    );
  for (let r = 0; r + 1 < lines.length; r++) {
    const next = switchesOf(lines[r + 1]);
    const { b } = lines[r + 1];
    const going = new Map<string, Open[]>();
    for (const key of new Set([...here.keys(), ...next.keys()])) {
      const below = here.get(key) ?? [];
      const above = next.get(key) ?? [];
      const { pairs, turnsBelow, turnsAbove } = matched(below, above);
      const own = open.get(key) ?? [];
      const used = new Set<number>();
      const tops: (Open | undefined)[] = above.map(() => undefined);
      for (const [i, j] of pairs) {
        own[i].points.push(above[j].a, b);
        used.add(i);
        tops[j] = own[i];
        onPair?.(r, below[i].at, above[j].at);
      }
      for (const [i, j] of turnsBelow) {
        // two ends of one curve meet: down the one, up the other
        const back: number[] = [];
        const { points } = own[j];
        for (let k = points.length - 2; k >= 0; k -= 2) back.push(points[k], points[k + 1]);
        finish(key, [...own[i].points, ...back]);
        used.add(i).add(j);
      }
      own.forEach((curve, i) => {
        if (!used.has(i)) finish(key, curve.points);
      });
      for (const [i, j] of turnsAbove) {
        tops[i] = { points: [above[j].a, b, above[i].a, b] };
      }
      if (above.length > 0)
        going.set(
          key,
          above.map(({ a }, j) => tops[j] ?? { points: [a, b] }),
        );
    }
    open = going;
    here = next;
  }
  for (const [key, own] of open) for (const { points } of own) finish(key, points);
  return done;
}
