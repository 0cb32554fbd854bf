/**
 * @file The state in the address, so that a figure can be sent to somebody. Only what differs from the start is written:
 * `?mode=weights&knots=5:1974.5,331.2~9:1985,349&keys=7:0.85&beta=4`, and all knots of a reader's own curve, `?curve=0,1~2,3`.
 */
import type { Point } from "./series.ts";
import { betaAt, type FigureState, sharpness } from "./state.ts";

/** The names it uses; others in the address are left alone. */
const names = ["mode", "curve", "knots", "keys", "beta"] as const;

/**
 * The query of a state.
 *
 * @param query - the present one
 * @param start - the state that needs no words; undefined for a reader's own curve
 */
export function toQuery(query: string, state: FigureState, start: FigureState | undefined): string {
  const parameters = new URLSearchParams(query);
  for (const name of names) parameters.delete(name);
  const set = (name: (typeof names)[number], value: string): void => {
    if (value !== "") parameters.set(name, value);
  };
  const { mode, knots, shifts, beta } = state;
  if (mode !== "knots") set("mode", mode);
  if (start === undefined) set("curve", knots.map(pair).join("~"));
  else set("knots", knots.flatMap((knot, i) => (same(knot, start.knots[i]) ? [] : `${i}:${pair(knot)}`)).join("~"));
  set(
    "keys",
    [...shifts]
      .sort(([a], [b]) => a - b)
      .map(([head, shift]) => `${head}:${shift}`)
      .join("~"),
  );
  if (start === undefined || beta !== start.beta) set("beta", String(beta));
  // commas, colons and tildes need no escapes in a query, and people read it
  const text = parameters.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%7E", "~");
  return text === "" ? "" : `?${text}`;
}

/**
 * The state that a query says.
 *
 * @param start - what it says nothing about
 * @returns the state, and whether its curve is the reader's own
 * @throws RangeError naming what cannot be read
 */
export function fromQuery(query: string, start: FigureState): { readonly state: FigureState; readonly isOwn: boolean } {
  const parameters = new URLSearchParams(query);
  const read = (name: (typeof names)[number]): string[] => (parameters.get(name) ?? "").split("~").filter(Boolean);
  const mode = parameters.get("mode") ?? start.mode;
  if (mode !== "knots" && mode !== "weights") throw refusal("mode", '"knots" or "weights"', mode);
  const curve = read("curve").map((text) => pairOf("curve", text));
  const isOwn = curve.length > 0;
  const knots = isOwn ? curve : [...start.knots];
  for (const text of read("knots")) {
    const [index, place] = indexed("knots", text, knots.length);
    knots[index] = pairOf("knots", place);
  }
  if (knots.length < 2) throw refusal("curve", "at least 2 knots", String(knots.length));
  if (knots.length > 64) throw refusal("curve", "at most 64 knots", String(knots.length));
  for (let i = 1; i < knots.length; i++)
    if (!(knots[i][0] > knots[i - 1][0])) throw refusal(isOwn ? "curve" : "knots", "x to increase", pair(knots[i]));
  const shifts = new Map<number, number>();
  for (const text of read("keys")) {
    const [head, shift] = indexed("keys", text, knots.length - 1);
    shifts.set(head, numberOf("keys", shift));
  }
  const beta = parameters.has("beta") ? numberOf("beta", parameters.get("beta") ?? "") : start.beta;
  const [least, most] = [betaAt(sharpness.least), betaAt(sharpness.most)];
  if (!(beta >= least && beta <= most)) throw refusal("beta", `a number from ${least} to ${most}`, String(beta));
  return { state: { mode, knots, shifts, beta }, isOwn };
}

const pair = ([x, y]: Point): string => `${x},${y}`;
const same = (a: Point, b: Point): boolean => a[0] === b[0] && a[1] === b[1];

function pairOf(name: string, text: string): Point {
  const parts = text.split(",");
  if (parts.length !== 2) throw refusal(name, "x,y", text);
  return [numberOf(name, parts[0]), numberOf(name, parts[1])];
}

function indexed(name: string, text: string, count: number): [index: number, rest: string] {
  const [index, rest = ""] = text.split(":");
  const i = Number(index);
  if (index === "" || !Number.isInteger(i) || i < 0 || i >= count)
    throw refusal(name, `a number from 0 to ${count - 1} before the colon`, text);
  return [i, rest];
}

function numberOf(name: string, text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw refusal(name, "a number", text);
  return value;
}

const refusal = (name: string, expected: string, got: string): RangeError =>
  new RangeError(`the address: expected ${expected} in ${name}, got ${got === "" ? "nothing" : got}`);
