/**
 * @file `∫₀¹ ∇F(x(t)) dt` exactly: on every piece of the line the gradient is a polynomial in t, and Gauss–Legendre quadrature
 * integrates it without error. Letters: D the degree of F on a piece, so ∇F(x(t)) has at most D − 1; m nodes a piece.
 */
import { fromUnit } from "@splineformer/spline";
import {
  type Graph,
  pullback,
  type Shape,
  type SynchronousDevice,
  sizeOf,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import type { Path } from "../path.ts";
import { type FrozenPieces, freezePieces } from "./frozen-pieces.ts";
import { coefficientSizes, gaussLegendre } from "./gauss-legendre.ts";

/** A line, checked, and how it is integrated. */
interface GradientLine {
  /** Opened; its inputs are those that move. */
  readonly graph: Graph;
  readonly from: Readonly<Record<string, Tensor>>;
  readonly to: Readonly<Record<string, Tensor>>;
  readonly device: SynchronousDevice;
  readonly path: Path;
  /** The entry of the output. */
  readonly column: number;
  readonly nodes: "needed" | "all";
}

interface AveragedGradient {
  /** By the name of each moving input, of its shape. */
  readonly gradients: Readonly<Record<string, Float64Array>>;
  /** How many gradients were computed. */
  readonly nodes: number;
}

/** Points evaluated together, about. */
const together = 16;

/** The gradient averaged over the whole path; after every batch it says which part is done. */
export function* averagedGradient(line: GradientLine): Generator<number, AveragedGradient> {
  const { path, graph } = line;
  // degree D − 1 ≤ 2m − 1
  const full = Math.max(1, Math.ceil(path.degree / 2));
  const names = inputNames(graph);
  const sizes = names.map((name) => line.from[name].data.length);
  const columns = sizes.reduce((sum, n) => sum + n, 0);
  const total = new Float64Array(columns);
  let nodes = 0;
  let done = 0;
  /** By m, which tells how many pieces go together. */
  const frozenBy = new Map<number, FrozenPieces>();
  let open = path.pieces.map((_, i) => ({ i, m: line.nodes === "all" ? full : fewest(path.pieces[i].degree, full) }));
  while (open.length > 0) {
    const next: typeof open = [];
    for (const m of new Set(open.map((piece) => piece.m))) {
      const group = open.filter((piece) => piece.m === m);
      const batch = Math.max(1, Math.floor(together / m));
      const frozen = frozenBy.get(m) ?? freezePieces(graph, line.device, batch, batch * m);
      frozenBy.set(m, frozen);
      for (let first = 0; first < group.length; first += batch) {
        const chosen = group.slice(first, first + batch);
        const gradients = gradientsAt(line, frozen, chosen, batch, m);
        nodes += chosen.length * m;
        const { weights } = gaussLegendre(m);
        chosen.forEach(({ i }, q) => {
          const offset = q * m * columns;
          if (m < full && !settled(coefficientSizes(m, gradients, offset, columns))) {
            next.push({ i, m: Math.min(full, 2 * m - 1) });
            return;
          }
          done++;
          const half = 0.5 * (path.pieces[i].to - path.pieces[i].from);
          for (let j = 0; j < m; j++)
            for (let c = 0; c < columns; c++) total[c] += half * weights[j] * gradients[offset + j * columns + c];
        });
        yield done / path.pieces.length;
      }
    }
    open = next;
  }
  let at = 0;
  const parts = names.map((name, k) => {
    at += sizes[k];
    return [name, total.slice(at - sizes[k], at)] as const;
  });
  return { gradients: Object.fromEntries(parts), nodes };
}

/** Where to begin: as the output's measured degree asks, at least 3, so that a tail can be seen. */
const fewest = (measured: number, full: number): number => Math.min(full, Math.max(3, Math.ceil(measured / 2)));

/**
 * Whether what m nodes do not integrate, coefficients from 2m on, is below rounding. They are not seen, but the fall of the
 * measured ones is: geometric for a polynomial on an interval that is short beside the distance of its other features.
 */
function settled(sizes: Float64Array): boolean {
  const m = sizes.length;
  let most = 0;
  for (const size of sizes) most = Math.max(most, size);
  if (most === 0) return true;
  // two, since an even or odd polynomial lacks every other one
  const tail = Math.max(sizes[m - 1], sizes[m - 2]);
  if (tail <= 2 ** -52 * most) return true;
  const fall = (tail / most) ** (1 / (m - 2));
  return tail * fall ** (m + 2) <= 2 ** -54 * most;
}

/** The gradient at m nodes of each chosen piece: [piece, node, column]. */
function gradientsAt(
  line: GradientLine,
  frozen: FrozenPieces,
  chosen: readonly { readonly i: number }[],
  batch: number,
  m: number,
): Float64Array {
  const { path, device, column, graph } = line;
  const names = inputNames(graph);
  const sizes = names.map((name) => line.from[name].data.length);
  const columns = sizes.reduce((sum, n) => sum + n, 0);
  const out = new Float64Array(chosen.length * m * columns);
  const { output } = graph.outputs;
  const { nodes } = gaussLegendre(m);

  /** Some pieces' gradients at some nodes each, from entry `at` on. */
  const together = (pieces: readonly Path["pieces"][number][], places: Float64Array, at: number): void => {
    // a batch that is not full is filled up with its last piece
    const filled = frozen.batched
      ? Array.from({ length: batch }, (_, q) => pieces[Math.min(q, pieces.length - 1)])
      : pieces;
    const count = places.length;
    const batched = (n: number, shape: Shape): Shape => (frozen.batched ? [n, ...shape] : shape);
    // off the middle, where a unit may touch its knot
    const inside = filled.map(({ from, to }) => fromUnit(0.0178, from, to));
    const coefficients = frozen.coefficientsAt(
      pointsAt(line, inside, batched),
      inside.map((t) => path.flat.filter((unit) => unit.from <= t && t <= unit.to)),
    );
    const inputs = pointsAt(
      line,
      filled.flatMap(({ from, to }) => Array.from(places, (u) => fromUnit(u, from, to))),
      batched,
    );
    const points = filled.length * count;
    for (const node of frozen.graph.nodes) {
      const blocks = node.op === "input" ? coefficients[node.attributes.name] : undefined;
      if (node.op !== "input" || !blocks) continue;
      const size = blocks[0].length;
      const data = new Float64Array(points * size);
      for (let q = 0; q < points; q++) data.set(blocks[Math.floor(q / count)], q * size);
      inputs[node.attributes.name] = tensor(data, node.shape);
    }
    const width = sizeOf(output.shape);
    const cotangent = new Float64Array(points * width);
    for (let q = 0; q < points; q++) cotangent[q * width + column] = 1;
    const found = pullback(
      frozen.graph,
      device,
      { inputs },
      { output: tensor(cotangent, batched(points, output.shape)) },
      { wanted: (leaf) => leaf.op === "input" && names.includes(leaf.attributes.name) },
    ).inputs;
    let offset = 0;
    names.forEach((name, k) => {
      const data = found[name].data as Float64Array;
      for (let q = 0; q < pieces.length * count; q++)
        out.set(data.subarray(q * sizes[k], (q + 1) * sizes[k]), at + q * columns + offset);
      offset += sizes[k];
    });
  };

  const pieces = chosen.map(({ i }) => path.pieces[i]);
  if (frozen.batched) together(pieces, nodes, 0);
  else
    pieces.forEach((piece, p) => {
      nodes.forEach((u, j) => {
        together([piece], Float64Array.of(u), (p * m + j) * columns);
      });
    });
  return out;
}

/** x(t) at several places, by input name. */
function pointsAt(
  { graph, from, to }: GradientLine,
  places: readonly number[],
  batched: (n: number, shape: Shape) => Shape,
): Record<string, Tensor> {
  return Object.fromEntries(
    inputNames(graph).map((name) => {
      const [a, b] = [from[name].data, to[name].data];
      const data = new Float64Array(places.length * a.length);
      places.forEach((t, q) => {
        for (let k = 0; k < a.length; k++) data[q * a.length + k] = (1 - t) * a[k] + t * b[k];
      });
      return [name, tensor(data, batched(places.length, from[name].shape))];
    }),
  );
}

const inputNames = (graph: Graph): string[] =>
  graph.nodes.flatMap((node) => (node.op === "input" ? [node.attributes.name] : []));
