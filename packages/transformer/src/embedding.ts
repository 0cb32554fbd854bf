/**
 * @file What makes tokens of an input, before the blocks: the map in, rows of a table, patches of an image; and where they
 * are. Letters: n tokens, p the side of a patch.
 */
import { project } from "@splineformer/attention";
import { type Ops, type Shaped, ShapeError, tensor, within } from "@splineformer/tensor";
import type { Patches, StackConfig } from "./config.ts";
import type { StackParameters } from "./parameters.ts";

/**
 * The tokens that the first block reads.
 *
 * @param x - [.., tokens, input], ids [.., tokens], or an image [.., height, width · channels]
 * @param past - the first token's position, default 0
 * @returns [.., tokens, width]
 */
export function embed<T extends Shaped>(
  ops: Ops<T>,
  config: StackConfig,
  parameters: StackParameters<T>,
  x: T,
  past = 0,
): T {
  const { embedding, input, positions } = parameters;
  const { patches, tokens } = config;
  let y = embedding === undefined ? x : within(ops, "embedding").gather(embedding, x);
  if (patches !== "none") y = cutPatches(within(ops, "patches"), y, patches);
  if (input) y = project(within(ops, "input"), y, input);
  if (tokens !== "given") y = cutToken(within(ops, "input"), y, tokens);
  const at = within(ops, "positions");
  if (positions) return addPositions(at, y, positions, past);
  // rotary and ALiBi are told to attention
  return config.positions === "sinusoidal" ? at.add(y, sinusoids(at, y, past)) : y;
}

/** One token [.., 1, k · width] becomes k tokens [.., k, width]. */
function cutToken<T extends Shaped>(ops: Ops<T>, x: T, tokens: number): T {
  // [.., k, 1, width] without its axis of length 1
  return ops.sum(ops.splitHeads(x, { heads: tokens }), { axes: [-2], keep: false });
}

/** An image [.., height, width · channels] becomes its patches [.., n, p · p · channels]. */
function cutPatches<T extends Shaped>(ops: Ops<T>, image: T, { height, width, size }: Patches): T {
  const joined = (parts: readonly T[], axis: -1 | -2): T => parts.reduce((a, b) => ops.concat(a, b, { axis }));
  // [.., width / p, height, p · channels]: each column of patches with all its rows of pixels
  const columns = ops.splitHeads(image, { heads: width / size });
  const bands = Array.from({ length: height / size }, (_, band) => {
    const rows = Array.from({ length: size }, (_, i) => band * size + i);
    const flat = joined(
      rows.map((from) => ops.slice(columns, { axis: -2, from, to: from + 1 })),
      -1,
    );
    // [.., width / p, 1, p · p · channels] without its axis of length 1
    return ops.sum(flat, { axes: [-2], keep: false });
  });
  return joined(bands, -2);
}

function addPositions<T extends Shaped>(ops: Ops<T>, x: T, table: T, past: number): T {
  const to = past + (x.shape.at(-2) as number);
  const rows = table.shape[0];
  if (to > rows) throw new ShapeError(`positions: expected at most ${rows} tokens, got ${to}`);
  return ops.add(x, past === 0 && to === rows ? table : ops.slice(table, { axis: -2, from: past, to }));
}

/** For position p: sin(p/10000^(2i/width)) in channel 2i, the cosine in 2i + 1. */
function sinusoids<T extends Shaped>(ops: Ops<T>, x: T, past: number): T {
  const [n, width] = x.shape.slice(-2);
  const table = new Float64Array(n * width);
  for (let k = 0; k < width; k++) {
    const frequency = 10_000 ** (-(k - (k % 2)) / width);
    const wave = k % 2 ? Math.cos : Math.sin;
    for (let p = 0; p < n; p++) table[p * width + k] = wave((past + p) * frequency);
  }
  return ops.constant(tensor(table, [n, width]));
}
