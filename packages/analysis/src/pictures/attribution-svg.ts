/**
 * @file Attributions as a picture: a cell for every entry of a matrix (a pixel, or a feature of a token), or for every patch of it
 * (a token) with its sum. One hue for what speaks for the output, another for what speaks against it.
 */
import { checkOptions, required, ShapeError, show, showShape, type Tensor } from "@splineformer/tensor";
import { label, picture, px, short } from "./svg.ts";

export interface AttributionSvgOptions {
  /** Sums over patches of this size, written in the cells; a row of features is a patch of height 1. Default: every entry. */
  readonly patch?: { readonly height: number; readonly width: number };
  /** What the darkest colour stands for; two pictures with one scale can be compared. Default: the largest |value|. */
  readonly scale?: number;
  readonly title?: string;
  /** Width of the picture in pixels. Default 300. */
  readonly size?: number;
}

/**
 * A matrix of attributions as coloured cells.
 *
 * @param attributions - [rows, columns], an image or [tokens, features]; leading axes of length 1 do not matter
 * @throws ShapeError if it is no matrix, or patches do not fill it
 * @example
 * ```ts
 * import { attributionSvg } from "@splineformer/analysis";
 * import { tensor } from "@splineformer/tensor";
 * const svg = attributionSvg(tensor([[1, -2], [0, 4]]), { patch: { height: 1, width: 2 } });
 * svg.includes(">-1</text>"); // true: 1 − 2
 * ```
 */
export function attributionSvg(attributions: Tensor, options: AttributionSvgOptions = {}): string {
  const where = "attributionSvg";
  checkOptions(where, options, ["patch", "scale", "title", "size"]);
  const { patch = { height: 1, width: 1 }, title = "Attributions", size = 300 } = options;
  const { shape, data } = attributions;
  const [rows, columns] = shape.length >= 2 ? shape.slice(-2) : [1, shape[0] ?? 0];
  if (rows * columns !== data.length || data.length === 0)
    throw new ShapeError(`${where}: expected a matrix of attributions, got shape ${showShape(shape)}`);
  required(size > 0 && Number.isFinite(size), where, "size > 0", size);
  const fits = [patch.height, patch.width].every((n) => Number.isInteger(n) && n >= 1);
  if (!fits || rows % patch.height !== 0 || columns % patch.width !== 0)
    throw new ShapeError(`${where}: expected patches that fill ${showShape([rows, columns])}, got ${show(patch)}`);
  const [down, across] = [rows / patch.height, columns / patch.width];
  const sums = new Float64Array(down * across);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      sums[Math.floor(r / patch.height) * across + Math.floor(c / patch.width)] += data[r * columns + c];
  let most = 0;
  for (const v of sums) most = Math.max(most, Math.abs(v));
  const { scale = most } = options;
  const margin = 12;
  const top = 34;
  const cell = (size - 2 * margin) / across;
  const tall = cell * (patch.height / patch.width > 1 / 8 ? 1 : 0.5);
  const written = options.patch !== undefined && cell >= 24;
  const cells = Array.from(sums, (v, k) => {
    const [r, c] = [Math.floor(k / across), k % across];
    const [x, y] = [margin + c * cell, top + r * tall];
    const strength = scale > 0 ? Math.min(1, Math.abs(v) / scale) : 0;
    const box =
      strength > 0.002
        ? `<rect x="${px(x)}" y="${px(y)}" width="${px(cell)}" height="${px(tall)}" fill="var(--${v > 0 ? "more" : "less"})" fill-opacity="${(written ? 0.65 * strength : strength).toFixed(3)}"/>`
        : "";
    return `${box}${written ? label(x + cell / 2, y + tall / 2 + 4, short(Number(v.toPrecision(3))), 'text-anchor="middle" font-size="11"') : ""}`;
  });
  const sum = sums.reduce((a, b) => a + b, 0);
  const described = `Sum ${short(sum)}; strongest ${short(most)}; ${down} by ${across} cells.`;
  const frame = `<rect x="${margin}" y="${top}" width="${px(across * cell)}" height="${px(down * tall)}" fill="none" stroke="var(--line)"/>`;
  return picture(
    size,
    top + down * tall + margin,
    title,
    described,
    [label(margin, 20, title, 'font-weight="600" font-size="13"'), ...cells, frame].join("\n"),
  );
}
