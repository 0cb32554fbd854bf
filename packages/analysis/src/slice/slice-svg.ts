/**
 * @file Pictures of a slice: classes as surfaces, boundaries of cells as thin lines, decision boundaries as thick ones. As a
 * string of SVG, readable in light and dark, or painted on a canvas.
 */
import { checkOptions, show } from "@splineformer/tensor";
import { escaped, hue, label, picture, px, short } from "../pictures/svg.ts";
import type { Slice, SlicePicture, SliceSvgOptions } from "./cells.ts";
import type { Scanline } from "./scanline.ts";

/** What is needed of a `CanvasRenderingContext2D`. */
export interface Canvas {
  fillStyle: unknown;
  strokeStyle: unknown;
  lineWidth: number;
  fillRect(x: number, y: number, width: number, height: number): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  stroke(): void;
}

/**
 * A slice as SVG: a to the right, b upwards. Every class has its colour; where there are no classes, neighbouring cells have
 * different ones. Thin lines: where units switch, one colour for each layer and kind. Thick lines: where the largest output changes.
 *
 * @param slice - from `slice`
 * @example
 * ```ts
 * import { slice, sliceSvg } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const quarters: Network<"x"> = {
 *   inputs: { x: [1, 2] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * const plane = slice(quarters, { origin: tensor([[-1, -1]]), u: tensor([[2, 0]]), v: tensor([[0, 2]]), rows: 8 });
 * sliceSvg(plane).includes("4 cells"); // true
 * ```
 */
export function sliceSvg(slice: Slice, options: SliceSvgOptions = {}): string {
  const where = "sliceSvg";
  checkSlice(where, slice);
  checkOptions(where, options, ["size", "boundaries", "marks", "outputName", "title"]);
  const { size, boundaries } = checkedPicture(where, options);
  const { marks = [], outputName = String, title = "A network in a plane" } = options;
  const { x, y } = scales(slice, size);
  const body: string[] = [];
  const shown = [...surfaces(slice)].sort(([p], [q]) => p - q);
  for (const [color, bands] of shown) {
    const d = bands
      .map(({ from, to, bottom, top }) => `M${px(x(from))} ${px(y(top))}H${px(x(to))}V${px(y(bottom))}H${px(x(from))}z`)
      .join("");
    body.push(`<path d="${d}" fill="${hue(color)}" fill-opacity="0.4" shape-rendering="crispEdges"/>`);
  }
  const groups = new Map<string, string[]>();
  if (boundaries === "drawn")
    for (const { unit, points } of slice.curves) {
      const { op, scope } = slice.unit(unit);
      const name = `${scope}${scope.endsWith(op === "weigh" ? "attention" : "feedForward") ? "" : ` ${op}`}`.trim();
      const own = groups.get(name) ?? [];
      groups.set(name, own);
      own.push(pathOfPoints(thinned(points, x, y)));
    }
  const names = [...groups.keys()].sort();
  // many are drawn finer than few, so that the surfaces stay visible
  const thin = Math.max(0.5, Math.min(0.9, 20 / Math.sqrt(1 + slice.curves.length)));
  names.forEach((name, i) => {
    body.push(
      `<path d="${(groups.get(name) as string[]).join("")}" fill="none" stroke="${hue(names.length - i + 2)}" stroke-width="${px(thin)}" stroke-opacity="${px(thin)}" stroke-linejoin="round"><title>${escaped(name)}</title></path>`,
    );
  });
  for (const { classes, points } of slice.decisions)
    body.push(
      `<path d="${pathOfPoints(thinned(points, x, y))}" fill="none" stroke="var(--ink)" stroke-width="2.2" stroke-linejoin="round"><title>${escaped(classes.map(outputName).join(" | "))}</title></path>`,
    );
  for (const { a, b, name } of marks) {
    body.push(
      `<circle cx="${px(x(a))}" cy="${px(y(b))}" r="4.5" fill="var(--paper)" stroke="var(--ink)" stroke-width="2"/>`,
    );
    const right = x(a) < margin + size / 2;
    body.push(
      label(
        x(a) + (right ? 9 : -9),
        y(b) + (y(b) < margin + size / 2 ? 16 : -8),
        name,
        `font-weight="600" stroke="var(--paper)" stroke-width="3" paint-order="stroke"${right ? "" : ' text-anchor="end"'}`,
      ),
    );
  }
  const { a, b } = slice.window;
  const bottom = margin + size;
  body.push(
    `<rect x="${margin}" y="${margin}" width="${px(size)}" height="${px(size)}" fill="none" stroke="var(--line)"/>`,
    label(margin, bottom + 16, `a = ${short(a[0])}`, 'class="dim"'),
    label(margin + size, bottom + 16, short(a[1]), 'class="dim" text-anchor="end"'),
    label(
      margin - 6,
      bottom - 2,
      `b = ${short(b[0])}`,
      `class="dim" transform="rotate(-90 ${margin - 6} ${px(bottom - 2)})"`,
    ),
    label(
      margin - 6,
      margin,
      short(b[1]),
      `class="dim" text-anchor="end" transform="rotate(-90 ${margin - 6} ${margin})"`,
    ),
  );
  let at = bottom + 40;
  const legend = (items: readonly (readonly [text: string, mark: (x: number, y: number) => string])[]): void => {
    let left = margin;
    for (const [text, mark] of items) {
      const wide = 34 + 7 * text.length;
      if (left > margin && left + wide > margin + size) {
        left = margin;
        at += 20;
      }
      body.push(mark(left, at), label(left + 24, at, text));
      left += wide + 10;
    }
    if (items.length > 0) at += 20;
  };
  const line =
    (color: string, wide: number) =>
    (left: number, top: number): string =>
      `<path d="M${px(left)} ${px(top - 4)}h18" stroke="${color}" stroke-width="${wide}"/>`;
  if (hasClasses(slice))
    legend([
      ...shown.map(
        ([color]) =>
          [
            outputName(color),
            (left: number, top: number) =>
              `<rect x="${px(left)}" y="${px(top - 10)}" width="18" height="12" fill="${hue(color)}" fill-opacity="0.4"/>`,
          ] as const,
      ),
      ...(slice.decisions.length > 0 ? [["largest output changes", line("var(--ink)", 2.2)] as const] : []),
    ]);
  legend(names.map((name, i) => [name === "" ? "units switch" : name, line(hue(names.length - i + 2), 1.5)] as const));
  const count = slice.cells.length;
  return picture(
    size + 2 * margin,
    at,
    title,
    `${count} ${count === 1 ? "cell" : "cells"} on ${slice.scanlines.length} exact scanlines, ${slice.curves.length} boundary curves, ${slice.decisions.length} decision boundaries`,
    body.join("\n"),
  );
}

