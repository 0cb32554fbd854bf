/**
 * @file Models as safetensors files: parameters under their dotted names, the config in the header's metadata.
 * A file is untrusted: its config is completed like a user's, and its tensors must be exactly those the config asks for.
 */
import { type Network, parametersOf, ShapeError, show, UnsupportedError } from "@splineformer/tensor";
import { completeConfig, type ModelConfig } from "./config.ts";
import { modelOf } from "./models.ts";
import { fillParameters } from "./parameters.ts";
import { readSafetensors, SafetensorsError, writeSafetensors } from "./safetensors-format.ts";

/** The metadata's entries: what wrote the file, and the complete config as JSON, its `kind` first. */
const format = "splineformer";

/**
 * A model as the bytes of a safetensors file.
 *
 * Every number is stored as it is (F64 or F32), so loading gives the same model bit for bit. Other programs find the
 * parameters under their dotted names, `blocks.0.attention.query.weight` [in, out].
 *
 * @param model - what this package creates
 * @throws RangeError or ShapeError if the model's config and parameters are not those of a model of this package
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
export function saveSafetensors(model: Pick<Network<never, ModelConfig>, "config" | "parameters">): Uint8Array {
  const config = completeConfig("saveSafetensors", model.config);
  const named = new Map(Object.entries(parametersOf(model)));
  fillParameters("saveSafetensors", config, named);
  return writeSafetensors(named, {
    metadata: [
      ["format", format],
      ["config", JSON.stringify(config)],
    ],
  });
}

/**
 * The model that a file holds: an encoder, a decoder or an encoder–decoder, as `config.kind` says.
 *
 * @throws SafetensorsError if the bytes break the format, hold no model of this package, or a config and tensors that
 * do not agree
 * @throws UnsupportedError if a tensor has a type other than F64 and F32
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
    return modelOf(config, fillParameters("loadSafetensors", config, tensors)) as Network<string, ModelConfig>;
  } catch (error) {
    // the same checks as for options in a program, but here the file is at fault
    if (error instanceof RangeError || error instanceof ShapeError || error instanceof UnsupportedError)
      throw new SafetensorsError(error.message, { cause: error });
    throw error;
  }
}

function parseConfig(text: string | undefined): ModelConfig {
  try {
    if (text !== undefined) return JSON.parse(text);
  } catch {
    // told below
  }
  throw new SafetensorsError(`loadSafetensors: expected a config in JSON in the metadata, got ${show(text)}`);
}
