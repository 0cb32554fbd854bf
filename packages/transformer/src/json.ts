/**
 * @file Tiny models as JSON text: what a person can read, write by hand and paste into a page. A larger one belongs into
 * safetensors, a third of the size. A text is untrusted, as a file is: its config is completed like a user's, and its
 * parameters must be exactly those the config asks for.
 */
import {
  allocate,
  type Network,
  parametersOf,
  required,
  type Shape,
  ShapeError,
  show,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import { completeConfig, type ModelConfig } from "./config.ts";
import { modelOf } from "./models.ts";
import { fillParameters } from "./parameters.ts";

/** What the text says of itself. */
const format = "splineformer";

/**
 * A model as JSON: `{ format, config, parameters }`, each parameter under its dotted name with its dtype and its rows.
 *
 * Every number is written with as many digits as it takes to read the same bits, and −0 as such.
 *
 * @param model - what this package creates
 * @throws RangeError or ShapeError if the model's config and parameters are not those of a model of this package
 * @example
 * ```ts
 * import { createEncoder, loadJson, saveJson } from "@splineformer/transformer";
 * import { parametersOf, tensor, withParameters } from "@splineformer/tensor";
 * const drawn = createEncoder({ layers: 0, width: 2, heads: 1, output: 1 });
 * const model = withParameters(drawn, { "output.weight": tensor([[0.1], [-2]]) });
 * saveJson(model).split("\n")[4]; // '  "output.weight": {"dtype":"float32","values":[[0.1],[-2]]},'
 * const again = parametersOf(loadJson(saveJson(model)))["output.weight"];
 * again.data[0] === Math.fround(0.1); // true
 * ```
 */
export function saveJson(model: Pick<Network<never, ModelConfig>, "config" | "parameters">): string {
  required(typeof model === "object" && model !== null, "saveJson", "a model", model);
  const config = completeConfig("saveJson", model.config);
  const named = parametersOf(model);
  fillParameters("saveJson", config, new Map(Object.entries(named)));
  const lines = Object.entries(named).map(
    ([name, x]) => `  ${JSON.stringify(name)}: {"dtype":"${x.dtype}","values":${written(x)}}`,
  );
  const parameters = lines.length > 0 ? `{\n${lines.join(",\n")}\n}` : "{}";
  return `{\n"format": "${format}",\n"config": ${JSON.stringify(config)},\n"parameters": ${parameters}\n}\n`;
}

/**
 * The model that a JSON text of `saveJson` holds: an encoder, a decoder or an encoder–decoder, as `config.kind` says.
 *
 * In a text written by hand, options that are missing from the config get their defaults, a bias may be missing, and a dtype
 * is `"float32"` unless given.
 *
 * @throws RangeError, ShapeError or UnsupportedError, named `loadJson`, if the text is no JSON, a name repeats, or config and
 * parameters are not those of a model of this package
 * @example
 * ```ts
 * import { loadJson } from "@splineformer/transformer";
 * import { forward, tensor, toNested } from "@splineformer/tensor";
 * const model = loadJson(`{
 *   "format": "splineformer",
 *   "config": { "kind": "encoder", "layers": 0, "width": 2, "heads": 1, "output": 1 },
 *   "parameters": { "output.weight": { "values": [[3], [-2]] } }
 * }`);
 * toNested(forward(model, tensor([[5, 7]]))); // [[1]]
 * ```
 */
export function loadJson(text: string): Network<string, ModelConfig> {
  const where = "loadJson";
  const found = fieldsOf("a model", parsed(text), ["format", "config", "parameters"]);
  required(found.format === format, where, `format ${show(format)}`, found.format);
  const config = completeConfig(where, found.config as ModelConfig);
  const named = new Map<string, Tensor>();
  required(isRecord(found.parameters), where, "parameters by name", found.parameters);
  for (const [name, value] of Object.entries(found.parameters as object)) named.set(name, readParameter(name, value));
  const parameters = fillParameters(where, config, named);
  // JSON.parse keeps the last of two; all objects are known to be shallow here
  required(namesIn(text) === keysOf(found), where, "names that do not repeat", "one twice");
  return modelOf(config, parameters) as Network<string, ModelConfig>;
}

function parsed(text: string): unknown {
  required(typeof text === "string", "loadJson", "a text", text);
  try {
    return JSON.parse(text);
  } catch {
    throw new RangeError(`loadJson: expected JSON, got ${show(text)}`);
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An object that has no other fields. */
function fieldsOf(what: string, value: unknown, fields: readonly string[]): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw new RangeError(`loadJson: expected ${what} { ${fields.join(", ")} }, got ${show(value)}`);
  for (const key of Object.keys(value))
    required(fields.includes(key), "loadJson", `${what} { ${fields.join(", ")} }`, key);
  return value;
}

/** Weights are tables, everything else is a row; room for what may come. */
const maximumAxes = 4;

function readParameter(name: string, value: unknown): Tensor {
  const of = `parameter ${show(name)}`;
  const { dtype = "float32", values } = fieldsOf(of, value, ["dtype", "values"]);
  if (dtype !== "float32" && dtype !== "float64")
    throw new RangeError(`loadJson: expected ${of} of dtype float32 or float64, got ${show(dtype)}`);
  const shape: number[] = [];
  for (let part: unknown = values; Array.isArray(part); part = part[0]) {
    shape.push(part.length);
    if (shape.length > maximumAxes)
      throw new ShapeError(`loadJson: expected ${of} of at most ${maximumAxes} axes, got more`);
  }
  // a list too many times in itself can't be written in JSON, so this is no more than the text holds
  const entries = numbersOf(of, values, shape);
  const data = allocate(dtype, entries.length);
  data.set(entries);
  return { dtype, shape, data };
}

/** The numbers of nested lists in their order, if the lists are of these lengths. */
function numbersOf(of: string, values: unknown, shape: Shape): number[] {
  const found: number[] = [];
  const visit = (part: unknown, depth: number): void => {
    if (depth === shape.length) {
      if (typeof part !== "number") throw new RangeError(`loadJson: expected ${of} of numbers, got ${show(part)}`);
      found.push(part);
    } else if (Array.isArray(part) && part.length === shape[depth]) for (const inner of part) visit(inner, depth + 1);
    else
      throw new ShapeError(
        `loadJson: expected ${of} of lists of ${shape[depth]}, got ${Array.isArray(part) ? `one of ${part.length}` : show(part)}`,
      );
  };
  visit(values, 0);
  return found;
}

/** How many names stand in a valid JSON text. */
function namesIn(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++)
    if (text[i] === '"') {
      for (i++; text[i] !== '"'; i++) if (text[i] === "\\") i++;
    } else if (text[i] === ":") count++;
  return count;
}

/** How many names an object has, with those of the objects in it. */
function keysOf(value: unknown): number {
  if (!isRecord(value)) return 0;
  return Object.values(value).reduce((sum: number, inner) => sum + keysOf(inner), Object.keys(value).length);
}

/** Nested lists. */
function written({ shape, data, dtype }: Tensor): string {
  const digits = dtype === "float32" ? shortest : plain;
  const part = (axis: number, from: number): string => {
    if (axis === shape.length) return digits(data[from]);
    const size = sizeOf(shape.slice(axis + 1));
    return `[${Array.from({ length: shape[axis] }, (_, i) => part(axis + 1, from + i * size)).join(",")}]`;
  };
  return part(0, 0);
}

/** The shortest digits that read as the same float64. */
const plain = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));

/** The shortest that read as the same float32: nine always do. */
function shortest(x: number): string {
  // its digits would lose the sign
  if (x === 0) return plain(x);
  for (let precision = 6; precision < 9; precision++) {
    const rounded = Number(x.toPrecision(precision));
    if (Math.fround(rounded) === x) return plain(rounded);
  }
  return plain(Number(x.toPrecision(9)));
}
