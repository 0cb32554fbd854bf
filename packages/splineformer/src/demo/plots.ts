/**
 * @file The demo's drawings: SVG by Observable Plot, on a document that needs no browser. Colours are CSS variables of the page,
 * so one drawing serves light and dark.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { number } from "./format.ts";
import type { Picture, Sampled } from "./picture.ts";

/** Two sizes of every drawing, since text does not shrink with a screen. */
export interface Size {
  readonly width: number;
  readonly height: number;
  readonly isNarrow: boolean;
}

/** How many colours pieces take in turn: `--piece-0`, `--piece-1`, …. */
const pieceColours = 3;
const pieceColour = (head: number): string => `var(--piece-${head % pieceColours})`;

/** Data, the curve with its pieces coloured, breakpoints, smoothed curves. */
export function curvePlot(picture: Picture, size: Size): string {
  return draw(size, { x: axisOfX(picture, size), y: axisOfY(picture), marks: curveMarks(picture, size, everywhere) });
}

/** The same in the middle, five pieces wide. */
export function closeUpPlot(picture: Picture, size: Size): string {
  const { pieces } = picture;
  const middle = Math.max(1, (pieces.length - 5) >> 1);
  const [first, last] = [pieces[middle], pieces[Math.min(middle + 4, pieces.length - 2)]];
  const window: Window = { from: first.x[0], to: last.x[last.x.length - 1] };
  return draw(size, {
    x: { ...axisOfX(picture, size), domain: [window.from, window.to] },
    y: axisOfY(picture),
    marks: curveMarks(picture, size, window),
  });
}

/** What the attention heads add: a bend over every chord. */
export function bendsPlot(picture: Picture, size: Size): string {
  const { bends, report } = picture;
  const title = (head: number) => () => `head ${head + 1}`;
  return draw(size, {
    x: axisOfX(picture, size),
    y: { ...axisOfY(picture), label: `above the chord, ${report.data.label}` },
    marks: [
      ...bends.map((bend, i) =>
        Plot.areaY(points(bend), { ...xy, fill: pieceColour(i), fillOpacity: 0.25, title: title(i) }),
      ),
      Plot.ruleY([0], { stroke: "var(--tail)" }),
      ...bends.map((bend, i) => Plot.line(points(bend), { ...xy, stroke: pieceColour(i), strokeWidth: 2 })),
    ],
  });
}

/** The distance of the smoothed curves from the spline, and its bound, on a logarithmic scale. */
export function smoothingPlot(picture: Picture, size: Size): string {
  const { smoothed, report } = picture;
  const largest = Math.max(...smoothed.map(({ summary }) => summary.bound)) * 1.5;
  // a spline that is a line is smooth already
  const least = Math.max(Math.min(...smoothed.map(({ summary }) => summary.largest)) / 10, largest / 1e9);
  const domain = [10 ** Math.floor(Math.log10(least)), largest];
  const decades = Array.from({ length: 20 }, (_, k) => domain[0] * 10 ** k).filter((value) => value <= largest);
  const shown = (curve: Sampled): Point[] =>
    points(curve).map(({ x, y }) => ({ x, y: y >= domain[0] ? y : Number.NaN }));
  return draw(size, {
    x: axisOfX(picture, size),
    y: {
      type: "log",
      grid: true,
      domain,
      label: `distance from the spline, ${report.data.label}`,
      ticks: decades,
      tickFormat: number,
    },
    marks: smoothed.flatMap(({ x, distance, bound }, i) => [
      Plot.line(points({ x, values: bound }), {
        ...xy,
        stroke: `var(--smooth-${i})`,
        strokeWidth: 1.5,
        strokeDasharray: "1 4",
        strokeLinecap: "round",
      }),
      Plot.line(shown({ x, values: distance }), { ...xy, stroke: `var(--smooth-${i})`, strokeWidth: 1.5 }),
    ]),
  });
}

interface Point {
  readonly x: number;
  readonly y: number;
}
const xy = { x: "x", y: "y" } as const;
const points = ({ x, values }: Sampled): Point[] => Array.from(x, (value, i) => ({ x: value, y: values[i] }));

interface Window {
  readonly from: number;
  readonly to: number;
}
const everywhere: Window = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

function curveMarks(picture: Picture, { isNarrow }: Size, { from, to }: Window): Plot.Markish[] {
  const { report, series, pieces, smoothed } = picture;
  const isInside = ({ x }: Point): boolean => x >= from && x <= to;
  const inside = (curve: Sampled): Point[] => points(curve).filter(isInside);
  const isWhole = from === Number.NEGATIVE_INFINITY;
  return [
    Plot.dot(inside({ x: series.x, values: series.y }), {
      ...xy,
      r: isWhole ? (isNarrow ? 1.2 : 1.8) : 2.4,
      fill: "var(--data)",
    }),
    ...smoothed.map(({ x, values }, i) =>
      Plot.line(inside({ x, values }), {
        ...xy,
        stroke: `var(--smooth-${i})`,
        strokeWidth: 1.5,
        strokeDasharray: "5 3",
      }),
    ),
    ...pieces.map((piece, i) =>
      Plot.line(inside(piece), {
        ...xy,
        stroke: piece.isTail ? "var(--tail)" : pieceColour(i - 1),
        strokeWidth: isNarrow ? 2 : 2.5,
        strokeLinecap: "butt",
      }),
    ),
    Plot.dot(
      report.breakpoints
        .map(({ knot, found }) => ({ x: found, y: report.spline.values[knot - 1], knot }))
        .filter(isInside),
      {
        ...xy,
        r: isNarrow ? 2.6 : 3.6,
        fill: "var(--card)",
        stroke: "var(--ink)",
        strokeWidth: 1.4,
        title: ({ knot, x }) => `knot ${knot}, found at ${number(x)}`,
      },
    ),
  ];
}

function axisOfX({ report }: Picture, { isNarrow }: Size): Plot.ScaleOptions {
  const { unit, x } = report.data;
  return {
    label: unit === "year" ? "year" : x,
    labelAnchor: "center",
    labelArrow: "none",
    ticks: isNarrow ? 4 : 8,
    ...(unit === "year" && { tickFormat: "d" }),
  };
}

const axisOfY = ({ report }: Picture): Plot.ScaleOptions => ({
  grid: true,
  nice: true,
  label: report.data.label,
  ticks: 6,
});

function draw({ width, height, isNarrow }: Size, options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = Plot.plot({
    document,
    width,
    height,
    className: "plot",
    marginLeft: isNarrow ? 44 : 52,
    marginRight: 12,
    marginTop: 24,
    marginBottom: 38,
    ...options,
  });
  // a tenth of a pixel is plenty
  return svg.outerHTML.replace(/ (d|c[xy]|[xy][12]|transform)="[^"]*"/g, (attribute) =>
    attribute.replace(/\d+\.\d{2,}/g, (digits) => String(Number(Number(digits).toFixed(1)))),
  );
}
