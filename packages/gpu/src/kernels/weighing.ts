/**
 * @file Scores to weights. Softmax and sparsemax need statistics of each row first, one number a row and kernel;
 * pointwise activations need the row's number of visible keys at most, and fuse with the scores themselves.
 *
 * Letters: a row of scores is [o1, o0, i], o1 and o0 the leading axes (batch and head in attention), i the query;
 * j is the key, q and k are the numbers of queries and keys. A mask shows the keys from ≤ j < to.
 */
import type { Pointwise } from "@splineformer/tensor";
import { type ActivationCode, activationCode } from "./activation.ts";
import { decay } from "./decay.ts";
import { type Kernel, quotient } from "./kernel.ts";
import { scoreSource } from "./products.ts";

/** What every kernel here is told: sizes, the mask, and how `visible` broadcasts. */
const geometry = (visible: boolean): string =>
  `q, k, o0Length, causal, window${visible ? ", visible3, visible2, visible1, visible0" : ""}`;

/** Of row r, whose names are known after it: o1, o0, i, from, to. */
const rowIndex = `const o = quotient(r, q);
  const i = r - o * q;
  const o1 = quotient(o, o0Length);
  const o0 = o - o1 * o0Length;
  let from = i + 1 - window;
  if (from < 0) { from = 0; }
  let to = k;
  if (causal > 0.5) { to = i + 1; }
  if (to > k) { to = k; }`;

const shows = (visible: boolean): string =>
  visible ? "visible[o1 * visible3 + o0 * visible2 + i * visible1 + j * visible0] != 0" : "true";

/** One number a row, from a loop over its visible keys. */
const rows = (
  name: string,
  {
    visible,
    operands,
    before,
    each,
    after,
  }: {
    visible: boolean;
    operands: string;
    before: string;
    each: string;
    after: string;
  },
): Kernel => ({
  name: `${name}${visible ? " visible" : ""}`,
  functions: [quotient, decay],
  source: `function (${operands}, ${geometry(visible)}) {
  const r = this.thread.x + 0.0;
  ${rowIndex}
  const start = r * k;
  ${before}
  for (let j = from; j < to; j += 1) {
    ${visible ? `if (${shows(visible)}) { ${each} }` : each}
  }
  ${after}
}`,
});

/** The largest visible score. */
export const rowMaximum = (visible: boolean): Kernel =>
  rows("row maximum", {
    visible,
    operands: visible ? "scores, visible" : "scores",
    before: "let best = 0.0 - 3.4028234663852886e38;",
    each: "const z = scores[start + j]; if (z > best) { best = z; }",
    after: "return best;",
  });

/** `Σ e^(z − max)` over the visible keys. */
export const rowTotal = (visible: boolean): Kernel =>
  rows("row total", {
    visible,
    operands: visible ? "scores, visible, maxima" : "scores, maxima",
    before: "const best = maxima[r]; let total = 0.0;",
    each: "total = total + decay(best - scores[start + j]);",
    after: "return total;",
  });

/** The number of visible keys. */
export const rowCount: Kernel = rows("row count", {
  visible: true,
  operands: "visible",
  before: "let count = 0.0;",
  each: "count = count + 1;",
  after: "return count;",
});

/**
 * Sparsemax's threshold, less the row's maximum m: the τ with `Σ max(z − m − τ, 0) = 1`.
 *
 * Michelot's iteration instead of a sort: from all visible keys, drop those at or below the τ of those that are left,
 * until none drops. The sets shrink, so it ends after at most k rounds. Scores enter less their maximum: only those
 * within 1 of it count, and there the difference is nearly exact.
 *
 * @source arXiv 1602.02068; Michelot 1986, doi:10.1007/BF00938486
 */
export const rowThreshold = (visible: boolean): Kernel => ({
  name: `row threshold${visible ? " visible" : ""}`,
  functions: [quotient],
  source: `function (scores${visible ? ", visible" : ""}, maxima, ${geometry(visible)}) {
  const r = this.thread.x + 0.0;
  ${rowIndex}
  const start = r * k;
  const best = maxima[r];
  let tau = 0.0 - 1.0;
  let before = k + 1.0;
  for (let round = 0; round < k; round++) {
    let total = 0.0;
    let count = 0.0;
    for (let j = from; j < to; j += 1) {
      const z = scores[start + j] - best;
      if (z > tau) {
        if (${shows(visible)}) { total = total + z; count = count + 1; }
      }
    }
    if (count >= before) { break; }
    before = count;
    tau = (total - 1) / count;
  }
  return tau;
}`,
});

