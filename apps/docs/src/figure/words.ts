/** @file What the figure says in words: causes, smoothness, numbers. */
import type { Cause } from "@splineformer/analysis";
import type { Breakpoint } from "./network.ts";

/** "head 3 stops", "hidden unit 4 starts": what happens from left to right. */
function causeText(cause: Cause): string {
  const name = cause.op === "weigh" ? `head ${cause.head}` : `hidden unit ${cause.unit}`;
  return `${name} ${cause.after > cause.before ? "starts" : "stops"}`;
}

export const causesText = (causes: readonly Cause[]): string =>
  causes.length === 0 ? "nothing" : causes.map(causeText).join(", ");

const superscripts = ["⁰", "¹", "²", "³"];

/** C², C⁰ and so on; where two changes cancel there is one polynomial on both sides. */
export function smoothnessText(order: number): string {
  if (order < 0) return "a jump";
  if (order >= superscripts.length) return "one polynomial on both sides";
  return `C${superscripts[order]}`;
}

export const breakpointText = (b: Breakpoint, x: string): string =>
  `At ${x}: ${causesText(b.causes)}; ${smoothnessText(b.smoothness)}.`;

/** "1 piece", "2 pieces". */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`;

/** Two digits, and a power of ten where the number is far from 1. */
export function small(value: number): string {
  if (value === 0) return "0";
  const [digits, exponent] = value.toExponential(1).split("e");
  if (Number(exponent) >= -2 && Number(exponent) < 4) return String(Number(value.toPrecision(2)));
  return `${digits}·10${superscript(Number(exponent))}`;
}

const superscript = (n: number): string =>
  [...String(n)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("");

/** x and y as a reader of the plot reads them: a thousandth of the range. */
export function plain(value: number, range: number): string {
  return value.toFixed(Math.max(0, Math.min(12, 3 - Math.floor(Math.log10(range)))));
}

/** Degrees in order, repeats counted: "1, 23 × 3, 1". */
export function degreesText(degrees: readonly number[]): string {
  const runs: [degree: number, count: number][] = [];
  for (const degree of degrees) {
    const last = runs.at(-1);
    if (last?.[0] === degree) last[1]++;
    else runs.push([degree, 1]);
  }
  return runs.map(([degree, count]) => (count > 1 ? `${count} × ${degree}` : String(degree))).join(", ");
}
