/** @file Numbers as people read them. */
import type { DemoReport } from "./report.ts";

/** "1 head", "23 heads". */
export const count = (n: number, thing: string): string => `${n} ${thing}${n === 1 ? "" : "s"}`;

/** A number with three significant digits: 0.0123, 1.5e-7, 10000. */
export function number(value: number): string {
  if (value === 0 || Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(3))) : powerOfTen(value);
}

/** A small number by its size: 2.3e-13, and 0 where there is no difference at all. */
export const powerOfTen = (value: number): string => (value === 0 ? "0" : value.toExponential(1).replace(".0e", "e"));

/** A place on the x axis: a year to about half a minute, else nine digits. */
export const ofX = (x: number, { data }: Pick<DemoReport, "data">): string =>
  data.unit === "year" ? x.toFixed(6) : String(Number(x.toPrecision(9)));

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** An order of smoothness: C², and C⁻¹ for a jump, C∞ where both sides are one polynomial. */
export function smoothnessOf(order: number): string {
  if (order === Number.POSITIVE_INFINITY) return "C∞";
  return order < 0 ? "C⁻¹" : `C${superscripts[order]}`;
}

/** The degrees of pieces, the tails first and last: "3 between the knots, 1 on the tails". */
export function degreesInWords(degrees: readonly number[]): string {
  const tails = [degrees[0], degrees[degrees.length - 1]];
  return `${distinct(degrees.slice(1, -1))} between the knots, ${distinct(tails)} on the tails`;
}

/** Orders of smoothness: "C²", or "C⁰, C²" where they differ. */
export const smoothnessInWords = (orders: readonly number[]): string => distinct(orders.map(smoothnessOf));

const distinct = (values: readonly (number | string)[]): string => [...new Set(values)].join(", ");
