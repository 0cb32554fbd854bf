/**
 * @file Pictures over a path: the outputs as curves over t with every breakpoint below, and the strip of classes. Strings of
 * SVG, readable in light and dark, without scripts. Letters: t ∈ [0, 1] the place on the line.
 */
import { checkOptions } from "@splineformer/tensor";
import { type ClassInterval, classMap, crossings } from "../answers/crossings.ts";
import { explainKnots, type NamingOptions } from "../answers/explain-knots.ts";
import { checkPath, columnsOfRow, type EntryIndex, outputShape } from "../output-rows.ts";
import type { Path } from "../path.ts";
import { escaped, hue, label, picture, px, short, ticks } from "./svg.ts";

export interface PathSvgOptions extends NamingOptions {
  /** Which row of the output is drawn, where it has several. Default: the only row. */
  readonly row?: EntryIndex;
  /** What to call output c. Default: its number. */
  readonly outputName?: (output: number) => string;
  /** Default: what is drawn. */
  readonly title?: string;
}

const left = 132;
const right = 806;
const width = 860;
const x = (t: number): number => left + t * (right - left);

/**
 * The outputs of a row over the line, with a mark for every unit that switches, one line for each layer and kind of unit:
 * above the line it switches on, below off. Places where the largest output changes are dashed. Each mark says in words
 * what it is when it is pointed at.
 *
 * @param path - from `restrictToLine`
 * @throws RangeError if the output has several rows and none is chosen
 * @example
 * ```ts
 * import { pathSvg, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1, 1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * const svg = pathSvg(restrictToLine(hinge, tensor([[-1]]), tensor([[3]])));
 * svg.includes("hidden unit 0 switches on"); // true
 * ```
 */
export function pathSvg(path: Path, options: PathSvgOptions = {}): string {
  const where = "pathSvg";
  checkPath(where, path);
  checkOptions(where, options, ["row", "outputName", "title", "tokenName"]);
  const { row, outputName = String, tokenName } = options;
  const columns = columnsOfRow(where, outputShape(path), row);
  const rows = row === undefined ? {} : { row };
  const changes = columns.length > 1 ? crossings(path, rows).crossings : [];
  const leaders = columns.length > 1 ? [...new Set(classMap(path, rows).map((part) => part.class))] : [0];
  const knots = explainKnots(path, tokenName ? { tokenName } : {});
  const groups = [...new Set(knots.flatMap(({ causes }) => causes.map(({ group }) => group)))].sort();

  const places = sampled(path);
  const values = places.map((t) => path.evaluate(t).data);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const data of values)
    for (const c of columns) {
      low = Math.min(low, data[c]);
      high = Math.max(high, data[c]);
    }
  const [top, bottom] = [44, 324];
  const y = (v: number): number => bottom - ((v - low) / (high - low || 1)) * (bottom - top);
  const curve = (c: number): string =>
    places.map((t, i) => `${i === 0 ? "M" : "L"}${px(x(t))} ${px(y(values[i][columns[c]]))}`).join("");
  // those that lead somewhere last, so that they lie on top
  const order = [...columns.keys()].sort((a, b) => Number(leaders.includes(a)) - Number(leaders.includes(b)));
  const end = values[values.length - 1];
  const curves = order.map((c) =>
    leaders.includes(c)
      ? `<path d="${curve(c)}" fill="none" stroke="${hue(c)}" stroke-width="2.2"><title>output ${escaped(outputName(c))}</title></path>${label(right + 8, y(end[columns[c]]) + 4, outputName(c), `style="fill: ${hue(c)}" font-weight="600"`)}`
      : `<path d="${curve(c)}" fill="none" stroke="var(--dim)" stroke-opacity="0.55"><title>output ${escaped(outputName(c))}</title></path>`,
  );
  const axis = ticks(low, high, 5).map(
    (v) =>
      `<line x1="${left}" x2="${right}" y1="${px(y(v))}" y2="${px(y(v))}" stroke="var(--line)"/>${label(left - 8, y(v) + 4, short(v), 'class="dim" text-anchor="end"')}`,
  );
  const laneTop = bottom + 40;
  const lane = 26;
  const lanes = groups.map((group, g) => {
    const middle = laneTop + g * lane;
    const marks = knots.flatMap(({ at, causes }) =>
      causes.flatMap(({ group: own, words, cause }) => {
        if (own !== group) return [];
        const up = cause.after > cause.before;
        return `<path d="M${px(x(at))} ${px(middle)}v${up ? -9 : 9}" stroke="var(--${up ? "more" : "less"})"><title>t = ${at.toFixed(6)}: ${escaped(words)}</title></path>`;
      }),
    );
    return `${label(left - 8, middle + 4, group, 'class="dim" text-anchor="end"')}<line x1="${left}" x2="${right}" y1="${px(middle)}" y2="${px(middle)}" stroke="var(--line)"/>${marks.join("")}`;
  });
  const height = laneTop + groups.length * lane + 14;
  const crossed = changes.map(
    ({ at, from, to }) =>
      `<line x1="${px(x(at))}" x2="${px(x(at))}" y1="${top - 6}" y2="${px(height - 24)}" stroke="var(--ink)" stroke-dasharray="4 3"/>${label(x(at) + 5, top - 8, `${outputName(from)} → ${outputName(to)} at t = ${at.toFixed(4)}`)}`,
  );
  const places01 = ticks(0, 1, 5).map((t) =>
    label(x(t), bottom + 18, `t = ${short(t)}`, 'class="dim" text-anchor="middle"'),
  );
  const units = knots.reduce((sum, { causes }) => sum + causes.length, 0);
  const title = options.title ?? `${columns.length === 1 ? "The output" : `${columns.length} outputs`} on the line`;
  const described = `${path.pieces.length} pieces, ${units} switches, ${changes.length} change${changes.length === 1 ? "" : "s"} of the largest output.`;
  return picture(
    width,
    height,
    title,
    described,
    [
      label(16, 20, title, 'font-weight="600" font-size="13"'),
      ...axis,
      ...places01,
      ...curves,
      ...lanes,
      ...crossed,
    ].join("\n"),
  );
}

