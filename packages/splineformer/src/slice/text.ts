/** @file What `splineformer slice` prints for people. */
import type { SliceReport } from "./report.ts";

/** So many terms of the polynomial are printed; the page and `--json` have all. */
const printed = 10;

export function sliceText(report: SliceReport): string {
  const {
    model,
    inputs,
    cell,
    piecesPerScanline: [fewest, most],
  } = report;
  const classes = Object.entries(report.classes).map(([name, part]) => `${name}: ${(100 * part).toFixed(1)} %`);
  const on = Object.entries(cell.on).map(([gate, [count, units]]) => `${gate} ${count} of ${units}`);
  const lines = [
    `In the plane through ${inputs[0]} (0, 0), ${inputs[1]} (1, 0) and ${inputs[2]} (0, 1), ${model.name} (${model.parameters} parameters) is a spline of degree at most ${model.degree}.`,
    "",
    `${report.scanlines} scanlines, each exact: ${report.pieces} pieces, ${fewest} to ${most} a line. Rounding error of an output: about ${report.noise.toExponential(0)}.`,
    `${report.cells} cells with ${report.patterns} activation patterns${report.topology === "exact" ? ": all that there are." : ", as the scanlines see them; what lies between two of them is not proven."}`,
    ...(report.flat > 0
      ? [`${report.flat} times a unit stays within rounding of a kink on a part of a scanline.`]
      : []),
    ...(classes.length > 0
      ? [`Largest output, by area: ${classes.join(", ")}. ${report.decisions.length} decision boundaries.`]
      : []),
    "",
    `The cell at a = ${cell.a}, b = ${cell.b}: switched on ${on.join(", ")}. There output ${cell.output} is a polynomial of degree ${cell.degree} with ${cell.terms.length} terms:`,
    `  ${cell.terms.slice(0, printed).map(termText).join(" ")}${cell.terms.length > printed ? " …" : ""}`,
    "",
    ...report.claims.map(
      ({ claim, measured, holds }) =>
        `${holds ? "✓" : "✗"} ${claim}: ${measured === 0 ? "0" : measured.toExponential(1)}`,
    ),
    "",
    `The page is ${report.page}, the picture ${report.picture}`,
  ];
  return `${lines.join("\n")}\n`;
}

function termText({ powers: [i, j], coefficient }: SliceReport["cell"]["terms"][number], at: number): string {
  const power = (name: string, k: number): string => (k === 0 ? "" : k === 1 ? name : `${name}^${k}`);
  const size = Math.abs(coefficient).toPrecision(4);
  const sign = coefficient < 0 ? "−" : at === 0 ? "" : "+ ";
  return `${coefficient < 0 && at > 0 ? "− " : sign}${[size, power("a", i), power("b", j)].filter((part) => part !== "").join(" ")}`;
}
