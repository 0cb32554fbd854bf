/**
 * @file What every public function of this package asks of its arguments, in one wording:
 * `function: expected <thing> <condition>, got <value>`.
 */

/** The error of the house; `got` is shown as a reader would write it. */
export function refusal(name: string, expected: string, got: unknown): RangeError {
  return new RangeError(`${name}: expected ${expected}, got ${show(got)}`);
}

/** A short text for any value: strings quoted, long lists cut. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const items = Array.from(value as unknown as ArrayLike<unknown>);
    return `[${items.slice(0, 6).map(show).join(", ")}${items.length > 6 ? `, … (${items.length})` : ""}]`;
  }
  return typeof value === "object" && value !== null ? `{ ${Object.keys(value).join(", ")} }` : String(value);
}

/** Matrices of a degree have its square of entries, and beyond a few hundred digits are lost anyway. */
const largestDegree = 10_000;

/** A polynomial degree: an integer from 0 (or `least`) to 10,000. */
export function checkDegree(name: string, degree: number, thing = "degree", least = 0): void {
  if (!Number.isInteger(degree) || degree < least) throw refusal(name, `${thing} an integer ≥ ${least}`, degree);
  if (degree > largestDegree) throw refusal(name, `${thing} at most ${largestDegree}`, degree);
}

/** A finite number. */
export function checkFinite(name: string, value: number, thing: string): void {
  if (typeof value !== "number" || !Number.isFinite(value)) throw refusal(name, `${thing} finite`, value);
}

/** A relative tolerance: no number is known to less than 2⁻⁵³ of its size. */
export function checkTolerance(name: string, tolerance: number): void {
  if (!(tolerance >= 2 ** -53 && tolerance < 1)) throw refusal(name, "tolerance in [2^-53, 1)", tolerance);
}

/** A list of finite numbers (an array or a typed array). */
export function checkNumbers(name: string, values: ArrayLike<number>, thing: string): void {
  if (typeof values !== "object" || values === null || typeof values.length !== "number")
    throw refusal(name, `${thing} an array of numbers`, values);
  for (let i = 0; i < values.length; i++)
    if (typeof values[i] !== "number" || !Number.isFinite(values[i]))
      throw refusal(name, `${thing}[${i}] finite`, values[i]);
}

/** At least two finite numbers, strictly increasing. */
export function checkIncreasing(name: string, values: ArrayLike<number>, thing: string): void {
  checkNumbers(name, values, thing);
  if (values.length < 2) throw refusal(name, `${thing} to hold at least 2 numbers`, values.length);
  for (let i = 1; i < values.length; i++)
    if (!(values[i] > values[i - 1]))
      throw new RangeError(
        `${name}: expected ${thing} strictly increasing, got ${values[i - 1]}, ${values[i]} at index ${i - 1}`,
      );
  if (!Number.isFinite(values[values.length - 1] - values[0]))
    throw refusal(name, `${thing} to span a finite length`, values);
}

/** An options record with known keys only: a misspelt option is refused, not ignored. */
export function checkOptions(name: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw refusal(name, "options an object", options);
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw refusal(name, `options among ${known.join(", ")}`, key);
}

/** One of the given words. */
export function checkChoice(name: string, value: unknown, thing: string, choices: readonly string[]): void {
  if (typeof value !== "string" || !choices.includes(value))
    throw refusal(name, `${thing} one of ${choices.map(show).join(", ")}`, value);
}