/** Enough places that no bend is cut off by more than a pixel: the ends of pieces, and a grid. */
function sampled(path: Path): number[] {
  const grid = Array.from({ length: 338 }, (_, k) => Math.min(path.end, k / 337));
  return [...new Set([...grid, ...path.breakpoints])].filter((t) => t <= path.end).sort((a, b) => a - b);
}

export interface ClassMapSvgOptions {
  /** What to call a class. Default: its number. */
  readonly outputName?: (output: number) => string;
  readonly title?: string;
}

/**
 * A class map as a strip: which output is the largest where. What is undecided is hatched.
 *
 * @param map - from `classMap`
 * @example
 * ```ts
 * import { classMapSvg } from "@splineformer/analysis";
 * const map = [{ from: 0, to: 0.5, class: 3, rivals: [] }, { from: 0.5, to: 1, class: 8, rivals: [] }];
 * classMapSvg(map).includes("8 from t = 0.5000 to 1.0000"); // true
 * ```
 */
export function classMapSvg(map: readonly ClassInterval[], options: ClassMapSvgOptions = {}): string {
  checkOptions("classMapSvg", options, ["outputName", "title"]);
  const { outputName = String, title = "The largest output along the line" } = options;
  const [top, height] = [34, 44];
  const parts = map.map(({ from, to, class: c, rivals }) => {
    const words = `${outputName(c)}${rivals.length > 0 ? ` or ${rivals.map(outputName).join(", ")}` : ""} from t = ${from.toFixed(4)} to ${to.toFixed(4)}`;
    // what is very short must still be seen
    const length = Math.max(x(to) - x(from), 1);
    const box = `x="${px(x(from))}" y="${top}" width="${px(length)}" height="${height}"`;
    const doubt = rivals.length > 0 ? `<rect ${box} fill="url(#doubt)"/>` : "";
    const name =
      length > 12
        ? label(
            0.5 * (x(from) + x(to)),
            top + 27,
            outputName(c),
            'text-anchor="middle" font-weight="600" font-size="15"',
          )
        : "";
    return `<g><title>${escaped(words)}</title><rect ${box} fill="${hue(c)}" fill-opacity="0.3"/><rect x="${px(x(from))}" y="${top + height - 4}" width="${px(length)}" height="4" fill="${hue(c)}"/>${doubt}${name}</g>`;
  });
  const cuts = map
    .slice(1)
    .map(
      ({ from }) =>
        `<line x1="${px(x(from))}" x2="${px(x(from))}" y1="${top}" y2="${top + height + 6}" stroke="var(--ink)"/>`,
    );
  // labels of neighbours that would overlap are left out; each part says its ends when pointed at
  let last = Number.NEGATIVE_INFINITY;
  const names = [0, ...map.slice(1).map(({ from }) => from), map.at(-1)?.to ?? 1].flatMap((t) => {
    if (x(t) - last < 56) return [];
    last = x(t);
    return label(x(t), top + height + 20, `t = ${t.toFixed(4)}`, 'class="dim" text-anchor="middle"');
  });
  const described = `${map.length} part${map.length === 1 ? "" : "s"}: ${map
    .slice(0, 12)
    .map(({ class: c }) => outputName(c))
    .join(", ")}${map.length > 12 ? ", …" : ""}.`;
  const hatch = `<defs><pattern id="doubt" width="6" height="6" patternUnits="userSpaceOnUse"><path d="M0 6L6 0" stroke="var(--ink)"/></pattern></defs>`;
  return picture(
    width,
    top + height + 34,
    title,
    described,
    [hatch, label(16, 20, title, 'font-weight="600" font-size="13"'), ...parts, ...cuts, ...names].join("\n"),
  );
}
