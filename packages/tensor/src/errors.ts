/**
 * @file The two errors of the house. Every message reads `function: expected <thing> <condition>, got <value>`,
 * and a reading of a graph adds the place: `… at block 0/attention/norm`.
 */

/**
 * Thrown when sizes do not fit together.
 *
 * @example
 * ```ts
 * import { reference, ShapeError, tensor } from "@splineformer/tensor";
 * try {
 *   reference.matmul(tensor([[1, 2]]), tensor([[3]]), {});
 * } catch (error) {
 *   error instanceof ShapeError; // true
 * }
 * ```
 */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/**
 * Thrown when a question has no answer here: the degree of a smooth network, say, or an operation a device lacks.
 *
 * @example
 * ```ts
 * import { UnsupportedError } from "@splineformer/tensor";
 * new UnsupportedError("degree: expected a polynomial, got softmax").name; // "UnsupportedError"
 * ```
 */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}

/** How a value that came is shown in a message: short, and never `[object Object]`. */
export const show = (value: unknown): string => showDown(value, 3);

/** `depth`: how far nested values are written out; what came may be nested without end. */
function showDown(value: unknown, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`;
  const inner = (v: unknown): string => (depth > 0 ? showDown(v, depth - 1) : "…");
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(inner).join(", ")}${value.length > 8 ? ", …" : ""}]`;
  if (value instanceof Promise) return "a promise";
  if (typeof value === "object" && value !== null) {
    const { name = "Object" }: { name?: string } = Object.getPrototypeOf(value)?.constructor ?? {};
    if (name !== "Object") return `a ${name}`;
    const entries = Object.entries(value).slice(0, 6);
    if (entries.length === 0) return "{}";
    return `{ ${entries.map(([key, v]) => `${key.slice(0, 40)}: ${inner(v)}`).join(", ")} }`;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}
