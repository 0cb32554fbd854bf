/**
 * @file An explanation as a picture: a bar for each key's weight, the polynomial that it is, and how near it is to switching. A string of SVG with a title
 * and a description, readable in light and dark; it needs no script and no font of its own.
 */
import { showWeighing } from "@splineformer/tensor";
import type { Explanation } from "./explain.ts";
import { polynomial, short, switching } from "./explanation-text.ts";

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);

const row = 24;
const top = 60;
const bars = { from: 150, to: 390 };
/** Where numbers of weights end, and polynomials of the score start. */
const weights = 470;
const pieces = 490;
/** More than a digit or a sign takes of a line at this size, so that no polynomial meets what follows it. */
const digit = 6.6;

/**
 * Bars from 0, to the left for negative weights; keys that are off have none. Behind them each weight as a polynomial of its
 * score s, where the activation has pieces; how much the output moves with the score; and how far the next piece is.
 *
 * @example
 * ```ts
 * import { explainAttention, explanationSvg } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const [query, key, value] = [tensor([[2]]), tensor([[3], [-1]]), tensor([[5], [7]])];
 * const svg = explanationSvg(explainAttention(query, key, value, { activation: "relu", of: { query: 0 } }));
 * svg.includes("relu attention of query 0, head 0</title>"); // true
 * // the first weight is the score itself, the second is off
 * [...svg.matchAll(/class="piece[^>]*>([^<]*)</g)].map(([, text]) => text); // ["s", "0"]
 * ```
 */
export function explanationSvg({ activation, query, head, keys, hidden }: Explanation): string {
  const title = `${showWeighing(activation)} attention of query ${query}, head ${head}`;
  const active = keys.filter((key) => key.active).length;
  const described = `${active} of ${keys.length} visible keys are active${hidden > 0 ? `, ${hidden} are hidden` : ""}.`;
  const low = Math.min(0, ...keys.map((key) => key.weight));
  const high = Math.max(0, ...keys.map((key) => key.weight));
  const range = high - low || 1;
  const x = (weight: number): number => bars.from + ((weight - low) / range) * (bars.to - bars.from);
  const shown = keys.map((key) => (key.coefficients === "none" ? "" : polynomial(key)));
  const heading = shown.some((text) => text !== "") ? "weight on its piece" : "";
  const longest = Math.max(heading.length, ...shown.map((text) => text.length));
  const slopes = Math.ceil(pieces + digit * longest + 110);
  const width = slopes + 90;
  const height = top + keys.length * row + 16;
  const lines = keys.map((key, i) => {
    const y = top + i * row;
    const [from, to] = [Math.min(x(0), x(key.weight)), Math.max(x(0), x(key.weight))];
    const bar = key.active
      ? `<rect class="${key.weight < 0 ? "negative" : "positive"}" x="${from.toFixed(1)}" y="${y - 9}" width="${Math.max(to - from, 1).toFixed(1)}" height="14" rx="2"/>`
      : "";
    const label = (at: number, anchor: string, text: string, kind = ""): string => {
      const name = [kind, key.active ? "" : "dim"].filter((part) => part !== "").join(" ");
      return `<text x="${at}" y="${y + 3}" text-anchor="${anchor}"${name && ` class="${name}"`}>${escaped(text)}</text>`;
    };
    return [
      label(40, "end", String(key.key)),
      label(130, "end", short(key.score)),
      bar,
      label(weights, "end", key.active ? short(key.weight) : "off"),
      shown[i] && label(pieces, "start", shown[i], "piece"),
      label(slopes, "end", short(Math.hypot(...key.byScore))),
      label(width - 16, "end", switching(key)),
    ].join("");
  });
  const column = (at: number, anchor: string, text: string): string =>
    `<text class="dim" x="${at}" y="38" text-anchor="${anchor}">${text}</text>`;
  const id = `explanation-${query}-${head}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-description" font-family="system-ui, sans-serif" font-size="12">
<title id="${id}-title">${escaped(title)}</title>
<desc id="${id}-description">${escaped(described)}</desc>
<style>
.explanation { --ink: #1f2328; --dim: #59636e; --positive: #0969da; --negative: #bc4c00; }
@media (prefers-color-scheme: dark) { .explanation { --ink: #e6edf3; --dim: #9198a1; --positive: #4493f8; --negative: #f0883e; } }
.explanation text { fill: var(--ink); } .explanation .dim { fill: var(--dim); }
.explanation .positive { fill: var(--positive); } .explanation .negative { fill: var(--negative); }
.explanation line { stroke: var(--dim); }
</style>
<g class="explanation">
<text x="16" y="18" font-weight="600">${escaped(title)}</text>
${column(40, "end", "key")}${column(130, "end", "score s")}${column(bars.from, "start", "weight")}${heading && column(pieces, "start", heading)}${column(slopes, "end", "|∂output/∂score|")}${column(width - 16, "end", "to switch")}
<line x1="${x(0).toFixed(1)}" y1="46" x2="${x(0).toFixed(1)}" y2="${height - 14}"/>
${lines.join("\n")}
</g>
</svg>
`;
}
