/**
 * @file The safetensors format: named tensors and a map of strings, in one file that is read without trust.
 * Nothing here knows models. Numbers are stored little-endian, rows first.
 *
 * ```text
 * 8 bytes   n, the header's length, unsigned
 * n bytes   the header: JSON { "__metadata__": { string: string }, name: { dtype, shape, data_offsets: [begin, end] }, … }
 * the rest  the tensors' bytes, one after another, without holes
 * ```
 *
 * Stricter than JSON: the header begins with `{`, names do not repeat, numbers are written in digits. A file is checked
 * whole before anything of its size is allocated, so what a reader holds is a small multiple of the file.
 */
import {
  cast,
  checkOptions,
  isTensor,
  required,
  type Shape,
  show,
  type Tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import { narrow, widen } from "./half-precision.ts";

/**
 * Thrown when bytes are no safetensors file, or no model of ours.
 *
 * @example
 * ```ts
 * import { readSafetensors, SafetensorsError } from "@splineformer/transformer";
 * try {
 *   readSafetensors(new Uint8Array(7));
 * } catch (error) {
 *   error instanceof SafetensorsError; // true
 * }
 * ```
 */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}

/** What a file holds. Maps, since names come from the file. */
export interface Safetensors {
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const maximumHeader = 100_000_000;
const metadataKey = "__metadata__";
/** How numbers may be stored, and as what they are read. */
const stored = { F64: "float64", F32: "float32", F16: "float32", BF16: "float32" } as const;
type StoredType = keyof typeof stored;
const itemSize = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;
const storedAs = { float64: "F64", float32: "F32", float16: "F16", bfloat16: "BF16" } as const;
const knownTypes = "F64, F32, F16 or BF16";

/** What `writeSafetensors` stores numbers as. */
export type StoredDType = keyof typeof storedAs;

/** Types of the format that have no tensor here. */
const foreign = ["F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"];

// both are in every runtime; the language's own types leave them to the platform's
declare const TextDecoder: new (
  label: string,
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/**
 * The tensors and metadata of a safetensors file.
 *
 * Numbers are copied, bit for bit; the bytes may lie at any offset. F16 and BF16 become float32, which holds all of
 * them. They may be NaN or infinite: the format allows it.
 *
 * @throws SafetensorsError if the bytes break a rule of the format
 * @throws UnsupportedError if a tensor has a type other than F64, F32, F16 and BF16
 * @source https://github.com/huggingface/safetensors#format
 * @example
 * ```ts
 * import { tensor } from "@splineformer/tensor";
 * import { readSafetensors, writeSafetensors } from "@splineformer/transformer";
 * const bytes = writeSafetensors([["a.b", tensor([[1, 2]])]], { metadata: [["made by", "hand"]] });
 * const { tensors, metadata } = readSafetensors(bytes);
 * tensors.get("a.b")?.data; // Float32Array [1, 2]
 * metadata.get("made by"); // "hand"
 * ```
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  if (!(bytes instanceof Uint8Array)) throw refusal("bytes in a Uint8Array", show(bytes));
  const { header, text, start } = readHeader(bytes);
  const metadata = readMetadata(header);
  const entries = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    .map(([name, value]) => readEntry(name, value));
  checkTokens(text, header);
  checkLayout(entries, bytes.length - start);
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    // a copy: the bytes may lie at any offset, and stay the caller's
    const raw = new Uint8Array(bytes.subarray(start + begin, start + end));
    if (!littleEndian) reverseItems(raw, itemSize[dtype]);
    tensors.set(name, { dtype: stored[dtype], shape, data: numbersOf(dtype, raw.buffer) });
  }
  return { tensors, metadata };
}

function numbersOf(dtype: StoredType, raw: ArrayBufferLike): Float64Array | Float32Array {
  if (dtype === "F64") return new Float64Array(raw);
  if (dtype === "F32") return new Float32Array(raw);
  return widen(dtype === "F16" ? "float16" : "bfloat16", new Uint16Array(raw));
}

/** A tensor as the header tells it. */
interface Entry {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/** `readSafetensors: expected …, got …`; values from the file are never shown at length. */
const refusal = (expected: string, got: string): SafetensorsError =>
  new SafetensorsError(`readSafetensors: expected ${expected}, got ${got}`);

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; text: string; start: number } {
  if (bytes.length < 8) throw refusal("at least 8 bytes", String(bytes.length));
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maximumHeader)) throw refusal(`a header of at most ${maximumHeader} bytes`, String(length));
  if (length > BigInt(bytes.length - 8))
    throw refusal("a header that ends within the file", `${length} bytes of header in ${bytes.length} bytes`);
  const start = 8 + Number(length);
  const text = decode(bytes.subarray(8, start));
  if (text[0] !== "{") throw refusal("a header that begins with {", text.length ? show(text[0]) : "nothing");
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw refusal("a header in JSON", show(error instanceof Error ? error.message : error));
  }
  return { header, text, start };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refusal("a header in UTF-8", "other bytes");
  }
}

