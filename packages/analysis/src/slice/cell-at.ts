/**
 * @file The cell around a place of the plane: which piece every unit is in there, and the polynomial in a and b that the
 * network is on it. Letters: x(a, b) = origin + a·u + b·v, P the polynomial.
 */
import { evaluate, record, type Shape, sizeOf, type Tensor } from "@splineformer/tensor";
import { type Unit, unitOf } from "../causes.ts";
import { monomialSymbols, operationsOn, type SymbolSum } from "../local/algebra.ts";
import { freezeAt } from "../local/frozen-graph.ts";
import { full } from "../local/monomials.ts";
import type { Plane } from "./plane.ts";
import { patternKey } from "./scanline.ts";

/** A term `coefficients · aⁱ bʲ`. */
export interface PlaneTerm {
  readonly powers: readonly [i: number, j: number];
  /** Of the output's shape. */
  readonly coefficients: Tensor<"float64">;
}

/** A unit, and the piece it is in: for ReLU 0 is off and 1 is on. */
export type UnitInPiece = Unit & { readonly piece: number };

/** What a network is around a place of the plane. */
export interface CellAt {
  readonly a: number;
  readonly b: number;
  /** Its cell, a place in `slice.cells`; undefined where the cell lies between two scanlines and meets none. */
  readonly cell: number | undefined;
  /** The pattern: every unit that depends on the place, with its piece. */
  readonly pattern: readonly UnitInPiece[];
  /** The degree of P in a and b together; coefficients that rounding explains do not count. */
  readonly degree: number;
  /** The terms of P, by ascending degree. */
  readonly terms: readonly PlaneTerm[];
  /** P(a, b), whether or not the place lies in the cell. */
  evaluate(a: number, b: number): Tensor<"float64">;
}

/** What holds at a place. @param cellOf - the cell there with a pattern of this key */
export function readCell(plane: Plane, a: number, b: number, cellOf: (key: number) => number | undefined): CellAt {
  const { graph, gates, device, where } = plane;
  const frozen = freezeAt(where, graph, plane.point(a, b), device);
  const known = new Map(frozen.gates.map(({ node, pattern }) => [node, pattern]));
  const key = patternKey();
  key.start(plane, known);
  const shapes: Record<string, Shape> = {};
  const inputs: Record<string, SymbolSum<string>> = {};
  for (const [name, { shape }] of Object.entries(plane.origin)) {
    shapes[name] = shape;
    // "0" stands for a, "1" for b
    const parts = new Map<string, Tensor>([["", plane.origin[name]]]);
    if (plane.u[name].data.some((x) => x !== 0)) parts.set("0", plane.u[name]);
    if (plane.v[name].data.some((x) => x !== 0)) parts.set("1", plane.v[name]);
    inputs[name] = { shape, parts };
  }
  const own = record((ops, values) => evaluate(frozen.graph, ops, { inputs: values }).output, shapes, { keep: [] });
  const { shape } = own.outputs.output;
  let terms: readonly PlaneTerm[] | undefined;
  const all = (): readonly PlaneTerm[] => {
    if (terms) return terms;
    const operations = operationsOn(
      device,
      monomialSymbols(() => {}),
    );
    const { parts } = evaluate(own, operations, { inputs }).output;
    terms = [...parts]
      .map(([symbols, coefficients]): PlaneTerm => {
        const factors = symbols === "" ? [] : symbols.split(",");
        const j = factors.filter((factor) => factor === "1").length;
        return { powers: [factors.length - j, j], coefficients: full(coefficients, shape) };
      })
      .filter(({ coefficients }) => coefficients.data.some((c) => c !== 0))
      .sort((p, q) => degreeOf(p) - degreeOf(q) || p.powers[1] - q.powers[1]);
    return terms;
  };
  return {
    a,
    b,
    cell: cellOf(key.value()),
    get pattern() {
      return gates.flatMap(({ node }) =>
        Array.from(known.get(node) ?? [], (piece, entry) => ({ ...unitOf(node, entry), piece })),
      );
    },
    get degree() {
      let largest = 0;
      for (const { coefficients } of all()) for (const c of coefficients.data) largest = Math.max(largest, Math.abs(c));
      // sums of products of a few hundred terms: some bits are lost
      const counts = ({ coefficients }: PlaneTerm): boolean =>
        coefficients.data.some((c) => Math.abs(c) > 2 ** -44 * largest);
      return Math.max(0, ...all().filter(counts).map(degreeOf));
    },
    get terms() {
      return all();
    },
    evaluate(p, q) {
      const out = new Float64Array(sizeOf(shape));
      for (const { powers, coefficients } of all()) {
        const factor = p ** powers[0] * q ** powers[1];
        for (let k = 0; k < out.length; k++) out[k] += factor * coefficients.data[k];
      }
      return { dtype: "float64", shape, data: out };
    },
  };
}

const degreeOf = ({ powers: [i, j] }: PlaneTerm): number => i + j;
