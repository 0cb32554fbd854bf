/** @file The demo's findings as text for a terminal; colour only where there is one. */
import { relative } from "node:path";
import { styleText } from "node:util";
import Table from "cli-table3";
import type { Output } from "../terminal.ts";
import { count, number, ofX, powerOfTen, smoothnessOf } from "./format.ts";
import type { Claim, DemoReport } from "./report.ts";

/** The report, 100 columns wide at most. */
export function demoText(report: DemoReport, output: Pick<Output, "isTTY">): string {
  const hasColour = output.isTTY === true && !process.env.NO_COLOR;
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    hasColour ? styleText(format, text, { validateStream: false }) : text;
  const heading = (text: string): string => `\n${style("bold", text)}\n`;
  const { data, spline, network, runs, gpu, line, breakpoints, smoothing, claims, files } = report;
  const unit = data.unit === "year" ? "year" : data.x;
  const failed = claims.filter(({ holds }) => !holds).length;

  return [
    heading("A curve becomes a transformer"),
    facts([
      [
        "data",
        `${data.y}, ${data.rows} rows of ${data.file}, ${unit} ${ofX(data.from, report)} to ${ofX(data.to, report)}`,
      ],
      ...(data.credit === undefined ? [] : [["", data.credit] as const]),
      [
        "spline",
        `natural cubic through ${spline.knots.length} rows, spread evenly; straight beyond; rms from the data ${number(spline.rms)}`,
      ],
      [
        "network",
        `one block with ReLU: ${count(network.heads, "head")} of width ${network.headWidth}, ${count(network.hidden, "hidden unit")}, ${network.parameters} numbers, degree ${network.degree}`,
      ],
    ]),
    heading(`Saved, loaded and run: largest distance from the spline at ${runs[0].points} points out to ±10¹²`),
    table(
      ["", "relative, near and far", `in ${data.y}, between the knots`],
      [
        ...runs.map((run) => [run.dtype, powerOfTen(run.relative), powerOfTen(run.absolute)]),
        ...("missing" in gpu ? [] : [[`gpu.js, ${gpu.backend}`, powerOfTen(gpu.relative), powerOfTen(gpu.absolute)]]),
      ],
      style,
    ),
    facts(("missing" in gpu ? gpu.missing : gpu.reason).split("; ").map((part, i) => [i === 0 ? "gpu.js" : "", part])),
    heading(
      `Read back from the loaded weights alone, on the line from ${ofX(line.from, report)} to ${ofX(line.to, report)}`,
    ),
    table(
      ["knot", unit, "found in the weights", "off by", "heads", "hidden units", "degree", "smooth"],
      breakpoints.map((found) => [
        String(found.knot),
        ofX(found.expected, report),
        ofX(found.found, report),
        powerOfTen(found.difference),
        found.heads.join(" "),
        found.units.join(" "),
        found.degrees.join(" │ "),
        smoothnessOf(found.smoothness),
      ]),
      style,
    ),
    heading("Smoothed: softplus for ReLU, the same weights; bound (log 2/β)(Σ heads |v(x)| + Σ hidden |c|)"),
    table(
      ["sharpness β", `largest distance in ${data.y}`, "proven bound"],
      smoothing.map(({ beta, largest, bound }) => [number(beta), number(largest), number(bound)]),
      style,
    ),
    heading("Claims"),
    claims.map((claim) => claimLine(claim, style)).join(""),
    heading("Files"),
    facts([
      ["weights", shortest(files.weights)],
      ["picture", `${shortest(files.picture)}  (open it in a browser)`],
    ]),
    "\n",
    failed === 0
      ? style("green", `All ${claims.length} claims hold.`)
      : style("red", `${failed} of ${claims.length} claims do not hold.`),
    "\n",
  ].join("");
}

type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

const facts = (rows: readonly (readonly [name: string, text: string])[]): string =>
  rows.map(([name, text]) => `  ${name.padEnd(9)}${text}\n`).join("");

function claimLine({ claim, measured, allowed, holds }: Claim, style: Style): string {
  const mark = holds ? style("green", "✓") : style("red", "✗");
  const detail = allowed === 0 && holds ? "" : style("dim", `  ${number(measured)} ≤ ${number(allowed)}`);
  return `  ${mark} ${claim}${detail}\n`;
}

/** Columns apart by space, a rule under their names. */
function table(head: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const none = {
    top: "",
    "top-mid": "",
    "top-left": "",
    "top-right": "",
    bottom: "",
    "bottom-mid": "",
    "bottom-left": "",
    "bottom-right": "",
  };
  const drawn = new Table({
    head: [...head],
    colAligns: head.map(() => "right" as const),
    chars: { ...none, left: " ", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: " " },
    style: { head: [], border: [], compact: true, "padding-left": 1, "padding-right": 0 },
  });
  drawn.push(...rows.map((row) => [...row]));
  const [names, ...lines] = drawn.toString().split("\n");
  return `${[style("dim", names), ...lines].join("\n")}\n`;
}

/** A path from here, unless that climbs. */
function shortest(path: string): string {
  const here = relative(process.cwd(), path);
  return here.startsWith("..") ? path : here;
}