/**
 * What JSON.parse hides: keys that repeat, and numbers written as 1.0, 1e3 or −0. `text` is the header's valid JSON.
 *
 * A key repeats exactly where the text has more of them than the parsed objects.
 */
function checkTokens(text: string, header: Readonly<Record<string, unknown>>): void {
  let parsed = Object.keys(header).length;
  for (const entry of Object.values(header)) parsed += Object.keys(entry as object).length;
  let written = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      for (i++; text[i] !== '"'; i++) if (text[i] === "\\") i++;
    } else if (c === ":") written++;
    else if (!plainCharacters.includes(c)) throw refusal("numbers written in digits", show(c));
  }
  if (written !== parsed) throw refusal("names that do not repeat", "one twice");
}

/** What else stands outside strings. */
const plainCharacters = "0123456789,{}[] \n\r\t";

function readMetadata(header: Readonly<Record<string, unknown>>): Map<string, string> {
  const found = new Map<string, string>();
  if (!Object.hasOwn(header, metadataKey)) return found;
  const metadata = header[metadataKey];
  if (!isRecord(metadata)) throw refusal(`${metadataKey} to be an object`, describe(metadata));
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") throw refusal(`${metadataKey} ${show(key)} to be a string`, describe(value));
    if (!isWellFormed(key) || !isWellFormed(value)) throw refusal(`${metadataKey} in Unicode`, "a lone surrogate");
    found.set(key, value);
  }
  return found;
}

function readEntry(name: string, value: unknown): Entry {
  const of = `of tensor ${show(name)}`;
  if (!isWellFormed(name)) throw refusal("names in Unicode", "a lone surrogate");
  if (!isRecord(value)) throw refusal(`the entry ${of} to be an object`, describe(value));
  for (const key of Object.keys(value))
    if (key !== "dtype" && key !== "shape" && key !== "data_offsets")
      throw refusal(`dtype, shape and data_offsets ${of}`, show(key));
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") throw refusal(`a dtype ${of}`, describe(dtype));
  if (foreign.includes(dtype))
    throw new UnsupportedError(`readSafetensors: expected dtype ${knownTypes} ${of}, got ${dtype}`);
  if (!Object.hasOwn(stored, dtype)) throw refusal(`dtype ${knownTypes} ${of}`, show(dtype));
  if (!isLengths(shape)) throw refusal(`a shape ${of} to be whole numbers below 2^53`, describe(shape));
  if (!isLengths(offsets) || offsets.length !== 2)
    throw refusal(`data_offsets ${of} to be two whole numbers`, describe(offsets));
  const [begin, end] = offsets;
  const size = byteSize(shape, itemSize[dtype as StoredType]);
  if (end < begin || end - begin !== size)
    throw refusal(`data_offsets ${of} to span the ${size} bytes of shape ${describe(shape)}`, `${begin} to ${end}`);
  return { name, dtype: dtype as StoredType, shape, begin, end };
}

/** Infinite as soon as a partial product is no exact whole number: a later 0 does not excuse an overflow. */
function byteSize(shape: Shape, item: number): number {
  let size = item;
  for (const length of shape) {
    size *= length;
    if (!Number.isSafeInteger(size)) return Number.POSITIVE_INFINITY;
  }
  return size;
}

/** Sorts by place; together the tensors must be all of the data, each byte once. */
function checkLayout(entries: Entry[], length: number): void {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at)
      throw refusal(
        `tensor ${show(name)} to begin at ${at}, where the one before ends`,
        `${begin}: ${begin < at ? "an overlap" : "a hole"}`,
      );
    at = end;
  }
  if (at !== length) throw refusal(`${at} bytes of data, where the last tensor ends`, String(length));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isLengths = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);
const describe = (value: unknown): string => (value === undefined ? "none" : show(value));

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The bytes of every item in reverse order, in place. */
export function reverseItems(bytes: Uint8Array, size: number): void {
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}

export interface WriteOptions {
  /** Pairs of strings. */
  readonly metadata?: Iterable<readonly [key: string, value: string]>;
  /** What all numbers are rounded to. Default: each tensor's own dtype. */
  readonly dtype?: StoredDType;
}

/**
 * A safetensors file of these tensors: larger numbers first, then by name, so that they lie at multiples of their size.
 *
 * @param tensors - names and float64 or float32 tensors: a Map, or `Object.entries(…)`
 * @param options - `metadata`: pairs of strings; `dtype`: what all numbers are rounded to (to nearest, ties to even),
 * by default each tensor's own
 * @throws RangeError if a name repeats or is `__metadata__`, a tensor has another dtype, or a finite number would become
 * infinite
 * @source https://github.com/huggingface/safetensors#format
 * @example
 * ```ts
 * import { tensor } from "@splineformer/tensor";
 * import { writeSafetensors } from "@splineformer/transformer";
 * // 8 bytes of length, 56 of header, 12 of data
 * writeSafetensors([["x", tensor([1, 2, 3])]]).length; // 76
 * ```
 */
