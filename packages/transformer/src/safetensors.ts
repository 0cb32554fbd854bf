/**
 * @file Models as safetensors files: parameters under their dotted names, the config in the header's metadata.
 * A file is untrusted: its config is completed like a user's, and its tensors must be exactly those the config asks for.
 */
import {
  checkOptions,
  type Network,
  parametersOf,
  required,
  ShapeError,
  show,
  type Tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import { completeConfig, type ModelConfig } from "./config.ts";
import { modelOf } from "./models.ts";
import { fillParameters, type ParametersOf, refuseMissing } from "./parameters.ts";
import { fileOf, readSafetensors, SafetensorsError, type StoredDType } from "./safetensors-format.ts";

/**
 * The metadata's entries: `format`, what wrote the file; `config`, the complete config as JSON, its `kind` first; and
 * `absent`, a list of the biases that the model does without, if there are any.
 */
const format = "splineformer";

export interface SaveOptions {
  /** What all numbers are rounded to. Default: each parameter's own dtype. */
  readonly dtype?: StoredDType;
}

/**
 * A model as the bytes of a safetensors file.
 *
 * By default every number is stored as it is (F64 or F32), so loading gives the same model bit for bit. Other programs
 * find the parameters under their dotted names, `blocks.0.attention.query.weight` [in, out].
 *
 * @param model - what this package creates
 * @param options - `dtype`: what all numbers are rounded to, to nearest, ties to even; float16 and bfloat16 halve the file
 * @throws RangeError or ShapeError if the model's config and parameters are not those of a model of this package, or a
 * number does not fit the dtype
 * @example
 * ```ts
 * import { forward, tensor, toNested } from "@splineformer/tensor";
 * import { createEncoder, loadSafetensors, saveSafetensors } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 1, width: 2, heads: 1, seed: 3 });
 * const again = loadSafetensors(saveSafetensors(model));
 * const x = tensor([[1, -2], [3, 0]]);
 * String(toNested(forward(again, x))) === String(toNested(forward(model, x))); // true
 * ```
 */
export function saveSafetensors(
  model: Pick<Network<never, ModelConfig>, "config" | "parameters">,
  options: SaveOptions = {},
): Uint8Array {
  required(typeof model === "object" && model !== null, "saveSafetensors", "a model", model);
  checkOptions("saveSafetensors", options, ["dtype"]);
  const config = completeConfig("saveSafetensors", model.config);
  const named = new Map(Object.entries(parametersOf(model)));
  const absent: string[] = [];
  fillParameters("saveSafetensors", config, named, (name) => absent.push(name));
  return fileOf("saveSafetensors", named, {
    ...options,
    metadata: [
      ["format", format],
      ["config", JSON.stringify(config)],
      ...(absent.length ? [["absent", JSON.stringify(absent)] as const] : []),
    ],
  });
}

/**
 * The model that a file holds: an encoder, a decoder or an encoder–decoder, as `config.kind` says.
 *
 * The file must hold every tensor that its config asks for, and no other; biases that a model was made without are named
 * in the metadata. F16 and BF16 become float32.
 *
 * @throws SafetensorsError if the bytes break the format, hold no model of this package, or a config and tensors that
 * do not agree
 * @throws UnsupportedError if a tensor has a type other than F64, F32, F16 and BF16
 * @example
 * ```ts
 * import { createDecoder, loadSafetensors, saveSafetensors } from "@splineformer/transformer";
 * loadSafetensors(saveSafetensors(createDecoder({ layers: 1, width: 2, heads: 1 }))).config.kind; // "decoder"
 * ```
 */
export function loadSafetensors(bytes: Uint8Array): Network<string, ModelConfig> {
  const { tensors, metadata } = readSafetensors(bytes);
  const made = metadata.get("format");
  if (made !== format)
    throw new SafetensorsError(`loadSafetensors: expected metadata format ${show(format)}, got ${show(made)}`);
  try {
    const config = completeConfig("loadSafetensors", parseConfig(metadata.get("config")));
    return modelOf(config, loadParameters(config, tensors, metadata.get("absent"))) as Network<string, ModelConfig>;
  } catch (error) {
    // the same checks as for options in a program, but here the file is at fault
    if (error instanceof RangeError || error instanceof ShapeError || error instanceof UnsupportedError)
      throw new SafetensorsError(error.message, { cause: error });
    throw error;
  }
}

function loadParameters(
  config: ModelConfig,
  tensors: ReadonlyMap<string, Tensor>,
  list: string | undefined,
): ParametersOf<ModelConfig, Tensor> {
  const where = "loadSafetensors";
  const absent = new Set(list === undefined ? [] : parseNames(list));
  for (const name of absent)
    if (tensors.has(name))
      throw new RangeError(`${where}: expected no parameter ${show(name)}, as the metadata says, got one`);
  const parameters = fillParameters(where, config, tensors, (name, shape) => {
    if (!absent.delete(name)) refuseMissing(where, name, shape);
  });
  for (const name of absent) required(false, where, "absent biases of this config in the metadata", name);
  return parameters;
}

function parseNames(text: string): string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((name) => typeof name === "string")) return list;
  } catch {
    // told below
  }
  throw new SafetensorsError(
    `loadSafetensors: expected absent biases as a list of names in JSON in the metadata, got ${show(text)}`,
  );
}

function parseConfig(text: string | undefined): ModelConfig {
  try {
    if (text !== undefined) return JSON.parse(text);
  } catch {
    // told below
  }
  throw new SafetensorsError(`loadSafetensors: expected a config in JSON in the metadata, got ${show(text)}`);
}
