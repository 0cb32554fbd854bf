/**
 * @file Breakpoints in words: which unit switches, where in the network, and which way as t grows. Everything is counted from 0,
 * as in the data. Not here: the picture (`pathSvg`).
 */
import { checkOptions, show } from "@splineformer/tensor";
import type { Cause } from "../causes.ts";
import { checkPath } from "../output-rows.ts";
import type { Path } from "../path.ts";

export interface NamingOptions {
  /** What to call a token. Default: "token 5". See `patchNames` for images. */
  readonly tokenName?: (index: number) => string;
}

/** A breakpoint and its causes in words. */
export interface Knot {
  readonly at: number;
  readonly causes: readonly {
    /** The layer and the kind of unit: "layer 1 attention", "layer 1 hidden". */
    readonly group: string;
    readonly words: string;
    readonly cause: Cause;
  }[];
}

/**
 * A name for each patch of an image that is cut into rows of `columns` patches: "patch (row,column)".
 *
 * @throws RangeError if columns is no integer ≥ 1
 * @example
 * ```ts
 * import { patchNames } from "@splineformer/analysis";
 * patchNames(4)(6); // "patch (1,2)"
 * ```
 */
export function patchNames(columns: number): (index: number) => string {
  if (!(Number.isInteger(columns) && columns >= 1))
    throw new RangeError(`patchNames: expected columns an integer ≥ 1, got ${show(columns)}`);
  return (index) => `patch (${Math.floor(index / columns)},${index % columns})`;
}

/**
 * A cause in words, in the direction of growing t.
 *
 * @param cause - an entry of `path.causes`
 * @example
 * ```ts
 * import { describeCause, patchNames } from "@splineformer/analysis";
 * const score = { op: "weigh", scope: "block 2/attention", batch: [], head: 3, query: 6, key: 12, before: 1, after: 0 } as const;
 * describeCause(score, { tokenName: patchNames(4) }); // "layer 2, head 3: patch (1,2) stops attending to patch (3,0)"
 * const unit = { op: "activate", scope: "block 1/feedForward", batch: [], token: 5, unit: 17, before: 0, after: 1 } as const;
 * describeCause(unit); // "layer 1, token 5: hidden unit 17 switches on"
 * ```
 */
export function describeCause(cause: Cause, options: NamingOptions = {}): string {
  checkOptions("describeCause", options, ["tokenName"]);
  const { tokenName = (index: number) => `token ${index}` } = options;
  const { place, part } = placeOf(cause);
  const example = cause.batch.length > 0 ? `example ${cause.batch.join(",")}` : "";
  if (cause.op === "weigh") {
    const way = [cause.before, cause.after].join();
    const verb = way === "0,1" ? "starts attending to" : way === "1,0" ? "stops attending to" : undefined;
    const does = verb
      ? `${tokenName(cause.query)} ${verb} ${tokenName(cause.key)}`
      : `the weight of ${tokenName(cause.query)} on ${tokenName(cause.key)} goes from piece ${cause.before} to piece ${cause.after}`;
    return `${joined(place, part === "cross" ? "cross attention" : "", `head ${cause.head}`, example)}: ${does}`;
  }
  // not a unit of the network, but a corner of the curve on which it is read
  if (part === "polyline") return `leg ${cause.unit} ${cause.after === 1 ? "begins" : "ends"}`;
  const unit = part === "clamp" ? `channel ${cause.unit}` : `hidden unit ${cause.unit}`;
  return `${joined(place, part === "clamp" ? "clamp" : "", tokenName(cause.token), example)}: ${unit} ${switching(cause, part)}`;
}

/**
 * Every breakpoint of a path with its causes in words, in order.
 *
 * @param path - from `restrictToLine`
 * @example
 * ```ts
 * import { explainKnots, restrictToLine } from "@splineformer/analysis";
 * import { random } from "@splineformer/tensor";
 * import { createEncoder } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 2, width: 4, heads: 2, hidden: 5, seed: 7 });
 * const numbers = random(1);
 * const path = restrictToLine(model, numbers.normal([3, 4]), numbers.normal([3, 4]));
 * const [first] = explainKnots(path);
 * first.at; // 0.01716…
 * first.causes[0].words; // "layer 0, token 0: hidden unit 4 switches off"
 * ```
 */
export function explainKnots(path: Path, options: NamingOptions = {}): Knot[] {
  checkPath("explainKnots", path);
  checkOptions("explainKnots", options, ["tokenName"]);
  return path.causes.flatMap((causes, i) =>
    causes.length === 0
      ? []
      : [
          {
            at: path.breakpoints[i],
            causes: causes.map((cause) => ({ group: groupOf(cause), words: describeCause(cause, options), cause })),
          },
        ],
  );
}

/**
 * The breakpoints as a text table: t, and what switches there, one unit a line.
 *
 * @param path - from `restrictToLine`
 * @example
 * ```ts
 * import { knotTable, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1, 1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * knotTable(restrictToLine(hinge, tensor([[-1]]), tensor([[3]]))).split("\n")[1]; // "0.2500000000  token 0: hidden unit 0 switches on"
 * ```
 */
export function knotTable(path: Path, options: NamingOptions = {}): string {
  const lines = explainKnots(path, options).flatMap(({ at, causes }) =>
    causes.map(({ words }, i) => `${(i === 0 ? at.toFixed(10) : "").padEnd(12)}  ${words}`),
  );
  return [`${"t".padEnd(12)}  what switches (counted from 0)`, ...lines].join("\n");
}

/** "layer 1 attention", "layer 1 hidden": what a picture has a line for. */
function groupOf(cause: Cause): string {
  const { place, part } = placeOf(cause);
  const kind =
    part === "cross" ? "cross attention" : part === "clamp" ? "clamp" : cause.op === "weigh" ? "attention" : "hidden";
  if (part === "polyline") return "corners";
  return place ? `${place} ${kind}` : kind;
}

/** `encoder/block 2/attention` is "encoder layer 2", part attention; another scope is its own name. */
function placeOf({ scope }: Cause): { readonly place: string; readonly part: string } {
  const parts = scope.split("/").filter((name) => name !== "");
  const last = parts.at(-1) ?? "";
  const block = parts.find((name) => /^block \d+$/.test(name));
  const part = last === "clamp" ? "clamp" : parts.includes("cross") ? "cross" : last;
  if (!block) return { place: last === "clamp" ? parts.slice(0, -1).join("/") : parts.join("/"), part };
  const stack = parts[0] === block ? "" : `${parts[0]} `;
  return { place: `${stack}layer ${block.slice("block ".length)}`, part };
}

function switching({ before, after }: Cause, part: string): string {
  if (part === "clamp") {
    const limit = Math.min(before, after) === 0 ? "lower" : "upper";
    const inside = after === 1;
    return `${inside ? "leaves" : "reaches"} its ${limit} limit`;
  }
  if (before === 0 && after === 1) return "switches on";
  if (before === 1 && after === 0) return "switches off";
  return `goes from piece ${before} to piece ${after}`;
}

const joined = (...parts: string[]): string => parts.filter((part) => part !== "").join(", ");
