import { forward, type Network, parametersOf, type Random, random, zeros } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import {
  createDecoder,
  createEncoder,
  createTransformer,
  loadSafetensors,
  type ModelConfig,
  SafetensorsError,
  saveSafetensors,
} from "../src/index.ts";

// both are in every runtime; the language's own types leave them to the platform's
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const tiny = { layers: 1, width: 2, heads: 1, hidden: 2 } as const;
const files: readonly Uint8Array[] = [
  saveSafetensors(createEncoder(tiny)),
  saveSafetensors(createEncoder({ ...tiny, input: 3, output: 2, positions: { learned: 5 }, norm: "layer" }), {
    dtype: "float16",
  }),
  saveSafetensors(createEncoder({ ...tiny, dtype: "float64", tokens: 3, input: 1, pool: "mean" })),
  saveSafetensors(createDecoder({ ...tiny, norm: "rms" }), { dtype: "bfloat16" }),
  saveSafetensors(createTransformer(tiny)),
];

const headerOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))));
const dataOf = (bytes: Uint8Array): Uint8Array =>
  bytes.subarray(8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)));

function assembled(header: Uint8Array, data: Uint8Array, length = BigInt(header.length)): Uint8Array {
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  bytes.set(header, 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}

/** The file with its header read as JSON, changed, and written again. */
function withEntries(
  bytes: Uint8Array,
  change: (
    header: Record<string, { dtype: string; shape: unknown[]; data_offsets: unknown[] }>,
    names: string[],
  ) => void,
): Uint8Array {
  const header = JSON.parse(headerOf(bytes));
  change(
    header,
    Object.keys(header).filter((name) => name !== "__metadata__"),
  );
  return assembled(new TextEncoder().encode(JSON.stringify(header)), dataOf(bytes));
}

const numbers = [-1, 0, 1, 2, 3, 7, 2 ** 31, 2 ** 40, 2 ** 53, 1e300, 0.5, null, "4", [1], {}, true];

/** What may be done to a file; each is given a stream of random numbers. */
const mutations: Readonly<Record<string, (bytes: Uint8Array, draw: Random) => Uint8Array>> = {
  truncation: (bytes, draw) => bytes.slice(0, draw.integer(bytes.length)),
  "trailing bytes": (bytes, draw) => {
    const longer = new Uint8Array(bytes.length + 1 + draw.integer(16));
    longer.set(bytes);
    return longer;
  },
  "flipped bits": (bytes, draw) => {
    const changed = bytes.slice();
    for (let left = 1 + draw.integer(3); left > 0; left--) changed[draw.integer(bytes.length)] ^= 1 << draw.integer(8);
    return changed;
  },
  "other letters in the header": (bytes, draw) => {
    const changed = bytes.slice();
    const length = headerOf(bytes).length;
    for (let left = 1 + draw.integer(2); left > 0; left--) changed[8 + draw.integer(length)] = 32 + draw.integer(95);
    return changed;
  },
  "another header length": (bytes, draw) => {
    const lengths = [
      0n,
      1n,
      7n,
      BigInt(bytes.length),
      2n ** 32n,
      2n ** 63n,
      2n ** 64n - 1n,
      BigInt(draw.integer(4000)),
    ];
    return assembled(new TextEncoder().encode(headerOf(bytes)), dataOf(bytes), lengths[draw.integer(lengths.length)]);
  },
  "invalid UTF-8": (bytes, draw) => {
    const changed = bytes.slice();
    changed[8 + draw.integer(headerOf(bytes).length)] = 128 + draw.integer(128);
    return changed;
  },
  "a name twice": (bytes, draw) => {
    const header = headerOf(bytes).trimEnd();
    const names = [...header.matchAll(/"([\w.]+)":\{"dtype"/g)].map((found) => found[1]);
    const [one, other] = [names[draw.integer(names.length)], names[draw.integer(names.length)]];
    return assembled(
      new TextEncoder().encode(header.replace(`"${one}":{"dtype"`, `"${other}":{"dtype"`)),
      dataOf(bytes),
    );
  },
  "a hole or an overlap": (bytes, draw) =>
    withEntries(bytes, (header, names) => {
      const offsets = header[names[draw.integer(names.length)]].data_offsets as number[];
      const shift = [-8, -4, -2, 2, 4, 8][draw.integer(6)];
      offsets[0] += shift;
      if (draw.integer(2)) offsets[1] += shift;
    }),
  "two tensors in each other's place": (bytes, draw) =>
    withEntries(bytes, (header, names) => {
      const [a, b] = [names[draw.integer(names.length)], names[draw.integer(names.length)]];
      [header[a], header[b]] = [header[b], header[a]];
    }),
  "another number in a shape or an offset": (bytes, draw) =>
    withEntries(bytes, (header, names) => {
      const entry = header[names[draw.integer(names.length)]];
      const list = draw.integer(2) ? entry.shape : entry.data_offsets;
      list[draw.integer(list.length + 1)] = numbers[draw.integer(numbers.length)];
    }),
  "another dtype": (bytes, draw) =>
    withEntries(bytes, (header, names) => {
      header[names[draw.integer(names.length)]].dtype = ["F64", "F32", "F16", "BF16", "I8", "F4"][draw.integer(6)];
    }),
  "a tensor less": (bytes, draw) =>
    withEntries(bytes, (header, names) => {
      delete header[names[draw.integer(names.length)]];
    }),
  "another value in the config": (bytes, draw) =>
    withEntries(bytes, (header) => {
      const metadata = (header as unknown as { __metadata__: { config: string } }).__metadata__;
      const values = [...numbers, "none", "relu", "first", "rms", { learned: 2 ** 40 }, 1e4, 2 ** 52];
      const parts: object[] = [];
      const config = JSON.parse(metadata.config, (_, value) => {
        if (typeof value === "object" && value !== null) parts.push(value);
        return value;
      });
      const part = parts[draw.integer(parts.length)] as Record<string, unknown>;
      const keys = Object.keys(part);
      part[keys[draw.integer(keys.length)]] = values[draw.integer(values.length)];
      metadata.config = JSON.stringify(config);
    }),
};

/** A model that was let in runs. */
function runs(model: Network<string, ModelConfig>): void {
  const inputs = Object.entries(model.inputs).map(([name, shape]) => [
    name,
    zeros(shape.map((n) => (typeof n === "number" ? n : 2))),
  ]);
  expect(forward(model, Object.fromEntries(inputs)).shape.length).toBe(2);
  expect(Object.keys(parametersOf(model)).length).toBeGreaterThan(0);
}

describe("a hostile file is refused by a named error, or is a model:", () => {
  it.each(Object.entries(mutations))("%s", (_, mutate) => {
    const draw = random(11);
    let refused = 0;
    const rounds = 400;
    for (let round = 0; round < rounds; round++) {
      const bytes = mutate(files[round % files.length], draw);
      let model: Network<string, ModelConfig> | undefined;
      try {
        model = loadSafetensors(bytes);
      } catch (error) {
        refused++;
        const named =
          error instanceof SafetensorsError || String(error).startsWith("UnsupportedError: readSafetensors: ");
        if (!named) throw error;
        const { message } = error as Error;
        expect(message).toMatch(/^(load|read)Safetensors: .*expected .*, got /s);
        expect(message.length).toBeLessThan(700);
      }
      if (model) runs(model);
    }
    expect(refused).toBeGreaterThan(rounds / 10);
  });

  it("whatever the order and the number of the mutations", () => {
    const draw = random(13);
    const all = Object.values(mutations);
    for (let round = 0; round < 600; round++) {
      try {
        let bytes = files[round % files.length];
        for (let left = 2 + draw.integer(3); left > 0; left--) {
          try {
            bytes = mutate(bytes, draw, all);
          } catch {
            // what is no header any more can't be changed as one
          }
        }
        runs(loadSafetensors(bytes));
      } catch (error) {
        if (!(error instanceof SafetensorsError) && !String(error).startsWith("UnsupportedError: readSafetensors: "))
          throw error;
      }
    }
  });
});

const mutate = (bytes: Uint8Array, draw: Random, all: (typeof mutations)[string][]): Uint8Array =>
  all[draw.integer(all.length)](bytes, draw);