/**
 * The same on a canvas of `size` × `size` pixels, from its upper left corner.
 *
 * @param canvas - `element.getContext("2d")`
 * @param colors - of class 0, 1, … with its transparency; where there are more, again from the first
 */
export function paintSlice(canvas: Canvas, slice: Slice, colors: readonly string[], options: SlicePicture = {}): void {
  const where = "paintSlice";
  checkSlice(where, slice);
  checkOptions(where, options, ["size", "boundaries"]);
  if (!Array.isArray(colors) || colors.length === 0)
    throw new RangeError(`${where}: expected colors, got ${show(colors)}`);
  const { size, boundaries } = checkedPicture(where, options);
  const { x, y } = scales(slice, size, 0);
  for (const [color, bands] of surfaces(slice)) {
    canvas.fillStyle = colors[color % colors.length];
    for (const { from, to, bottom, top } of bands)
      canvas.fillRect(x(from), y(top), x(to) - x(from), y(bottom) - y(top));
  }
  const draw = (curves: readonly { readonly points: Float64Array }[], color: string, width: number): void => {
    canvas.strokeStyle = color;
    canvas.lineWidth = width;
    canvas.beginPath();
    for (const { points } of curves) {
      const places = thinned(points, x, y);
      canvas.moveTo(places[0], places[1]);
      for (let k = 2; k < places.length; k += 2) canvas.lineTo(places[k], places[k + 1]);
    }
    canvas.stroke();
  };
  if (boundaries === "drawn") draw(slice.curves, "rgba(110, 110, 120, 0.7)", 0.6);
  draw(slice.decisions, "rgb(40, 40, 44)", 2);
}

