/** @file What the pictures share: escaped text, short numbers, and colours that can be read in light and dark. */

export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);

/** A coordinate: half a hundredth of a pixel is not seen. */
export const px = (value: number): string => String(Math.round(value * 100) / 100);

/** A number with four digits that count. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e4 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

/** Ten hues for classes; ink and paper for the rest. Each has a contrast of at least 3 with its paper. */
const light = [
  "#0969da",
  "#bc4c00",
  "#1a7f37",
  "#8250df",
  "#bf3989",
  "#9a6700",
  "#0a7b83",
  "#cf222e",
  "#4d7c0f",
  "#6f42c1",
];
const dark = [
  "#4493f8",
  "#f0883e",
  "#3fb950",
  "#ab7df8",
  "#f778ba",
  "#d29922",
  "#39c5cf",
  "#ff7b72",
  "#9198a1",
  "#b392f0",
];

/** The hue of a class, as a CSS value inside a picture. */
export const hue = (index: number): string => `var(--hue-${index % light.length})`;

const variables = (hues: readonly string[], rest: string): string =>
  `${hues.map((color, i) => `--hue-${i}: ${color};`).join(" ")} ${rest}`;

/**
 * A whole picture.
 *
 * @param body - its elements
 */
export function picture(width: number, height: number, title: string, description: string, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${px(width)} ${px(height)}" width="${px(width)}" style="max-width: 100%; height: auto" role="img" aria-label="${escaped(title)}. ${escaped(description)}" font-family="system-ui, sans-serif" font-size="12">
<title>${escaped(title)}</title>
<desc>${escaped(description)}</desc>
<style>
.spline-picture { ${variables(light, "--ink: #1f2328; --dim: #59636e; --line: #d1d9e0; --paper: #ffffff; --more: #0969da; --less: #bc4c00;")} }
@media (prefers-color-scheme: dark) { .spline-picture { ${variables(dark, "--ink: #e6edf3; --dim: #9198a1; --line: #3d444d; --paper: #0d1117; --more: #4493f8; --less: #f0883e;")} } }
.spline-picture text { fill: var(--ink); } .spline-picture .dim { fill: var(--dim); }
</style>
<g class="spline-picture">
<rect width="${px(width)}" height="${px(height)}" fill="var(--paper)"/>
${body}
</g>
</svg>
`;
}

/** A text element. */
export const label = (x: number, y: number, text: string, attributes = ""): string =>
  `<text x="${px(x)}" y="${px(y)}"${attributes && ` ${attributes}`}>${escaped(text)}</text>`;

/** Round numbers between two, about as many as asked for. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low || 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((f) => f * power >= rough) ?? 10) * power;
  const out: number[] = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * span; k++) out.push(k * step);
  return out;
}
