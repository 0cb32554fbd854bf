/** @file The page of `splineformer slice`: one HTML file that loads nothing, readable in light and dark. */
import type { Slice } from "@splineformer/analysis";
import { fact, failedClaims, framed, safe } from "../page-frame.ts";
import { planeInterpreter, pointerScript } from "./page-script.ts";
import type { ReadPlane } from "./plane.ts";
import { planeProgram } from "./plane-program.ts";
import type { SliceReport } from "./report.ts";

export interface SlicePageParts {
  readonly report: SliceReport;
  readonly read: ReadPlane;
  readonly slice: Slice;
  readonly svg: string;
}

/** The page as HTML. */
export function slicePage({ report, read, slice, svg }: SlicePageParts): string {
  const { model, inputs, cell } = report;
  const program = planeProgram(read, slice.degree);
  const { shape } = slice.cellAt(cell.a, cell.b).evaluate(cell.a, cell.b);
  const { row } = read.options;
  const single = shape.slice(0, -1).every((n) => n === 1);
  const hasRow = row !== undefined || single;
  const width = hasRow ? (shape.at(-1) ?? 1) : 1;
  const first = row === undefined ? 0 : [row].flat().reduce((at, i, axis) => at * shape[axis] + i, 0) * width;
  const found = { program, margin: 24, size: 720, at: [cell.a, cell.b], first, width };
  return framed(
    "A transformer in a plane",
    `<header>
<h1>A transformer in a plane</h1>
<p class="lead">Through ${safe(inputs[0])}, ${safe(inputs[1])} and ${safe(inputs[2])} goes a plane of inputs. On each of its cells
${safe(model.name)} is one polynomial in a and b. All of it was read from the weights, on ${report.scanlines} scanlines, each of them exact.</p>
</header>
${failedClaims(report.claims)}
<dl class="facts">
${fact(String(report.cells), `${report.topology === "exact" ? "cells, all that there are," : `cells met by ${report.scanlines} scanlines,`} with ${report.patterns} activation patterns`)}
${fact(String(report.pieces), `pieces on the scanlines, ${report.piecesPerScanline[0]} to ${report.piecesPerScanline[1]} a line`)}
${fact(String(model.degree), "the highest degree")}
${fact(String(report.decisions.length), report.decisions.length === 1 ? "decision boundary" : "decision boundaries")}
</dl>
<figure id="slice">
${svg}
<figcaption><p>Thin lines: where a unit switches. Thick lines: where the largest output changes. On the scanlines all is exact; between two of them
curves are drawn straight${report.topology === "exact" ? "." : ", how things are connected is the simplest that fits, and a cell that lies between two is not seen."}</p></figcaption>
</figure>
<section>
<h2>The cell under the pointer</h2>
<div id="told" aria-live="polite"><p>${program ? "Computed here, from the weights in this page." : "This model has operations that the page does not compute; <code>slice.cellAt(a, b)</code> does."}</p></div>
</section>
<footer><p>Everything is in this file: it loads nothing.</p></footer>
<script type="application/json" id="found">${JSON.stringify(found).replaceAll("<", "\\u003c")}</script>
<script>${planeInterpreter}${pointerScript}</script>`,
    "#slice svg { touch-action: none; cursor: crosshair; display: block; margin: 0 auto; } #told canvas { width: 100%; max-width: 32rem; image-rendering: pixelated; margin: 0 0 0.75rem; }",
  );
}
