/** @file Which plane `splineformer slice` reads: through three of the shipped digits, or three files. */
import type { PlaneOptions } from "@splineformer/analysis";
import { type Given, type Network, show, type Tensor, tensor } from "@splineformer/tensor";
import { byName, lineOf } from "../path/line.ts";

export interface PlaneArguments {
  /** A saved model, `.safetensors` or `.json`; default the shipped one. */
  readonly model?: string;
  /** Three inputs: JSON files, or for the shipped model digits. */
  readonly inputs: readonly string[];
  readonly rows: number;
  /** Which row of the output holds the classes. Default: the only row. */
  readonly row?: readonly number[];
}

/** What is read, and how to speak of it. */
export interface ReadPlane {
  readonly name: string;
  readonly model: Network;
  readonly parameters: number;
  readonly labels: readonly string[];
  readonly options: PlaneOptions;
  /** x(a, b). */
  point(a: number, b: number): Readonly<Record<string, Tensor>>;
}

/**
 * @throws RangeError if a file does not hold what is expected, or there is no such digit
 */
export async function planeOf({ model, inputs, rows, row }: PlaneArguments): Promise<ReadPlane> {
  if (inputs.length !== 3) throw new RangeError(`slice: expected three inputs, as 3,8,9, got ${show(inputs)}`);
  const [first, right, up] = inputs;
  const file = model === undefined ? {} : { model };
  const across = await lineOf({ ...file, from: first, to: right });
  const upwards = await lineOf({ ...file, from: first, to: up });
  const from = byName(across.model, across.from);
  const less = (x: Given<string>): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(byName(across.model, x)).map(([name, { shape, data }]) => [
        name,
        tensor(
          Float64Array.from(data, (v, k) => v - (from[name]?.data[k] ?? Number.NaN)),
          shape,
        ),
      ]),
    );
  const [u, v] = [less(across.to), less(upwards.to)];
  return {
    name: across.name,
    model: across.model,
    parameters: across.parameters,
    labels: [across.labels[0], across.labels[1], upwards.labels[1]],
    options: { origin: from, u, v, rows, ...(row && { row }) },
    point: (a, b) =>
      Object.fromEntries(
        Object.entries(from).map(([name, { shape, data }]) => [
          name,
          tensor(
            Float64Array.from(data, (x, k) => x + a * u[name].data[k] + b * v[name].data[k]),
            shape,
          ),
        ]),
      ),
  };
}