const margin = 24;

function checkSlice(where: string, slice: Slice): void {
  if (typeof slice !== "object" || slice === null || !Array.isArray(slice.scanlines))
    throw new RangeError(`${where}: expected a slice, got ${show(slice)}`);
}

function checkedPicture(where: string, { size = 720, boundaries = "drawn" }: SlicePicture) {
  if (!(typeof size === "number" && size >= 1 && size <= 1e5))
    throw new RangeError(`${where}: expected a size of 1 to 100,000 pixels, got ${show(size)}`);
  if (boundaries !== "drawn" && boundaries !== "hidden")
    throw new RangeError(`${where}: expected boundaries "drawn" or "hidden", got ${show(boundaries)}`);
  return { size, boundaries };
}

function scales({ window: { a, b } }: Slice, size: number, offset = margin) {
  return {
    x: (place: number): number => offset + (size * (place - a[0])) / (a[1] - a[0]),
    y: (place: number): number => offset + (size * (b[1] - place)) / (b[1] - b[0]),
  };
}

const hasClasses = ({ scanlines }: Slice): boolean => scanlines.some(({ classes }) => classes.length > 0);

interface Band {
  readonly from: number;
  readonly to: number;
  readonly bottom: number;
  readonly top: number;
}

/** The bands of every colour: its class's, or where there are no classes one that depends on the pattern. */
function surfaces(slice: Slice): Map<number, Band[]> {
  const { scanlines: lines, window } = slice;
  const out = new Map<number, Band[]>();
  const byClass = hasClasses(slice);
  lines.forEach((line, r) => {
    const bottom = r === 0 ? window.b[0] : 0.5 * (lines[r - 1].b + line.b);
    const top = r === lines.length - 1 ? window.b[1] : 0.5 * (lines[r + 1].b + line.b);
    for (const { color, from, to } of byClass ? line.classes.map(ofClass) : ofPatterns(line)) {
      const own = out.get(color);
      if (own) own.push({ from, to, bottom, top });
      else out.set(color, [{ from, to, bottom, top }]);
    }
  });
  return out;
}

const ofClass = ({ class: color, from, to }: Scanline["classes"][number]) => ({ color, from, to });

const ofPatterns = ({ keys, breakpoints }: Scanline) =>
  Array.from(keys, (key, i) => ({ color: key % 10, from: breakpoints[i], to: breakpoints[i + 1] }));

/** A polyline in pixels, without points that a straight line misses by less than can be seen (Douglas and Peucker). */
function thinned(points: Float64Array, x: (a: number) => number, y: (b: number) => number): number[] {
  const count = points.length / 2;
  const places = Float64Array.from(points, (v, k) => (k % 2 === 0 ? x(v) : y(v)));
  const kept = new Uint8Array(count);
  kept[0] = 1;
  kept[count - 1] = 1;
  const parts: [number, number][] = [[0, count - 1]];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [from, to] = part;
    const [x0, y0] = [places[2 * from], places[2 * from + 1]];
    const [dx, dy] = [places[2 * to] - x0, places[2 * to + 1] - y0];
    const length = Math.hypot(dx, dy);
    let far = 0;
    let at = -1;
    for (let k = from + 1; k < to; k++) {
      const [px, py] = [places[2 * k] - x0, places[2 * k + 1] - y0];
      const distance = length < 1e-9 ? Math.hypot(px, py) : Math.abs(px * dy - py * dx) / length;
      if (distance <= far) continue;
      far = distance;
      at = k;
    }
    if (far <= visible) continue;
    kept[at] = 1;
    parts.push([from, at], [at, to]);
  }
  const out: number[] = [];
  for (let k = 0; k < count; k++) if (kept[k]) out.push(places[2 * k], places[2 * k + 1]);
  return out;
}

/** Pixels. */
const visible = 0.15;

const pathOfPoints = (places: readonly number[]): string => {
  if (places.length === 2) return `M${px(places[0])} ${px(places[1])}h0`;
  const out: string[] = [];
  for (let k = 0; k < places.length; k += 2) out.push(`${k === 0 ? "M" : "L"}${px(places[k])} ${px(places[k + 1])}`);
  return out.join("");
};
