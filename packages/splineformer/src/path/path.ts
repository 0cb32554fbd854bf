/**
 * @file `splineformer path`: a saved model on the line between two inputs, read exactly: pieces, causes, crossings and
 * attributions, checked against the model itself, and one page with pictures.
 */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  type Certificate,
  certificateText,
  certifyInSteps,
  classMap,
  crossings,
  explainKnots,
  integratedGradientsInSteps,
  type NamingOptions,
  type Path,
  patchNames,
  restrictToLine,
  sumGradients,
} from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import { forward, type Given, required, type Tensor, tensor } from "@splineformer/tensor";
import { writeTogether } from "../staging.ts";
import { byName, type Line, type LineArguments, lineOf, patchesOf } from "./line.ts";
import { pathPage } from "./page.ts";
import type { PathReport } from "./report.ts";

export interface PathOptions extends LineArguments {
  /** The folder to write into. */
  readonly out: string;
  /** Which number of the output is explained, in its row. Default: the largest at the end of the line. */
  readonly output?: number;
  /** Which row of the output holds the classes. Default: the only row. */
  readonly row?: readonly number[];
  /** Stops between two steps and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined;
  /** Called with what is being done, and which part of that is done. */
  readonly onStep?: (step: string, done?: number) => void;
}

/** How long a part of the work may take before signals and the display have their turn. */
const turnMs = 150;

/**
 * Reads the line and writes `path.html`.
 *
 * @throws RangeError, ShapeError or UnsupportedError if the model or the inputs cannot be used; nothing is written then
 */
export async function readPath(options: PathOptions): Promise<PathReport> {
  const { out, signal, onStep } = options;
  required(out !== "", "path", "a folder to write into", out);
  const step = (text: string, done?: number): Promise<void> => {
    onStep?.(text, done);
    return setImmediate(undefined, { signal });
  };
  await step("reading the model");
  const line = await lineOf(options);
  // a folder that can't be written into is refused before the work
  return writeTogether("path", out, async (staging) => {
    const path = await wholePath(line, step);
    const naming = namingOf(line);
    const shape = path.pieces[0].values.shape.slice(1);
    const rows = options.row === undefined ? {} : { row: options.row };
    const hasClasses = (shape.at(-1) ?? 1) > 1;

    const certificate = await certified(path, step);
    await step("looking for crossings");
    const classes = hasClasses ? classMap(path, rows) : [];
    const found = hasClasses ? crossings(path, rows) : { crossings: [], undecided: [] };
    const output = [
      ...(options.row ?? shape.slice(0, -1).map(() => 0)),
      options.output ?? classes.at(-1)?.class ?? 0,
    ].slice(-shape.length);

    const attribution = await attributed(line, path, output, step);
    await step("checking against the model");
    const claims = claimsOf(line, path, found.crossings, options.row, attribution, certificate);
    const degrees: Record<string, number> = {};
    for (const piece of path.pieces) degrees[piece.degree] = (degrees[piece.degree] ?? 0) + 1;
    const report: PathReport = {
      model: { name: line.name, parameters: line.parameters, degree: path.degree },
      ends: line.labels,
      page: join(resolve(out), "path.html"),
      pieces: path.pieces.length,
      breakpoints: [...path.breakpoints],
      causes: explainKnots(path, naming).map(({ at, causes }) => ({ at, units: causes.map(({ words }) => words) })),
      degrees,
      noise: path.noise,
      flat: path.flat.length,
      certificate: openOf(certificate),
      classes,
      crossings: found.crossings,
      undecided: found.undecided,
      attribution,
      claims,
    };
    await step("drawing");
    await writeFile(join(staging, "path.html"), pathPage({ report, line, path, naming, rows }));
    await step("finished");
    return report;
  });
}

type Step = (text: string, done?: number) => Promise<void>;

async function wholePath({ model, from, to }: Line, step: Step): Promise<Path> {
  let path: Path | undefined;
  do {
    await step("reading the line", path?.end ?? 0);
    path = restrictToLine(model, from, to, { on: cpu64, budgetMs: turnMs, ...(path && { resume: path }) });
  } while (path.end < 1);
  return path;
}

async function certified(path: Path, step: Step): Promise<Certificate> {
  const steps = certifyInSteps(path, { on: cpu64 });
  await step("proving pieces and breakpoints", 0);
  let now = steps.next();
  for (; !now.done; now = steps.next()) await step("proving pieces and breakpoints", now.value);
  return now.value;
}

/** With what is not certified; the rest is in the counts. */
function openOf(certificate: Certificate): PathReport["certificate"] {
  const { verdict, counts } = certificate;
  const [text, ...listed] = certificateText(certificate).split("\n");
  const isOpen = (item: { readonly verdict: string }): boolean => item.verdict !== "certified";
  return {
    verdict,
    counts,
    text,
    listed,
    pieces: certificate.pieces.filter(isOpen),
    breakpoints: certificate.breakpoints.filter(isOpen),
  };
}

