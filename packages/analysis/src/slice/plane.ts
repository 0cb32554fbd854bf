/**
 * @file A window of a plane through inputs, checked, and the graph on it: every gate's units numbered in one row.
 * Letters: x(a, b) = origin + a·u + b·v.
 */
import {
  type Applied,
  type Given,
  type Graph,
  type Network,
  type SynchronousDevice,
  show,
  type Tensor,
} from "@splineformer/tensor";
import { type Unit, unitOf } from "../causes.ts";
import { type LineGraph, prepare } from "../engine/line-graph.ts";
import { type Inputs, lineInputs, pointInputs } from "../line-inputs.ts";

/** A part of the plane. */
export interface SliceWindow {
  readonly a: readonly [from: number, to: number];
  readonly b: readonly [from: number, to: number];
}

interface PlaneGate {
  readonly node: Applied;
  /** The number of its first unit. */
  readonly first: number;
  readonly count: number;
}

export interface Plane {
  readonly where: string;
  readonly window: SliceWindow;
  readonly line: LineGraph;
  readonly graph: Graph;
  readonly gates: readonly PlaneGate[];
  readonly origin: Inputs;
  readonly u: Inputs;
  readonly v: Inputs;
  readonly device: SynchronousDevice;
  /** x(a, b), of the inputs that move. */
  point(a: number, b: number): Inputs;
  /** A unit by its number. */
  unit(number: number): Unit;
  /** Gives the workspace back. */
  close(): void;
}

export interface PlaneQuestion {
  readonly origin: Given<string>;
  readonly u: Given<string>;
  readonly v: Given<string>;
  readonly window: SliceWindow;
  readonly device: SynchronousDevice;
}

/** Checks the question, and prepares the graph once for all lines of the plane. */
export function planeOf(where: string, source: Network | Graph, question: PlaneQuestion): Plane {
  const { window, device } = question;
  checkWindow(where, window);
  const read = (name: "origin" | "u" | "v"): Inputs => pointInputs(`${where}: ${name}`, source, question[name]).x;
  const all = { origin: read("origin"), u: read("u"), v: read("v") };
  checkDirections(where, all.u, all.v);
  // another input, different wherever the plane is not a point
  const other: Record<string, Tensor> = {};
  for (const [name, { shape, data }] of Object.entries(all.origin))
    other[name] = {
      dtype: "float64",
      shape,
      data: Float64Array.from(data, (x, i) =>
        all.u[name].data[i] === 0 && all.v[name].data[i] === 0 ? x : x === 0 ? 1 : 0,
      ),
    };
  const { graph, from, to } = lineInputs(where, source, all.origin, other);
  const line = prepare({ where, graph, from, to, device });
  const names = Object.keys(from);
  const own = (inputs: Inputs): Inputs => Object.fromEntries(names.map((name) => [name, inputs[name]]));
  const [origin, u, v] = [own(all.origin), own(all.u), own(all.v)];
  let units = 0;
  const gates = line.levels.flat().flatMap((node): PlaneGate[] => {
    const gate = line.gates[node.id];
    if (!gate) return [];
    units += gate.columns;
    return [{ node: node as Applied, first: units - gate.columns, count: gate.columns }];
  });
  const point = (a: number, b: number): Inputs =>
    Object.fromEntries(
      names.map((name) => [
        name,
        {
          dtype: "float64",
          shape: origin[name].shape,
          data: Float64Array.from(origin[name].data, (x, i) => x + a * u[name].data[i] + b * v[name].data[i]),
        } as Tensor,
      ]),
    );
  for (const a of window.a)
    for (const b of window.b)
      for (const [name, { data }] of Object.entries(point(a, b)))
        if (!data.every(Number.isFinite))
          throw new RangeError(
            `${where}: expected a plane of finite numbers, got others in ${show(name)} at (${a}, ${b})`,
          );
  return {
    where,
    window,
    line,
    graph,
    gates,
    origin,
    u,
    v,
    device,
    point,
    unit(number) {
      const gate = gates.findLast(({ first }) => first <= number) as PlaneGate;
      return unitOf(gate.node, number - gate.first);
    },
    close: () => line.memory.close(),
  };
}

function checkWindow(where: string, window: SliceWindow): void {
  for (const axis of ["a", "b"] as const) {
    const range: unknown = window[axis];
    const fits =
      Array.isArray(range) && range.length === 2 && range.every((x) => Number.isFinite(x)) && range[0] < range[1];
    if (!fits)
      throw new RangeError(`${where}: expected window.${axis} to be two ascending numbers, got ${show(range)}`);
  }
}

/** Two directions span a plane if what is left of one beside the other is more than rounding. */
function checkDirections(where: string, u: Inputs, v: Inputs): void {
  const numbers = (x: Inputs): number[] => Object.values(x).flatMap(({ data }) => Array.from(data));
  const unit = (x: number[]): number[] | undefined => {
    const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (largest === 0) return undefined;
    const scaled = x.map((value) => value / largest);
    const length = Math.sqrt(dot(scaled, scaled));
    return scaled.map((value) => value / length);
  };
  const [p, q] = [unit(numbers(u)), unit(numbers(v))];
  if (!p || !q) throw new RangeError(`${where}: expected ${p ? "v" : "u"} to be a direction, got zeros`);
  const along = dot(p, q);
  const rest = Math.sqrt(q.reduce((sum, value, i) => sum + (value - along * p[i]) ** 2, 0));
  // a sum of n rounded products of unit vectors is off by √n·2⁻⁵³ or so
  if (!(rest > Math.sqrt(p.length) * 2 ** -46))
    throw new RangeError(`${where}: expected u and v that span a plane, got two on one line`);
}

const dot = (p: readonly number[], q: readonly number[]): number => p.reduce((sum, value, i) => sum + value * q[i], 0);
