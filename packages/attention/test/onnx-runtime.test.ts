import { cast, reference, reference32, type SynchronousDevice, type Tensor, tensor } from "@splineformer/tensor";
import { againstRounded, relativeDifference } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import { type AttentionOptions, attention, type Intermediates, rotary } from "../src/index.ts";
import vectors from "./vectors/onnx-runtime.json";

// `vectors/onnx-runtime.js` made these; ONNX Runtime computes in float32

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface AttentionCase {
  readonly title: string;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly past: number;
  readonly scale?: number;
  readonly is_causal?: number;
  readonly query: Numbers;
  readonly key: Numbers;
  readonly value: Numbers;
  readonly mask?: Numbers & { readonly dtype?: string };
  readonly pastKey?: Numbers;
  readonly pastValue?: Numbers;
  readonly output: Numbers;
  readonly scores?: Numbers;
  readonly weights?: Numbers;
}

const float32 = ({ shape, data }: Numbers): Tensor => tensor(Float32Array.from(data), shape);

/** What came before, [1, g, past, d] as the operator keeps it, then the new rows. */
const after = (past: Numbers | undefined, rows: Numbers): Tensor =>
  past ? reference.concat(reference.mergeHeads(float32(past)), float32(rows), { axis: -2 }) : float32(rows);

/** A case of the operator in our words. */
function run(given: AttentionCase): Intermediates<Tensor> {
  const { heads, keyValueHeads, scale, is_causal: causal, past, mask } = given;
  const added = mask && float32(mask);
  const shown = added && mask.dtype === "bool";
  const options: AttentionOptions = {
    heads,
    keyValueHeads,
    ...(scale !== undefined && { scale }),
    ...(causal === 1 && { mask: past > 0 ? { past } : "causal" }),
    ...(added && (shown ? { mask: { visible: cast(added, "bool") } } : { bias: added })),
  };
  const [key, value] = [after(given.pastKey, given.key), after(given.pastValue, given.value)];
  return attention(float32(given.query), key, value, { ...options, intermediates: "all" });
}

/**
 * What rounding to float32 may cost: a score is a sum of 4 products and is scaled, an exponential is right to some units,
 * 7 of them are added and divide, and 7 values are added: fewer than 32 roundings, each of at most 2⁻²⁴ of the largest
 * entry. Scores are below 2, or so large that one key has all the weight. A wrong convention errs by a tenth and more.
 */
const close = 32 * 2 ** -24;

describe(`Attention of opset 23, as ONNX Runtime ${vectors.onnxRuntime} computes it, is ours`, () => {
  const cases = vectors.attention as readonly AttentionCase[];

  it.each(cases.map((given) => [given.title, given] as const))("%s", (_, given) => {
    const ours = run(given);
    for (const name of ["output", "scores", "weights"] as const) {
      const theirs = given[name];
      if (!theirs) continue;
      expect(ours[name].shape).toEqual(theirs.shape);
      // what is hidden has a score of ours, and the least float32 there
      const seen = theirs.data.map((x) => x > -3e38);
      const shown = (x: Tensor) => ({ data: Float64Array.from(x.data).filter((_, i) => seen[i]) });
      expect(relativeDifference(shown(float32(theirs)), shown(ours[name])), name).toBeLessThanOrEqual(close);
    }
  });

  it("and so is a query that sees nothing: zeros", () => {
    const given = cases.find(({ title }) => title.includes("nothing")) as AttentionCase;
    expect(given.output.data.slice(2 * 6, 3 * 6)).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...run(given).output.data.slice(2 * 6, 3 * 6)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe("RotaryEmbedding of opset 23, as ONNX Runtime computes it, is ours", () => {
  it.each(vectors.rotary.map((given) => [given.title, given] as const))("%s", (_, given) => {
    const { heads, base, from, width, interleaved } = given;
    const layout = interleaved === 1 ? "interleaved" : "half";
    const turned = (on: SynchronousDevice): Tensor =>
      rotary(float32(given.x), { heads, base, from, width, layout, on });
    const { agrees } = againstRounded(float32(given.output), turned(reference), turned(reference32));
    expect(agrees).toBe(true);
    // the other convention is another function
    const other = rotary(float32(given.x), {
      heads,
      base,
      from,
      width,
      layout: interleaved === 1 ? "half" : "interleaved",
    });
    expect(relativeDifference(float32(given.output), other)).toBeGreaterThan(0.1);
  });
});
