/** @file The page of `splineformer path`: one HTML file that loads nothing, readable in light and dark. */
import {
  type AttributionSvgOptions,
  attributionSvg,
  classMapSvg,
  type EntryIndex,
  type NamingOptions,
  type Path,
  pathSvg,
} from "@splineformer/analysis";
import { type Tensor, tensor } from "@splineformer/tensor";
import { fact, failedClaims, framed, safe } from "../page-frame.ts";
import { byName, type Line, patchesOf } from "./line.ts";
import { outputText, type PathReport } from "./report.ts";
import { certificateLine } from "./text.ts";

export interface PathPicture {
  readonly report: PathReport;
  readonly line: Line;
  readonly path: Path;
  readonly naming: NamingOptions;
  readonly rows: { readonly row?: EntryIndex };
}

/** The page as HTML. */
export function pathPage({ report, line, path, naming, rows }: PathPicture): string {
  const { model, ends, attribution, crossings, causes } = report;
  const units = causes.reduce((sum, { units: list }) => sum + list.length, 0);
  return framed(
    "A transformer on a line",
    `<header>
<h1>A transformer on a line</h1>
<p class="lead">From ${safe(ends[0])} to ${safe(ends[1])}, ${safe(model.name)} is exactly the piecewise polynomial that is shown here: every
breakpoint was found, none sampled, and each has its cause.</p>
</header>
${failedClaims(report.claims)}
<dl class="facts">
${fact(String(report.pieces), `pieces of degree at most ${model.degree}, ${units} switches`)}
${fact(String(crossings.length), crossings.length === 1 ? "change of the largest output" : "changes of the largest output")}
${fact(attribution.residual === 0 ? "0" : attribution.residual.toExponential(1), "what exact attributions miss of the change, relative to their size")}
${fact(report.noise.toExponential(0), "rounding error of an output, estimated")}
</dl>

<figure>
<h2>The outputs, and what switches</h2>
<div class="scroll">${pathSvg(path, { ...naming, ...rows, title: "Outputs over the line" })}</div>
<figcaption><p>Each mark is a unit that switches as t grows: above its line it switches on, or starts attending, below it switches off. Point at a mark to read it.</p></figcaption>
</figure>

${
  report.classes.length === 0
    ? ""
    : `<figure>
<h2>The class of every point</h2>
<div class="scroll">${classMapSvg(report.classes)}</div>
<figcaption>${crossings.map(({ at, from, to, radius }) => `<p>${from} → ${to} at t = ${at.toFixed(14)}, certain to ± ${radius.toExponential(0)}.</p>`).join("")}${report.undecided.length > 0 ? `<p>${report.undecided.length} parts can't be told within rounding; they are hatched.</p>` : "<p>In between nothing changes: certified, not sampled.</p>"}</figcaption>
</figure>`
}

<figure>
<h2>What speaks for output ${safe(outputText(attribution.output))}</h2>
<div class="row">${attributionPictures(line, attribution)}</div>
<figcaption>
<p>Integrated gradients from the one input to the other, without an error: the change of the output, ${attribution.difference.toPrecision(6)}, shared among the inputs.
Blue speaks for the output, orange against it. Exactness is a guarantee, not a different picture; the usual sums, to compare:</p>
<div class="scroll"><table>
<thead><tr><th>how</th><th>incomplete by</th><th>attributions off by</th></tr></thead>
<tbody>
<tr><td>exact, ${attribution.gradients} gradients</td><td>${attribution.residual.toExponential(1)}</td><td>rounding</td></tr>
${attribution.sums.map(({ rule, steps, residual, error }) => `<tr><td>${steps} steps, ${rule}</td><td>${residual.toExponential(1)}</td><td>${error.toExponential(1)}</td></tr>`).join("\n")}
</tbody></table></div></figcaption>
</figure>

<section>
<h2>Every breakpoint</h2>
<div class="scroll long"><table>
<thead><tr><th>t</th><th>what switches, counted from 0</th></tr></thead>
<tbody>
${causes.map(({ at, units: list }) => `<tr><td>${at.toFixed(10)}</td><td>${list.map(safe).join("<br>")}</td></tr>`).join("\n")}
</tbody></table></div>
</section>

<section>
<h2>Checked against the model</h2>
<p>${safe(certificateLine(report))} What is certified is proven of the network whose numbers are these and whose operations are exact: on a certified piece nothing switches.</p>
${report.certificate.listed.length > 0 ? `<ul>${report.certificate.listed.map((words) => `<li>${safe(words)}</li>`).join("")}</ul>` : ""}
<ul>${report.claims.map(({ claim, measured, holds }) => `<li>${holds ? "✓" : "✗"} ${safe(claim)}: ${measured === 0 ? "0" : measured.toExponential(1)}</li>`).join("")}</ul>
</section>

<footer>
<p>Transformers as splines: Lai, Lim, Liu, <a href="https://arxiv.org/abs/2408.09624">Attention is a smoothed cubic spline</a>. Integrated gradients: Sundararajan, Taly, Yan, <a href="https://arxiv.org/abs/1703.01365">Axiomatic attribution for deep networks</a>. Drawn by splineformer.</p>
</footer>`,
    `
figure .spline-picture { --paper: var(--card); }
.row { display: flex; flex-wrap: wrap; gap: 1rem; }
.long { max-height: 32rem; overflow: auto; }
.long td:last-child, .long th:last-child { text-align: left; }
`,
  );
}

function attributionPictures(line: Line, { values }: PathReport["attribution"]): string {
  const patches = patchesOf(line.model.config);
  const [starts, stops] = [byName(line.model, line.from), byName(line.model, line.to)];
  return Object.entries(values)
    .flatMap(([name, { shape, data }]) => {
      if (shape.length < 1 || shape.slice(0, -2).some((n) => n !== 1)) return [];
      const width = shape.at(-1) as number;
      const exact = tensor(Float64Array.from(data), shape);
      const draw = (x: Tensor, title: string, more: AttributionSvgOptions = {}): string =>
        attributionSvg(x, { title, size: 205, ...more });
      const own = Object.keys(values).length > 1 ? ` of ${name}` : "";
      const patch = patches ? { height: patches.size, width: patches.size } : { height: 1, width };
      const image = patches ? [draw(starts[name], "From"), draw(stops[name], "To")] : [];
      return [
        ...image,
        draw(exact, patches ? "Each pixel" : `Each entry${own}`),
        draw(exact, patches ? "Each patch" : `Each token${own}`, { patch }),
      ];
    })
    .join("\n");
}
