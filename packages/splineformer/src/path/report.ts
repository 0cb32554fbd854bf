/** @file What `splineformer path` finds, as data: the same for `--json`, the text and the page. */
import type { Certificate, ClassInterval, Crossing } from "@splineformer/analysis";

export interface PathReport {
  readonly model: { readonly name: string; readonly parameters: number; readonly degree: number };
  readonly ends: readonly [from: string, to: string];
  /** Where the file was written. */
  readonly page: string;
  readonly pieces: number;
  readonly breakpoints: readonly number[];
  /** For every breakpoint but 0 and 1: where, and in words what switches. */
  readonly causes: readonly { readonly at: number; readonly units: readonly string[] }[];
  /** Degrees of the pieces as measured, and how many have each. */
  readonly degrees: Readonly<Record<string, number>>;
  /** An estimate of the largest rounding error of an output. */
  readonly noise: number;
  /** Units that stay within rounding of their kink on a part of the line. */
  readonly flat: number;
  /** What is proven of the pieces and breakpoints; of those that are not certified, each. */
  readonly certificate: Pick<Certificate, "verdict" | "counts" | "pieces" | "breakpoints"> & {
    /** The counts in words, and how they were come by. */
    readonly text: string;
    /** In words, what is not certified. */
    readonly listed: readonly string[];
  };
  readonly classes: readonly ClassInterval[];
  readonly crossings: readonly Crossing[];
  /** Where the largest output can't be told. */
  readonly undecided: readonly ClassInterval[];
  readonly attribution: {
    /** The entry of the output that is explained. */
    readonly output: readonly number[];
    /** Its change from the one end to the other. */
    readonly difference: number;
    /** Σ attributions − difference, over Σ |attributions|. */
    readonly residual: number;
    readonly gradients: number;
    /** By input name. */
    readonly values: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;
    /** The usual sums, and how far each is off: Σ |theirs − exact| / Σ |exact|. */
    readonly sums: readonly {
      readonly rule: string;
      readonly steps: number;
      readonly residual: number;
      readonly error: number;
    }[];
  };
  readonly claims: readonly { readonly claim: string; readonly measured: number; readonly holds: boolean }[];
}

/** An output by its index; where all but the last axis are 0 the last one says it. */
export const outputText = (output: readonly number[]): string =>
  output.slice(0, -1).every((i) => i === 0) ? String(output.at(-1)) : output.join(",");