type Attribution = PathReport["attribution"];

async function attributed(line: Line, path: Path, output: readonly number[], step: Step): Promise<Attribution> {
  const { model, from, to } = line;
  const steps = integratedGradientsInSteps(model, to, { baseline: from, output, path, on: cpu64 });
  let turn = performance.now();
  let now = steps.next();
  for (; !now.done; now = steps.next())
    if (performance.now() - turn > turnMs) {
      await step("integrating gradients", now.value);
      turn = performance.now();
    }
  const { attributions, difference, residual, nodes } = now.value;
  const exact = byName(model, attributions);
  const size = Object.values(exact).reduce((sum, x) => sum + total(x), 0);
  const sums: Attribution["sums"][number][] = [];
  for (const [rule, count] of [
    ["right", 50],
    ["midpoint", 50],
    ["midpoint", 300],
  ] as const) {
    await step(`summing ${count} gradients, to compare`);
    const sum = sumGradients(model, to, { baseline: from, output, steps: count, rule, on: cpu64 });
    const theirs = byName(model, sum.attributions);
    let off = 0;
    for (const [name, x] of Object.entries(exact))
      x.data.forEach((v, k) => {
        off += Math.abs(v - theirs[name].data[k]);
      });
    sums.push({ rule, steps: count, residual: relative(sum.residual, size), error: relative(off, size) });
  }
  return {
    output,
    difference,
    residual: relative(residual, size),
    gradients: nodes,
    values: Object.fromEntries(
      Object.entries(exact).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data) }]),
    ),
    sums,
  };
}

const total = ({ data }: Tensor): number => Array.from(data).reduce((sum, v) => sum + Math.abs(v), 0);
const relative = (part: number, whole: number): number => (part === 0 ? 0 : Math.abs(part) / whole);

/** What was found, against the model itself. */
function claimsOf(
  line: Line,
  path: Path,
  changes: PathReport["crossings"],
  row: readonly number[] | undefined,
  attribution: Attribution,
  { counts }: Certificate,
): PathReport["claims"] {
  const directly = (t: number): ArrayLike<number> => forward(line.model, pointOn(line, t), { on: cpu64 }).data;
  // at most 64 pieces, spread evenly, each where it is neither an end nor the middle
  const every = Math.ceil(path.pieces.length / 64);
  let farthest = 0;
  let largest = 0;
  for (let i = 0; i < path.pieces.length; i += every) {
    const { from, to } = path.pieces[i];
    const t = from + 0.382 * (to - from);
    const [expected, got] = [directly(t), path.evaluate(t).data];
    for (let k = 0; k < got.length; k++) {
      farthest = Math.max(farthest, Math.abs(got[k] - expected[k]));
      largest = Math.max(largest, Math.abs(expected[k]));
    }
  }
  const width = path.pieces[0].values.shape.at(-1) as number;
  const shape = path.pieces[0].values.shape.slice(1, -1);
  const first = width * (row ?? shape.map(() => 0)).reduce((at, i, axis) => at * shape[axis] + i, 0);
  const reach = (radius: number): number => Math.max(8 * radius, 1e-12);
  const missed = changes.filter(({ at, from, to, radius }) => {
    const [before, after] = [directly(Math.max(0, at - reach(radius))), directly(Math.min(1, at + reach(radius)))];
    return !(before[first + from] > before[first + to] && after[first + to] > after[first + from]);
  }).length;
  const distance = relative(farthest, largest);
  const refused = counts.pieces.refused + counts.breakpoints.refused;
  return [
    {
      claim: "no piece and no breakpoint is refused by its certificate",
      measured: refused,
      holds: refused === 0,
    },
    {
      claim: "the pieces give the model's outputs, to 1e-10 of the largest",
      measured: distance,
      holds: distance <= 1e-10,
    },
    {
      claim: "the largest output changes at every crossing, and at none by rounding",
      measured: missed,
      holds: missed === 0,
    },
    {
      claim: "the attributions sum to the change of the output, to 1e-12 of their size",
      measured: attribution.residual,
      holds: attribution.residual <= 1e-12,
    },
  ];
}

function pointOn({ from, to, model }: Line, t: number): Given<string> {
  const [starts, stops] = [byName(model, from), byName(model, to)];
  return Object.fromEntries(
    Object.entries(starts).map(([name, { shape, data }]) => [
      name,
      tensor(
        Float64Array.from(data, (v, k) => (1 - t) * v + t * stops[name].data[k]),
        shape,
      ),
    ]),
  );
}

/** An image's tokens are its patches. */
function namingOf({ model }: Line): NamingOptions {
  const patches = patchesOf(model.config);
  return patches ? { tokenName: patchNames(patches.width / patches.size) } : {};
}
