/** @file An explanation as a table in plain text. */
import { showWeighing } from "@splineformer/tensor";
import type { Explanation, KeyExplanation } from "./explain.ts";

/** A number short enough for a table. */
export const short = (x: number): string => (Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(4))));

/** How far a key is from another piece, in words. */
export function switching({ toSwitch }: KeyExplanation): string {
  if (toSwitch === "none") return "smooth";
  return toSwitch === Number.POSITIVE_INFINITY ? "never" : short(toSwitch);
}

/** The weight as a polynomial of the score s. */
export function polynomial({ coefficients }: KeyExplanation): string {
  if (coefficients === "none") return "smooth";
  const terms = coefficients.flatMap((c, k) => (c === 0 ? [] : [{ c, power: ["", "s", "s²", "s³"][k] ?? `s^${k}` }]));
  if (terms.length === 0) return "0";
  const shown = terms.map(({ c, power }) => {
    const size = Math.abs(c);
    return {
      sign: c < 0 ? "−" : "+",
      text: power === "" ? short(size) : `${size === 1 ? "" : `${short(size)} `}${power}`,
    };
  });
  return shown
    .map(({ sign, text }, i) => (i === 0 ? `${sign === "−" ? sign : ""}${text}` : ` ${sign} ${text}`))
    .join("");
}

/**
 * One line a key: score, weight, the polynomial of the score that it is, the distance to the next piece, how much the output moves with the score.
 *
 * @example
 * ```ts
 * import { explainAttention, explanationText } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const [query, key, value] = [tensor([[2]]), tensor([[3], [-1]]), tensor([[5], [7]])];
 * const text = explanationText(explainAttention(query, key, value, { activation: "relu", of: { query: 0 } }));
 * text.split("\n")[0]; // "relu attention of query 0, head 0: 1 of 2 keys active, output 30"
 * ```
 */
export function explanationText({ activation, query, head, keys, hidden, output }: Explanation): string {
  const active = keys.filter((key) => key.active).length;
  const shown = output.length > 8 ? `${output.slice(0, 8).map(short).join(", ")}, …` : output.map(short).join(", ");
  const title = `${showWeighing(activation)} attention of query ${query}, head ${head}: ${active} of ${keys.length} keys active, output ${shown}`;
  const table = [
    ["key", "score s", "weight", "on its piece", "to switch", "|∂output/∂score|"],
    ...keys.map((key) => [
      String(key.key),
      short(key.score),
      key.active ? short(key.weight) : "off",
      polynomial(key),
      switching(key),
      short(Math.hypot(...key.byScore)),
    ]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join("  "));
  const note = hidden > 0 ? [`hidden keys: ${hidden}`] : [];
  return [title, ...lines, ...note].join("\n");
}
