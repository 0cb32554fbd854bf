/**
 * @file An explanation as a picture: a bar for each key's weight, and how near it is to switching. A string of SVG with a title
 * and a description, readable in light and dark; it needs no script and no font of its own.
 */
import { showWeighing } from "@splineformer/tensor";
import type { Explanation } from "./explain.ts";
import { short, switching } from "./explanation-text.ts";

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);

const row = 24;
const top = 60;
const bars = { from: 150, to: 430 };

/**
 * Bars from 0, to the left for negative weights; keys that are off have none.
 *
 * @example
 * ```ts
 * import { explainAttention, explanationSvg } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const [query, key, value] = [tensor([[2]]), tensor([[3], [-1]]), tensor([[5], [7]])];
 * const svg = explanationSvg(explainAttention(query, key, value, { activation: "relu", of: { query: 0 } }));
 * svg.includes("relu attention of query 0, head 0</title>"); // true
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
  const height = top + keys.length * row + 16;
  const lines = keys.map((key, i) => {
    const y = top + i * row;
    const [from, to] = [Math.min(x(0), x(key.weight)), Math.max(x(0), x(key.weight))];
    const bar = key.active
      ? `<rect class="${key.weight < 0 ? "negative" : "positive"}" x="${from.toFixed(1)}" y="${y - 9}" width="${Math.max(to - from, 1).toFixed(1)}" height="14" rx="2"/>`
      : "";
    const label = (at: number, anchor: string, text: string, dim = false): string =>
      `<text x="${at}" y="${y + 3}" text-anchor="${anchor}"${dim ? ' class="dim"' : ""}>${escaped(text)}</text>`;
    return [
      label(40, "end", String(key.key), !key.active),
      label(130, "end", short(key.score), !key.active),
      bar,
      label(510, "end", key.active ? short(key.weight) : "off", !key.active),
      label(600, "end", switching(key), !key.active),
    ].join("");
  });
  const heading = (at: number, anchor: string, text: string): string =>
    `<text class="dim" x="${at}" y="38" text-anchor="${anchor}">${text}</text>`;
  const id = `explanation-${query}-${head}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 ${height}" role="img" aria-labelledby="${id}-title ${id}-description" font-family="system-ui, sans-serif" font-size="12">
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
${heading(40, "end", "key")}${heading(130, "end", "score")}${heading(bars.from, "start", "weight")}${heading(600, "end", "to switch")}
<line x1="${x(0).toFixed(1)}" y1="46" x2="${x(0).toFixed(1)}" y2="${height - 14}"/>
${lines.join("\n")}
</g>
</svg>
`;
}
