/** @file Which model and which two inputs `splineformer path` reads: the shipped digits, or files. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import {
  type Given,
  isTensor,
  type Nested,
  type Network,
  parametersOf,
  show,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import { loadJson, loadSafetensors } from "@splineformer/transformer";
import { shippedDigits } from "../shipped-digits.ts";

/** What is read, and how to speak of it. */
export interface Line {
  readonly name: string;
  readonly model: Network;
  readonly parameters: number;
  readonly from: Given<string>;
  readonly to: Given<string>;
  readonly labels: readonly [from: string, to: string];
}

export interface LineArguments {
  /** A saved model, `.safetensors` or `.json`; default the shipped one. */
  readonly model?: string;
  /** A JSON file, or for the shipped model a digit; "3b" is the second 3. */
  readonly from?: string;
  readonly to?: string;
}

/**
 * @throws RangeError if a file does not hold what is expected, or there is no such digit
 */
export async function lineOf({ model: file, from, to }: LineArguments): Promise<Line> {
  if (file === undefined) return digitsLine(from ?? "3", to ?? "8");
  if (from === undefined || to === undefined)
    throw new RangeError(`path: expected --from and --to with a model of your own, got ${show({ from, to })}`);
  const bytes = await readFile(file);
  const model = (file.endsWith(".json") ? loadJson(bytes.toString("utf8")) : loadSafetensors(bytes)) as Network;
  const [start, stop] = [await inputOf(from), await inputOf(to)];
  return {
    name: basename(file),
    model,
    parameters: countOf(model),
    from: start,
    to: stop,
    labels: [basename(from), basename(to)],
  };
}

async function digitsLine(from: string, to: string): Promise<Line> {
  const { model, images, labels, found } = await shippedDigits();
  const size = images.data.length / labels.length;
  const end = async (text: string): Promise<{ input: Given<string>; label: string }> => {
    if (text.endsWith(".json")) return { input: await inputOf(text), label: basename(text) };
    const [, digit, which] = /^([0-9])([ab]?)$/.exec(text) ?? [];
    if (digit === undefined)
      throw new RangeError(
        `path: expected a digit 0 to 9 (3 or 3a, 3b the second), or a .json file, got ${show(text)}`,
      );
    const places = [...labels.keys()].filter((i) => labels[i] === Number(digit));
    const i = places[which === "b" ? 1 : 0];
    const input = tensor(Float64Array.from(images.data.subarray(i * size, (i + 1) * size)), images.shape.slice(1));
    const read = found[i] === labels[i] ? "" : `, read as ${found[i]}`;
    return { input, label: `a handwritten ${digit}${which === "b" ? " (the second)" : ""}${read}` };
  };
  const [start, stop] = [await end(from), await end(to)];
  return {
    name: "the shipped digit model",
    model: model as unknown as Network,
    parameters: countOf(model as unknown as Network),
    from: start.input,
    to: stop.input,
    labels: [start.label, stop.label],
  };
}

/** Nested arrays of numbers, or such by input name. */
async function inputOf(file: string): Promise<Given<string>> {
  const text = await readFile(file, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RangeError(
      `path: expected ${file} to hold JSON, got ${error instanceof Error ? error.message : show(error)}`,
    );
  }
  const numbers = (nested: unknown): Tensor => tensor(nested as Nested, { dtype: "float64" });
  if (Array.isArray(value)) return numbers(value);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, nested]) => [name, numbers(nested)]));
  throw new RangeError(
    `path: expected ${file} to hold nested arrays of numbers, or such by input name, got ${show(value)}`,
  );
}

const countOf = (model: Network): number =>
  Object.values(parametersOf(model)).reduce((sum, { data }) => sum + data.length, 0);

/** Tensors by name, whatever was given. */
export const byName = (model: Network, x: Given<string>): Readonly<Record<string, Tensor>> =>
  isTensor(x) ? { [Object.keys(model.inputs)[0]]: x } : x;

/** How a model cuts its image, if it does. */
export function patchesOf(config: unknown): { readonly width: number; readonly size: number } | undefined {
  const { patches } = (config ?? {}) as { readonly patches?: unknown };
  return typeof patches === "object" && patches !== null && "size" in patches && "width" in patches
    ? (patches as { width: number; size: number })
    : undefined;
}
