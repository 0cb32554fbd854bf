/**
 * @file The method "march": from one breakpoint to the next. On a window ahead of the place reached, the network is taken
 * gate by gate with the pattern that holds at the window's start; each gate that switches within the window ends it there.
 * What is left at the output is the piece that starts at the place reached.
 *
 * Polynomials are carried by few nodes, as many as their Chebyshev coefficients need to fall to rounding level on so short
 * an interval, and not by their formal degree: 3ˢ is hopeless beyond a few layers, and the numbers do not have that many
 * digits anyway. Where the coefficients have not fallen, there are more nodes, then shorter windows; where they fall no
 * more, that is the noise: what they leave is added to it, and shows in `path.noise`.
 */
import type { Applied } from "@splineformer/tensor";
import { type IntervalValue, noiseOf, raise, restrict } from "./interval-values.ts";
import type { LineGraph } from "./line-graph.ts";
import { mergeCuts } from "./merge-cuts.ts";
import type { Cut } from "./sign-changes.ts";
import { tailRatio, withTail } from "./truncation.ts";
import type { Flat, Piece, Walk } from "./walk.ts";

/** What is learnt on the way: how long pieces are, how many nodes they need, and how far coefficients fall. */
interface State {
  /** The usual length of a piece. */
  readonly usual: number;
  /** The degree of the nodes. */
  readonly limit: number;
  /** Coefficients are at rounding level below so many times the noise. */
  readonly slack: number;
  /** Where the last piece ended. */
  readonly start: Cut;
}

/** Windows are halved rather than given more nodes than this. */
const mostNodes = 20;
const fewestNodes = 4;
/** A piece is read by no more nodes than this, whatever is left then is noise. */
const most = 1024;
/** A window much shorter than this holds no numbers to tell apart. */
const shortest = 2 ** -46;

/** Walks the line from where it stopped to t = 1. */
export function march(graph: LineGraph, { state: left, mayGoOn, onPiece, onFlat }: Walk): void {
  let state = (left as State | undefined) ?? { usual: 2 ** -10, limit: 8, slack: 1, start: { at: 0, radius: 0 } };
  while (state.start.at < 1) {
    const found = nextPiece(graph, state, mayGoOn);
    if (!found) return;
    const { piece, flats, state: next } = found;
    for (const flat of flats) onFlat(flat);
    state = next;
    onPiece(piece, next);
  }
}

interface Found {
  readonly piece: Piece;
  readonly flats: readonly Flat[];
  readonly state: State;
}

/** The piece that starts where the state says; undefined if it may not go on. */
function nextPiece(graph: LineGraph, state: State, mayGoOn: () => boolean): Found | undefined {
  let { limit, slack } = state;
  let width = Math.max(2.5 * state.usual, 4 * shortest);
  let { start } = state;
  // the piece up to `start`, where one window was not enough
  const windows: Window[] = [];
  const flats: Flat[] = [];
  let before = Number.POSITIVE_INFINITY;
  let mayGrow = true;
  let shorter: Window | undefined;
  const finish = (end: Cut, patterns: Piece["patterns"], result: IntervalValue): Found => {
    const from = state.start.at;
    const length = end.at - from;
    return {
      piece: { from, to: end.at, values: result.values, noise: noiseOf(result), patterns },
      flats: flats.flatMap((flat) => (flat.from < end.at ? [{ ...flat, to: Math.min(flat.to, end.at) }] : [])),
      state: {
        usual: 0.8 * state.usual + 0.2 * length,
        limit: Math.max(fewestNodes, Math.min(limit, needed(result, slack) + 2)),
        slack,
        start: end,
      },
    };
  };
  for (;;) {
    if (!mayGoOn()) return undefined;
    const end = Math.min(start.at + width, 1);
    const window = look(graph, start, { at: end, radius: 0 }, limit, slack);
    if (typeof window === "number") {
      // not fallen: more nodes, then a shorter window, and at last what is left is noise
      if (limit < mostNodes) limit = Math.min(mostNodes, Math.ceil(1.4 * limit) + 1);
      else if (window > before / 4 || width < shortest) {
        slack = 2 * window;
        before = Number.POSITIVE_INFINITY;
      } else {
        before = window;
        width = 0.5 * (end - start.at);
        mayGrow = false;
        shorter = undefined;
      }
      continue;
    }
    if (windows.length > 0 && differ(windows[0].patterns, window.patterns)) {
      // a gate switched just where a window ended
      return finish(start, windows[0].patterns, frozen(graph, state.start.at, start.at, windows, limit, slack));
    }
    if (shorter && !continues(shorter, window, slack)) {
      // a window twice as long saw something else: too few nodes, whatever its coefficients say
      mayGrow = false;
      width = shorter.to - start.at;
      if (limit < mostNodes) limit = mostNodes;
      else {
        flats.push(...shorter.flats);
        windows.push(shorter);
        start = { at: shorter.to, radius: 0 };
      }
      shorter = undefined;
      continue;
    }
    if (!window.cut && end < 1 && mayGrow && windows.length === 0) {
      shorter = window;
      width *= 2;
      continue;
    }
    flats.push(...window.flats);
    if (window.cut || end === 1) {
      const to = window.cut ?? { at: 1, radius: 0 };
      const result =
        windows.length > 0 ? frozen(graph, state.start.at, to.at, [...windows, window], limit, slack) : window.result;
      return finish(to, window.patterns, result);
    }
    windows.push(window);
    start = { at: end, radius: 0 };
    before = Number.POSITIVE_INFINITY;
  }
}

