/**
 * @file Encoder and decoder stacks written out on nested arrays, following the documentation of the config and not the
 * code: what the models are tested against.
 */
import { parametersOf, type Tensor, tensor, toNested } from "@splineformer/tensor";
import { type Matrix, naiveActivation, naiveAttention, naiveMatmul, naiveNormalize } from "@splineformer/testing";
import type { Patches, StackConfig } from "../src/index.ts";

export const matrix = (x: Tensor): Matrix => toNested(x) as Matrix;
export const fromMatrix = (x: Matrix): Tensor => tensor(x, { dtype: "float64" });

const entrywise = (x: Matrix, f: (z: number, i: number, j: number) => number): Matrix =>
  x.map((row, i) => row.map((z, j) => f(z, i, j)));

/** The output for one input [tokens, input] and source, with the parameters whose names start with `prefix`. */
export function naiveStack(config: StackConfig, parameters: unknown, x: Matrix, source?: Matrix, prefix = ""): Matrix {
  const named = parametersOf({ parameters });
  const at = (name: string): Tensor | undefined => named[prefix + name];
  const vector = (name: string): ArrayLike<number> | undefined => at(name)?.data;
  const line = (name: string, y: Matrix): Matrix => {
    const product = naiveMatmul(y, matrix(at(`${name}.weight`) as Tensor));
    return entrywise(product, (z, _, j) => z + (vector(`${name}.bias`)?.[j] ?? 0));
  };
  const clamp = (y: Matrix): Matrix => {
    const { clamp: c } = config;
    return c === "none" ? y : entrywise(y, (z) => Math.max(-c, Math.min(z, c)));
  };
  const norm = (name: string, y: Matrix): Matrix => {
    const kind = config.norm;
    if (kind === "none") return y;
    const rows = kind === "affine" ? y : y.map((row) => naiveNormalize(row, { kind, epsilon: config.normEpsilon }));
    return entrywise(
      rows,
      (z, _, j) => z * (vector(`${name}.weight`) as ArrayLike<number>)[j] + (vector(`${name}.bias`)?.[j] ?? 0),
    );
  };
  /** Each head of each row alone. */
  const headNorm = (name: string, heads: number, y: Matrix): Matrix => {
    const { qkNorm: kind } = config.attention;
    if (kind === "none") return y;
    return y.map((row) => {
      const d = row.length / heads;
      return Array.from({ length: heads }, (_, h) => row.slice(h * d, (h + 1) * d)).flatMap((head) =>
        naiveNormalize(head, { kind, epsilon: 1e-5 }).map(
          (z, i) => z * (vector(`${name}.weight`) as ArrayLike<number>)[i] + (vector(`${name}.bias`)?.[i] ?? 0),
        ),
      );
    });
  };
  const attend = (name: string, y: Matrix, memory: Matrix, mask: StackConfig["attention"]["mask"]): Matrix => {
    const { heads, keyValueHeads } = config;
    const q = headNorm(`${name}.queryNorm`, heads, line(`${name}.query`, y));
    const k = headNorm(`${name}.keyNorm`, keyValueHeads, line(`${name}.key`, memory));
    const v = line(`${name}.value`, memory);
    const mixed = naiveAttention(q, k, v, undefined, undefined, { ...config.attention, heads, keyValueHeads, mask });
    return line(`${name}.output`, mixed);
  };
  const sublayer = (block: string, name: string, y: Matrix, f: (z: Matrix) => Matrix): Matrix => {
    const normName = `${block}.norms.${name}`;
    const { normPlacement } = config;
    const post = normPlacement === "post";
    const scale = vector(`${block}.layerScale.${name}`);
    const factor = (j: number): number => (config.layerScalePer === "layer" ? scale?.[0] : scale?.[j]) ?? 1;
    const raw = f(clamp(post ? y : norm(normName, y)));
    const after = normPlacement === "hybrid" ? norm(`${block}.outputNorms.${name}`, raw) : raw;
    const result = entrywise(after, (z, _, j) => z * factor(j));
    const sum = config.residual ? entrywise(result, (z, i, j) => z + config.residualScale * y[i][j]) : result;
    return post ? norm(normName, sum) : sum;
  };

  const { tokens, patches, width } = config;
  let y = x;
  const table = at("embedding");
  if (table) y = x[0].map((id) => matrix(table)[id]);
  if (patches !== "none") y = naivePatches(x, patches);
  if (config.input !== "none") y = line("input", y);
  if (tokens !== "given")
    y = Array.from({ length: tokens }, (_, i) => y[0].slice(i * config.width, (i + 1) * config.width));
  if (config.positions === "sinusoidal")
    y = entrywise(y, (z, p, k) => {
      const angle = p / 10_000 ** ((2 * Math.floor(k / 2)) / width);
      return z + (k % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
    });
  const positions = at("positions");
  if (positions) y = entrywise(y, (z, i, j) => z + matrix(positions)[i][j]);
  for (let l = 0; l < config.layers; l++) {
    const block = `blocks.${l}`;
    y = sublayer(block, "attention", y, (z) => attend(`${block}.attention`, z, z, config.attention.mask));
    if (source) y = sublayer(block, "cross", y, (z) => attend(`${block}.cross`, z, clamp(source), "none"));
    if (config.hidden > 0)
      y = sublayer(block, "feedForward", y, (z) => {
        const hidden = entrywise(
          line(`${block}.feedForward.expand`, z),
          naiveActivation(config.feedForward.activation, 0),
        );
        return line(`${block}.feedForward.contract`, hidden);
      });
  }
  if (config.normPlacement !== "post") y = norm("norm", y);
  if (config.pool === "first") y = [y[0]];
  if (config.pool === "mean") y = [y[0].map((_, j) => y.reduce((sum, row) => sum + row[j], 0) / y.length)];
  return config.output === "none" ? y : line("output", clamp(y));
}

/** Patches row by row, each with its pixels row by row. */
function naivePatches(image: Matrix, { height, width, size, channels }: Patches): Matrix {
  const found: number[][] = [];
  for (let top = 0; top < height; top += size)
    for (let left = 0; left < width; left += size) {
      const patch: number[] = [];
      for (let row = 0; row < size; row++)
        for (let column = 0; column < size; column++)
          for (let c = 0; c < channels; c++) patch.push(image[top + row][(left + column) * channels + c]);
      found.push(patch);
    }
  return found;
}