/** One weight from a score: a pointwise activation, softmax, or sparsemax. */
export type WeighStep =
  | { readonly kind: "softmax" }
  | { readonly kind: "sparsemax"; readonly order: 0 | 1 }
  /** shifted: a number that depends on the visible keys is added to the score first (the bias of sigmoid). */
  | { readonly kind: "pointwise"; readonly activation: Pointwise; readonly order: 0 | 1; readonly shifted: boolean };

export interface WeightOptions {
  readonly step: WeighStep;
  readonly visible: boolean;
  /** Weights are divided by a power of the number of visible keys. */
  readonly divided: boolean;
}

/** Whether a row's number of visible keys matters. */
export const countsKeys = ({ step, divided }: WeightOptions): boolean =>
  divided || (step.kind === "pointwise" && step.shifted);

const codeOf = (step: WeighStep): ActivationCode | undefined =>
  step.kind === "pointwise" ? activationCode(step.activation, step.order) : undefined;

/** The arrays that a weighing needs after its scores, in order. */
const weightOperands = (options: WeightOptions): string => {
  const { step, visible } = options;
  const statistics = { softmax: ", maxima, totals", sparsemax: ", maxima, thresholds", pointwise: "" }[step.kind];
  // table[count] is the shift, table[divisors + count] the divisor
  const counts = countsKeys(options) ? `, table${visible ? ", counts" : ""}` : "";
  return `${visible ? ", visible" : ""}${statistics}${counts}${codeOf(step)?.operands ?? ""}`;
};

const weightScalars = (options: WeightOptions): string =>
  `${geometry(options.visible)}${countsKeys(options) ? ", divisors" : ""}`;

const weightBody = (options: WeightOptions, z: string): string => {
  const { step, visible, divided } = options;
  const value = {
    softmax: "w = decay(maxima[r] - z) / totals[r];",
    sparsemax:
      step.kind === "sparsemax" && step.order === 1
        ? "if (z - maxima[r] > thresholds[r]) { w = 1.0; }"
        : "w = z - maxima[r] - thresholds[r]; if (w < 0) { w = 0.0; }",
    pointwise: `${step.kind === "pointwise" && step.shifted ? `z = z + table[count];` : ""}
      ${codeOf(step)?.statements}
      w = f;`,
  }[step.kind];
  return `const t = this.thread.x;
  const r = quotient(t, k);
  const j = t - r * k;
  ${rowIndex}
  let w = 0.0;
  if (j >= from && j < to) {
    if (${shows(visible)}) {
      ${z}
      ${countsKeys(options) ? `const count = ${visible ? "counts[r]" : "to - from"};` : ""}
      ${value}
      ${divided ? `w = w / table[divisors + count];` : ""}
    }
  }
  return w;`;
};

const weightName = (options: WeightOptions): string => {
  const { step, visible, divided } = options;
  const activation =
    step.kind === "pointwise"
      ? `${codeOf(step)?.key}${step.shifted ? " shifted" : ""}`
      : `${step.kind}${"order" in step && step.order === 1 ? "′" : ""}`;
  return `${activation}${visible ? " visible" : ""}${divided ? " divided" : ""}`;
};

/** Weights from scores and what is known of their rows. */
export const weights = (options: WeightOptions): Kernel => ({
  name: `weights ${weightName(options)}`,
  functions: [quotient, decay],
  tables: codeOf(options.step)?.tables,
  source: `function (scores${weightOperands(options)}, ${weightScalars(options)}) {
  ${weightBody(options, "let z = scores[t];")}
}`,
});

/** Scores of attention, [c, heads, n, m]. */
export const scores = (biased: boolean): Kernel => {
  const score = scoreSource(biased);
  return {
    name: `scores${biased ? " with bias" : ""}`,
    functions: [quotient],
    source: `function (${score.operands}, ${geometry(false)}, ${score.scalars}) {
  const t = this.thread.x;
  const r = quotient(t, k);
  const j = t - r * k;
  ${rowIndex}
  if (j < from || j >= to) { return 0.0; }
  ${score.body}
  return z;
}`,
  };
};

/** The same with a pointwise activation, so that no scores are stored. */
export const scoredWeights = (options: WeightOptions, biased: boolean): Kernel => {
  const score = scoreSource(biased);
  return {
    name: `scored weights ${weightName(options)}${biased ? " with bias" : ""}`,
    functions: [quotient, decay],
    tables: codeOf(options.step)?.tables,
    source: `function (${score.operands}${weightOperands(options)}, ${weightScalars(options)}, ${score.scalars}) {
  ${weightBody(options, score.body)}
}`,
  };
};
