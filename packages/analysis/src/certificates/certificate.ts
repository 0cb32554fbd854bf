/**
 * @file What a certificate says, as plain data: a verdict on every piece and every breakpoint of a path, how many of each there
 * are, and a text. How the verdicts are come by is the methods' business. Letters: r the radius of a window.
 */
import { checkRecord, show } from "@splineformer/tensor";
import { type Unit, unitOf } from "../causes.ts";
import type { Patterns } from "../engine/walk.ts";

/** "refused": shown to be false. "undecided": not shown to be true, nor false. */
export type Verdict = "certified" | "refused" | "undecided";

/** How a verdict was come by: in rational numbers, or in numbers that enclose what is meant, rounded outwards. */
export type Proof = "exact" | "intervals";

/** Between two breakpoints, outside of their windows. */
export interface CertifiedPiece {
  readonly from: number;
  readonly to: number;
  /** "certified": no unit switches between the windows of its ends. "refused": one does. */
  readonly verdict: Verdict;
  readonly by: Proof;
  /** If refused, units that switch there; if undecided, those that can't be told not to. */
  readonly units: readonly Unit[];
}

/** A breakpoint with its window, at − radius ≤ t ≤ at + radius. */
export interface CertifiedBreakpoint {
  readonly at: number;
  readonly radius: number;
  /** "certified": some unit switches in the window. "refused": none does. */
  readonly verdict: Verdict;
  readonly by: Proof;
  /** "one": everything that switches in the window does so at one and the same place. "some": that is not shown. */
  readonly places: "one" | "some";
  /** The units that are in different pieces on the two sides of the window. */
  readonly units: readonly Unit[];
}

/** How many verdicts of each kind there are. */
export type VerdictCounts = Readonly<Record<Verdict, number>>;

/** What is proven of a path, and what is not. */
export interface Certificate {
  /** "certified" if everything is; "refused" if anything is. */
  readonly verdict: Verdict;
  /** The part of the line that was looked at is [0, end]. */
  readonly end: number;
  readonly pieces: readonly CertifiedPiece[];
  /** All but those at 0 and at the end. */
  readonly breakpoints: readonly CertifiedBreakpoint[];
  readonly counts: {
    readonly pieces: VerdictCounts;
    readonly breakpoints: VerdictCounts;
    /** How many breakpoints are certified to be one place. */
    readonly onePlace: number;
    /** How many of all verdicts were come by exactly, and how many by intervals. */
    readonly by: Readonly<Record<Proof, number>>;
  };
}

/** Counts the verdicts. */
export function certificateOf(
  end: number,
  pieces: readonly CertifiedPiece[],
  breakpoints: readonly CertifiedBreakpoint[],
): Certificate {
  const all = [...pieces, ...breakpoints];
  const count = (items: readonly { readonly verdict: Verdict }[]): VerdictCounts => {
    const counts = { certified: 0, refused: 0, undecided: 0 };
    for (const { verdict } of items) counts[verdict]++;
    return counts;
  };
  const by = { exact: 0, intervals: 0 };
  for (const item of all) by[item.by]++;
  const total = count(all);
  return {
    verdict: total.refused > 0 ? "refused" : total.undecided > 0 ? "undecided" : "certified",
    end,
    pieces,
    breakpoints,
    counts: {
      pieces: count(pieces),
      breakpoints: count(breakpoints),
      onePlace: breakpoints.filter(({ verdict, places }) => verdict === "certified" && places === "one").length,
      by,
    },
  };
}

/**
 * A certificate in words: the counts, then everything that is not certified, place by place.
 *
 * @throws RangeError if it is no certificate
 * @example
 * ```ts
 * import { certificateText, certify, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * const path = restrictToLine(hinge, tensor([-1]), tensor([3]));
 * certificateText(certify(path)); // "2 of 2 pieces and 1 of 1 breakpoint certified, 1 as one place (interval arithmetic)."
 * ```
 */
export function certificateText(certificate: Certificate): string {
  checkRecord("certificateText", "a certificate", certificate);
  const { pieces, breakpoints, counts } = certificate;
  if (!Array.isArray(pieces) || !Array.isArray(breakpoints) || typeof counts?.onePlace !== "number")
    throw new RangeError(`certificateText: expected a certificate, got ${show(certificate)}`);
  const of = (count: VerdictCounts, total: number, noun: string): string =>
    `${count.certified} of ${total} ${noun}${total === 1 ? "" : "s"}`;
  const proofs = [
    ...(counts.by.exact > 0 ? ["exact arithmetic"] : []),
    ...(counts.by.intervals > 0 ? ["interval arithmetic"] : []),
  ];
  const one = breakpoints.length > 0 ? `, ${counts.onePlace} as one place` : "";
  const head = `${of(counts.pieces, pieces.length, "piece")} and ${of(counts.breakpoints, breakpoints.length, "breakpoint")} certified${one} (${proofs.join(" and ")}).`;
  const doubts = [
    ...pieces.filter(isOpen).map((piece) => ({ at: piece.from, words: pieceWords(piece) })),
    ...breakpoints.filter(isOpen).map((breakpoint) => ({ at: breakpoint.at, words: breakpointWords(breakpoint) })),
  ].sort((a, b) => a.at - b.at);
  return [head, ...doubts.map(({ words }) => words)].join("\n");
}

const isOpen = ({ verdict }: { readonly verdict: Verdict }): boolean => verdict !== "certified";

function pieceWords({ from, to, verdict, units }: CertifiedPiece): string {
  const which =
    units.length === 0
      ? ""
      : `: ${units.slice(0, 3).map(unitWords).join(", ")}${units.length > 3 ? `, and ${units.length - 3} more` : ""}`;
  return verdict === "refused"
    ? `refused: a unit switches between ${from} and ${to}${which}`
    : `undecided: whether a unit switches between ${from} and ${to}${which}`;
}

const breakpointWords = ({ at, radius, verdict }: CertifiedBreakpoint): string =>
  verdict === "refused"
    ? `refused: nothing switches within ${radius.toPrecision(2)} of ${at}`
    : `undecided: whether anything switches within ${radius.toPrecision(2)} of ${at}`;

function unitWords(unit: Unit): string {
  const place = unit.scope === "" ? "" : `${unit.scope} `;
  const batch = unit.batch.length === 0 ? "" : `batch ${unit.batch.join(",")} `;
  return unit.op === "weigh"
    ? `${place}${batch}head ${unit.head} query ${unit.query} key ${unit.key}`
    : `${place}${batch}token ${unit.token} unit ${unit.unit}`;
}

/** The units whose piece differs. */
export function differing(before: Patterns, after: Patterns): Unit[] {
  const units: Unit[] = [];
  for (const [node, pattern] of before) {
    const other = after.get(node);
    if (!other || other === pattern) continue;
    for (let entry = 0; entry < pattern.length; entry++)
      if (pattern[entry] !== other[entry]) units.push(unitOf(node, entry));
  }
  return units;
}