interface Window {
  readonly from: number;
  /** The cut, or the window's end. */
  readonly to: number;
  /** Where the first gate switches. */
  readonly cut: Cut | undefined;
  readonly patterns: Piece["patterns"];
  readonly flats: readonly Flat[];
  /** The output up to the cut. */
  readonly result: IntervalValue;
}

/** The network from a place up to where the first gate switches; a number if coefficients are that many times the noise. */
function look(graph: LineGraph, from: Cut, until: Cut, limit: number, slack: number): Window | number {
  const { order, gates, degrees, lastUse, output } = graph;
  const values: (IntervalValue | undefined)[] = [];
  const patterns = new Map<Applied, Uint8Array>();
  const flats: Flat[] = [];
  let to = until;
  for (let place = 0; place < order.length; place++) {
    const node = order[place];
    const gate = gates[node.id];
    if (!gate) {
      values[node.id] = graph.polynomial(node, values, from.at, to.at, limit);
      continue;
    }
    const applied = node as Applied;
    let input = graph.inputOf(applied, values);
    if (degrees[inputId(applied)] > limit) {
      const ratio = tailRatio(input);
      if (ratio > slack) return ratio;
      input = withTail(input);
    }
    const reading = gate.read(input.values.data, noiseOf(input));
    const half = 0.5 * (to.at - from.at);
    const at = (u: number): number => (u === -1 ? from.at : u === 1 ? to.at : from.at + (u + 1) * half);
    for (const flat of reading.undecided)
      flats.push({ from: at(flat.from), to: at(flat.to), node: applied, entry: flat.column });
    const [cut] = mergeCuts(reading.cuts, { at: -1, radius: from.radius / half }, { at: 1, radius: to.radius / half });
    const hi = cut ? cut.at : 1;
    const pattern = reading.pattern(-1, hi);
    patterns.set(applied, pattern);
    values[node.id] = graph.opened(applied, pattern, input, -1, hi, limit);
    if (!cut) continue;
    for (let id = 0; id < values.length; id++) {
      const value = values[id];
      if (!value || id === node.id) continue;
      if (lastUse[id] <= place) values[id] = undefined;
      else {
        if (degrees[id] > limit) {
          const ratio = tailRatio(value);
          if (ratio > slack) return ratio;
        }
        values[id] = restrict(value, -1, hi);
      }
    }
    to = { at: at(cut.at), radius: cut.radius * half + spacing };
  }
  let result = graph.result(values);
  if (degrees[output.id] > limit) {
    const ratio = tailRatio(result);
    if (ratio > slack) return ratio;
    result = withTail(result);
  }
  return { from: from.at, to: to.at, cut: to === until ? undefined : to, patterns, flats, result };
}

/**
 * The output on a piece that took several windows, by as many nodes as it needs. The piece is long and its degree may be
 * high: few nodes could see a wave as a slower one, so the result must agree with every window.
 */
function frozen(
  graph: LineGraph,
  from: number,
  to: number,
  windows: readonly Window[],
  first: number,
  slack: number,
): IntervalValue {
  const { patterns } = windows[0];
  const formal = graph.degrees[graph.output.id];
  for (let limit = first; ; limit = Math.min(formal, 2 * limit)) {
    const values: (IntervalValue | undefined)[] = [];
    for (const node of graph.order) {
      const pattern = patterns.get(node as Applied);
      values[node.id] = pattern
        ? graph.opened(node as Applied, pattern, graph.inputOf(node as Applied, values), -1, 1, limit)
        : graph.polynomial(node, values, from, to, limit);
    }
    const result = graph.result(values);
    if (limit >= formal) return result;
    if (limit >= most) return withTail(result);
    if (tailRatio(result) > slack) continue;
    const place = (t: number): number => Math.max(-1, Math.min(1, (2 * (t - from)) / (to - from) - 1));
    if (windows.every((w) => agree(restrict(result, place(w.from), place(w.to)), w.result, slack)))
      return withTail(result);
  }
}

/** Whether a window agrees with a shorter one that has the same start and no cut. */
function continues(shorter: Window, window: Window, slack: number): boolean {
  if (differ(shorter.patterns, window.patterns)) return false;
  const [short, long] = window.to < shorter.to ? [window, shorter] : [shorter, window];
  const hi = Math.min(1, (2 * (short.to - long.from)) / (long.to - long.from) - 1);
  return agree(restrict(long.result, -1, hi), short.result, slack);
}

/** Whether what few nodes say is right at more nodes, up to what both leave. */
function agree(coarse: IntervalValue, fine: IntervalValue, slack: number): boolean {
  const noise = noiseOf(withTail(fine));
  const other = noiseOf(withTail(coarse));
  const nodes = Math.max(coarse.values.shape[0], fine.values.shape[0]);
  const a = raise(coarse, nodes - 1).values.data;
  const b = raise(fine, nodes - 1).values.data;
  const columns = noise.length;
  return a.every((v, k) => Math.abs(v - b[k]) <= 8 * slack * (noise[k % columns] + other[k % columns]));
}

/** The degree up to which coefficients count. */
function needed(result: IntervalValue, slack: number): number {
  let degree = result.values.shape[0] - 1;
  while (degree > fewestNodes && tailRatio(result, degree) <= slack) degree--;
  return degree;
}

const differ = (a: Piece["patterns"], b: Piece["patterns"]): boolean =>
  [...a].some(([node, pattern]) => pattern.some((piece, entry) => piece !== b.get(node)?.[entry]));

const inputId = (node: Applied): number => (node.inputs as readonly { readonly id: number }[])[0].id;

/** Two of the spacings of numbers just below 1: how finely a place on the line is stored. */
const spacing = 2 ** -52;
