/** @file The demo's page: one HTML file that loads nothing, readable in light and dark, on a phone and on paper. */

import { fact, failedClaims, framed, safe } from "../page-frame.ts";
import { count, degreesInWords, number, ofX, powerOfTen, smoothnessInWords, smoothnessOf } from "./format.ts";
import type { Picture } from "./picture.ts";
import { bendsPlot, closeUpPlot, curvePlot, type Size, smoothingPlot } from "./plots.ts";

/** The page as HTML. */
export function page(picture: Picture): string {
  const { report } = picture;
  const { credit } = picture.series;
  const { network, spline, runs, breakpoints, smoothing, data } = report;
  const farthest = Math.max(...breakpoints.map(({ difference }) => difference));
  return framed(
    `${data.title} as a transformer`,
    `<header>
<h1>A curve that is a transformer</h1>
<p class="lead">${safe(data.title)}, ${data.rows} rows, drawn through ${spline.knots.length} of them by a natural cubic spline.
The spline was compiled into one block of a transformer with ReLU attention, and every knot was read back from the saved weights alone.</p>
</header>
${failedClaims(report.claims)}
<dl class="facts">
${fact(count(network.heads, "head"), `of width ${network.headWidth}, ${count(network.hidden, "hidden unit")}, ${network.parameters} numbers in all`)}
${fact(powerOfTen(runs[0].relative), `largest relative distance from the spline at ${runs[0].points} points, in float64`)}
${fact(`${breakpoints.length} of ${spline.knots.length}`, `knots found in the weights, ${farthest === 0 ? "each at the very number it was" : `off by at most ${powerOfTen(farthest)}${data.unit === "year" ? " years" : ""}`}`)}
${fact(smoothnessInWords(breakpoints.map(({ smoothness }) => smoothness)), `where pieces meet, as measured; degree ${degreesInWords(report.degrees)}`)}
</dl>

<figure>
<h2>The curve, as the weights have it</h2>
${both((size) => curvePlot(picture, size), 440, 340)}
<h3>Close up</h3>
${both((size) => closeUpPlot(picture, size), 320, 300)}
<figcaption>
<ul class="legend">
<li><span class="dots"></span>data: ${safe(data.label)}</li>
<li><span class="stripes"></span>pieces between knots, one for each head</li>
<li><span class="line tail"></span>straight tails</li>
<li><span class="knot"></span>breakpoints read from the weights</li>
${smoothing.map(({ beta }, i) => `<li><span class="line dashed" style="--c: var(--smooth-${i})"></span>smoothed, β = ${number(beta)}</li>`).join("\n")}
</ul>
</figcaption>
</figure>

<figure>
<h2>What attention adds</h2>
${both((size) => bendsPlot(picture, size), 260, 240)}
<figcaption><p>Without its attention the network is the broken line through the knots. Each attention head adds one bend over one chord:
its score, a multiple of (x − x<sub>i</sub>)(x<sub>i+1</sub> − x), is positive between two neighbouring knots and nowhere else, so ReLU keeps it there alone,
and its value, an affine function of x, makes it a cubic. Shown is the network less the same network with its attention switched off.</p></figcaption>
</figure>

<figure>
<h2>What smoothing costs</h2>
${both((size) => smoothingPlot(picture, size), 320, 300)}
<figcaption><p>Softplus in place of ReLU, <span class="formula">log(1 + e<sup>βz</sup>)/β</span>, makes the network infinitely smooth with the same weights.
Solid: its distance from the spline. Dotted: the proven bound, <span class="formula">(log 2/β)(Σ<sub>heads</sub> |v<sub>h</sub>(x)| + Σ<sub>hidden</sub> |c<sub>j</sub>|)</span>.</p>
<div class="scroll"><table>
<thead><tr><th>β</th><th>largest distance</th><th>bound</th></tr></thead>
<tbody>${smoothing.map(({ beta, largest, bound }, i) => `<tr><td><span class="line" style="--c: var(--smooth-${i})"></span> ${number(beta)}</td><td>${number(largest)}</td><td>${number(bound)}</td></tr>`).join("\n")}</tbody>
</table></div></figcaption>
</figure>

<section>
<h2>Every knot, read back</h2>
<div class="scroll"><table>
<thead><tr><th>knot</th><th>${safe(data.unit === "year" ? "year" : data.x)}</th><th>found in the weights</th><th>off by</th><th>heads that switch</th><th>hidden units</th><th>degrees</th><th>smooth</th></tr></thead>
<tbody>
${breakpoints
  .map(
    ({ knot, expected, found, difference, heads, units, degrees, smoothness }) =>
      `<tr><td>${knot}</td><td>${ofX(expected, report)}</td><td>${ofX(found, report)}</td><td>${powerOfTen(difference)}</td><td>${heads.join(", ")}</td><td>${units.join(", ")}</td><td>${degrees.join(" | ")}</td><td>${smoothnessOf(smoothness)}</td></tr>`,
  )
  .join("\n")}
</tbody>
</table></div>
</section>

<footer>
<p>Data: ${credit === undefined ? `${safe(data.file)}, columns ${safe(data.x)} and ${safe(data.y)}` : `${link(credit.source, credit.sourceLink)}; ${link(credit.licence, credit.licenceLink)}`}.</p>
<p>Transformers as splines: Lai, Lim, Liu, <a href="https://arxiv.org/abs/2408.09624">Attention is a smoothed cubic spline</a>. Drawn by splineformer.</p>
</footer>`,
  );
}

/** A drawing for screens and one for phones; the style shows one of them. */
function both(draw: (size: Size) => string, height: number, narrowHeight: number): string {
  return `<div class="wide">${draw({ width: 880, height, isNarrow: false })}</div>
<div class="narrow">${draw({ width: 360, height: narrowHeight, isNarrow: true })}</div>`;
}

const link = (text: string, address: string): string => `<a href="${safe(address)}">${safe(text)}</a>`;
