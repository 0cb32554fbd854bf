/** @file What `splineformer path` prints for people. */
import { outputText, type PathReport } from "./report.ts";

/** So many breakpoints are printed; the page and `--json` have all. */
const printed = 12;

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

/** `reading the line ██████░░░░░░ 50 %`. */
export function stepText(text: string, done: number | undefined): string {
  if (done === undefined) return text;
  const width = 24;
  const full = Math.round(done * width);
  return `${text} ${"█".repeat(full)}${"░".repeat(width - full)} ${Math.floor(100 * done)} %`;
}

export function pathText(report: PathReport): string {
  const { model, ends, pieces, degrees, causes, attribution } = report;
  const measured = Object.entries(degrees)
    .map(([degree, count]) => `${count} of degree ${degree}`)
    .join(", ");
  const lines = [
    `On the line from ${ends[0]} to ${ends[1]}, ${model.name} (${model.parameters} parameters) is a spline of degree at most ${model.degree}.`,
    "",
    `${plural(pieces, "piece")}, measured: ${measured}. Rounding error of an output: about ${report.noise.toExponential(0)}.`,
    ...(report.flat > 0 ? [`${plural(report.flat, "unit")} within rounding of a kink on a part of the line.`] : []),
    certificateLine(report),
    "",
    ...classLines(report),
    "t             what switches (counted from 0)",
    ...causes
      .slice(0, printed)
      .flatMap(({ at, units }) => units.map((words, i) => `${(i === 0 ? at.toFixed(10) : "").padEnd(12)}  ${words}`)),
    ...(causes.length > printed
      ? [`              … and at ${causes.length - printed} more places: see the page, or --json`]
      : []),
    "",
    `Output ${outputText(attribution.output)} changes by ${attribution.difference.toPrecision(6)}. Its exact attributions, from ${plural(attribution.gradients, "gradient")}, sum to that up to ${attribution.residual.toExponential(1)} of their size.`,
    ...attributionLines(report),
    "The usual sums:      incomplete by   attributions off by",
    ...attribution.sums.map(
      ({ rule, steps, residual, error }) =>
        `  ${`${steps} steps, ${rule}`.padEnd(20)} ${residual.toExponential(1).padStart(12)} ${error.toExponential(1).padStart(20)}`,
    ),
    "",
    ...report.claims.map(
      ({ claim, measured, holds }) =>
        `${holds ? "✓" : "✗"} ${claim}: ${measured === 0 ? "0" : measured.toExponential(1)}`,
    ),
    "",
    `The page is ${report.page}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** What is proven, and how much is not. */
export function certificateLine({ certificate: { text, counts } }: PathReport): string {
  const open = (kind: "refused" | "undecided"): string[] => {
    const count = counts.pieces[kind] + counts.breakpoints[kind];
    return count > 0 ? [`${count} ${kind}`] : [];
  };
  const rest = [...open("refused"), ...open("undecided")];
  return `Proven: ${text}${rest.length > 0 ? ` The rest: ${rest.join(", ")}.` : ""}`;
}

function classLines({ classes, crossings, undecided }: PathReport): string[] {
  if (classes.length === 0) return [];
  const largest =
    crossings.length === 0
      ? [`The largest output is ${classes[0].class} on the whole line.`]
      : [
          `The largest output changes ${crossings.length === 1 ? "once" : `${crossings.length} times`}:`,
          ...crossings.map(
            ({ at, from, to, radius }) =>
              `  from ${from} to ${to} at t = ${at.toFixed(12)} ± ${radius.toExponential(0)}`,
          ),
        ];
  const doubt = undecided.map(
    ({ from, to, class: c, rivals }) =>
      `  can't be told between t = ${from.toFixed(10)} and ${to.toFixed(10)}: ${[c, ...rivals].join(" or ")}`,
  );
  return [...largest, ...doubt, ""];
}

/** The strongest entries, by input. */
function attributionLines({ attribution }: PathReport): string[] {
  return Object.entries(attribution.values).flatMap(([name, { shape, data }]) => {
    const order = [...data.keys()].sort((a, b) => Math.abs(data[b]) - Math.abs(data[a])).slice(0, 5);
    const shown = order.map((k) => `[${indexOf(k, shape).join(",")}] ${data[k].toPrecision(3)}`);
    return [`Strongest in ${name}: ${shown.join(", ")}`];
  });
}

function indexOf(entry: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let axis = shape.length - 1, rest = entry; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}