export function writeSafetensors(
  tensors: Iterable<readonly [name: string, value: Tensor]>,
  options: WriteOptions = {},
): Uint8Array {
  checkOptions("writeSafetensors", options, ["metadata", "dtype"]);
  return fileOf("writeSafetensors", tensors, options);
}

/** What `writeSafetensors` does, in another function's name. */
export function fileOf(
  where: string,
  tensors: Iterable<readonly [name: string, value: Tensor]>,
  options: WriteOptions,
): Uint8Array {
  const { dtype: asked } = options;
  if (asked !== undefined)
    required(
      typeof asked === "string" && Object.hasOwn(storedAs, asked),
      where,
      `dtype to be one of ${Object.keys(storedAs).join(", ")}`,
      asked,
    );
  const header = new Map<string, object>();
  const metadata = pairs(where, "metadata as pairs of strings", options.metadata ?? []);
  for (const [key, value] of metadata)
    for (const text of [key, value])
      required(typeof text === "string" && isWellFormed(text), where, "metadata in Unicode strings", text);
  const keys = new Set<string>();
  for (const [key] of metadata)
    required(keys.size < keys.add(key).size, where, "metadata keys that do not repeat", key);
  if (metadata.length) header.set(metadataKey, Object.fromEntries(metadata));
  let end = 0;
  const placed: { readonly bytes: Uint8Array; readonly begin: number }[] = [];
  for (const { name, value, dtype } of inOrder(where, tensors, asked)) {
    if (header.has(name)) throw new RangeError(`${where}: expected names that do not repeat, got ${show(name)}`);
    const begin = end;
    const { buffer, byteOffset, byteLength } = bitsOf(where, name, value, dtype);
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    end += bytes.length;
    header.set(name, { dtype: storedAs[dtype], shape: value.shape, data_offsets: [begin, end] });
    placed.push({ bytes: littleEndian ? bytes : reversedItems(bytes, itemSize[storedAs[dtype]]), begin });
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(text.length / 8) * 8;
  required(length <= maximumHeader, where, `a header of at most ${maximumHeader} bytes`, length);
  const file = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(text, 8);
  for (const { bytes, begin } of placed) file.set(bytes, 8 + length + begin);
  return file;
}

function reversedItems(bytes: Uint8Array, size: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  reverseItems(copy, size);
  return copy;
}

type Named = { name: string; value: Tensor<"float32" | "float64">; dtype: StoredDType };

function pairs<V>(where: string, what: string, list: Iterable<readonly [string, V]>): (readonly [string, V])[] {
  const isList = typeof list === "object" && list !== null && typeof list[Symbol.iterator] === "function";
  const found = [...required(isList, where, what, list)];
  for (const pair of found) required(Array.isArray(pair) && pair.length === 2, where, what, pair);
  return found;
}

/** The numbers as they are stored, rounded once. */
function bitsOf(
  where: string,
  name: string,
  value: Named["value"],
  dtype: StoredDType,
): Float64Array | Float32Array | Uint16Array {
  if (dtype === value.dtype || dtype === "float64") return cast(value, dtype as "float64").data;
  const bits = dtype === "float32" ? cast(value, dtype).data : narrow(dtype, value.data);
  const back = bits instanceof Uint16Array ? widen(dtype as "float16", bits) : bits;
  const bad = back.findIndex((v, i) => !Number.isFinite(v) && Number.isFinite(value.data[i]));
  if (bad >= 0)
    throw new RangeError(
      `${where}: expected ${show(name)} to hold numbers that ${dtype} reaches, got ${value.data[bad]} at entry ${bad}`,
    );
  return bits;
}

function inOrder(where: string, tensors: Iterable<readonly [string, Tensor]>, asked: StoredDType | undefined): Named[] {
  const list = pairs(where, "tensors as pairs of a name and a tensor", tensors).map(([name, value]) => {
    const legal = typeof name === "string" && isWellFormed(name) && name !== metadataKey;
    required(legal, where, `a name in Unicode other than ${metadataKey}`, name);
    if (!isTensor(value)) throw new RangeError(`${where}: expected ${show(name)} to be a tensor, got ${show(value)}`);
    if (value.dtype !== "float32" && value.dtype !== "float64")
      throw new RangeError(`${where}: expected ${show(name)} of dtype float32 or float64, got ${value.dtype}`);
    return { name, value: value as Named["value"], dtype: asked ?? value.dtype };
  });
  const size = ({ dtype }: Named): number => itemSize[storedAs[dtype]];
  return list.sort((a, b) => size(b) - size(a) || Number(a.name > b.name) - Number(a.name < b.name));
}
