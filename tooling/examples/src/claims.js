/**
 * @file What a comment in an example claims, and whether it is true.
 * `parseClaim` reads the text after `//`; `mismatch` compares a value with it. The rules are in the README beside.
 */

/**
 * A value as it stands in a comment.
 *
 * @typedef {NumberClaim
 *   | { kind: "constant", value: unknown, text: string }
 *   | { kind: "string", value: string, open: boolean }
 *   | { kind: "array", tag: string | undefined, items: Expected[], open: boolean }
 *   | { kind: "object", tag: string | undefined, entries: [string, Expected][], open: boolean }} Expected
 *
 * @typedef {object} NumberClaim
 * @property {"number"} kind
 * @property {number} value
 * @property {string} text - its digits as printed
 * @property {boolean} truncated - `0.693…`: further digits follow
 * @property {boolean} rounded - `≈ 0.69`: rounded to the digits printed
 *
 * @typedef {{ kind: "value", value: Expected }
 *   | { kind: "bound", relation: "<" | "≤" | ">" | "≥", limit: number, text: string }
 *   | { kind: "throws", name: string | undefined, message: string | undefined }} Claim
 */

/** What may follow a value in its comment; everything after it is for the reader. */
const prose = /^(?:$|\s*[,;:.](?:\s|$)|\s+[=(–—-](?=[\s\w(]))/;

const digits = /^[+-]?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?/i;

/**
 * The claim of a comment.
 *
 * @param {string} comment - the text after `//`
 * @returns {Claim | undefined} undefined if it claims nothing that can be checked
 */
export function parseClaim(comment) {
  const text = comment
    .replace(/^\s*→/, "")
    .trim()
    .replace(/[−](?=[\d.I])/g, "-");
  const thrown = /^(?:throws|rejects)\b(?:\s+(?:an? )?([A-Z]\w*))?(?::\s*(\S.*))?/.exec(text);
  if (thrown !== null && (thrown[2] !== undefined || prose.test(text.slice(thrown[0].length)))) {
    return { kind: "throws", name: thrown[1], message: thrown[2] };
  }
  // the house's messages begin with the function's name
  const message = /^throws\s+([a-z]\w*: .*)/.exec(text)?.[1];
  if (message !== undefined) return { kind: "throws", name: undefined, message };
  const bound = /^(<=|>=|[<>≤≥])\s*/.exec(text);
  if (bound !== null) {
    const number = digits.exec(text.slice(bound[0].length));
    if (number === null || !prose.test(text.slice(bound[0].length + number[0].length))) return undefined;
    const relation = /** @type {"<" | "≤" | ">" | "≥"} */ (bound[1].replace("<=", "≤").replace(">=", "≥"));
    return { kind: "bound", relation, limit: toNumber(number[0]), text };
  }
  const reader = new Reader(text);
  const value = reader.value();
  return value !== undefined && prose.test(reader.rest()) ? { kind: "value", value } : undefined;
}

/**
 * How a value differs from a claimed one, for a person; undefined if it doesn't.
 *
 * @param {unknown} actual
 * @param {Expected} expected
 * @param {string} [at] - where in the value, `[2].x`
 * @returns {string | undefined}
 */
export function mismatch(actual, expected, at = "") {
  const differs = () => `expected ${at === "" ? "" : `${at} = `}${print(expected)}, got ${show(actual)}`;
  switch (expected.kind) {
    case "number":
      return (typeof actual === "number" || typeof actual === "bigint") && agrees(actual, expected)
        ? undefined
        : differs();
    case "constant":
      return Object.is(actual, expected.value) ? undefined : differs();
    case "string":
      if (typeof actual !== "string") return differs();
      return actual === expected.value || (expected.open && actual.startsWith(expected.value)) ? undefined : differs();
    case "array": {
      const items = itemsOf(actual);
      if (items === undefined || !hasTag(actual, expected.tag)) return differs();
      if (expected.open ? items.length < expected.items.length : items.length !== expected.items.length)
        return differs();
      return first(expected.items.map((item, i) => () => mismatch(items[i], item, `${at}[${i}]`)));
    }
    case "object": {
      if (typeof actual !== "object" || actual === null || !hasTag(actual, expected.tag)) return differs();
      const record = /** @type {Record<string, unknown>} */ (actual);
      const missing = expected.entries.some(([key]) => !(key in record));
      // as in assertions: a key that holds undefined is not there
      const count = Object.keys(record).filter((key) => record[key] !== undefined).length;
      if (missing || (!expected.open && count !== expected.entries.length)) return differs();
      return first(
        expected.entries.map(
          ([key, value]) =>
            () =>
              mismatch(record[key], value, `${at}.${key}`),
        ),
      );
    }
  }
}

/**
 * How printed text differs from the text beside an example; undefined if it doesn't. Blanks at the ends of lines
 * don't count. `…` stands for further digits after a digit, for the rest of a word or line elsewhere, and alone on
 * a line for any lines.
 *
 * @param {string} actual
 * @param {string} expected
 * @returns {string | undefined}
 */
export function textMismatch(actual, expected) {
  const pattern = lines(expected)
    .map((line) => (line.trim() === "…" ? "(?:.*\n)*?" : `${linePattern(line)}\n`))
    .join("");
  const printed = lines(actual).map((line) => `${line}\n`);
  if (new RegExp(`^${pattern}$`).test(printed.join(""))) return undefined;
  return `expected the output\n${expected}\n\ngot\n${actual}`;
}

/** @param {string} line */
function linePattern(line) {
  const [start = "", ...rest] = line.split("…");
  let pattern = literally(start);
  let before = start;
  for (const part of rest) {
    pattern += /\d$/.test(before) ? "\\d*" : ".*";
    pattern += literally(part);
    before = part;
  }
  return pattern;
}

/** @param {string} text */
function literally(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** @param {string} text */
function lines(text) {
  return text
    .replace(/\s+$/, "")
    .split("\n")
    .map((line) => line.trimEnd());
}

/**
 * Whether a number is the one printed:
 *
 * - `0.693…`: its digits begin like that;
 * - `≈ 0.69`, or three decimals and more: rounded to the last digit printed, it is that;
 * - else: it is that number up to the rounding of float32, the coarsest kind of number here (integers from 2²⁴ on exactly).
 *
 * @param {number | bigint} actual
 * @param {NumberClaim} claim
 * @returns {boolean}
 */
function agrees(actual, { value, text, truncated, rounded }) {
  if (typeof actual === "bigint") return actual === BigInt(text.replaceAll("_", ""));
  if (Object.is(actual, value) || (actual === 0 && value === 0 && !truncated)) return true;
  if (!Number.isFinite(actual) || !Number.isFinite(value)) return false;
  const [mantissa = "", exponent = "0"] = text.toLowerCase().replaceAll("_", "").split("e");
  const decimals = mantissa.split(".").at(1)?.length ?? 0;
  const unit = 10 ** (Number(exponent) - decimals);
  if (truncated) {
    const sign = text.startsWith("-") ? -1 : 1;
    // a claim like 0.30… must not fail for 0.30000000000000004 or because 0.1 is no binary fraction
    const excess = sign * actual - Math.abs(value);
    return excess >= -Number.EPSILON * Math.abs(value) && excess < unit;
  }
  if (rounded || decimals >= 3) return Math.abs(actual - value) <= (unit / 2) * (1 + Number.EPSILON);
  if (decimals === 0 && exponent === "0" && Math.abs(value) >= 2 ** 24) return false;
  return Math.fround(actual) === Math.fround(value);
}

/**
 * The items of what may stand as `[…]`: an array, a typed array, anything else that iterates, or a tensor by its rows.
 *
 * @param {unknown} value
 * @returns {unknown[] | undefined}
 */
function itemsOf(value) {
  if (typeof value !== "object" || value === null) return undefined;
  if (isTensor(value)) return rows(value.data, value.shape);
  if (ArrayBuffer.isView(value) || Array.isArray(value)) return Array.from(/** @type {ArrayLike<unknown>} */ (value));
  return Symbol.iterator in value ? [.../** @type {Iterable<unknown>} */ (value)] : undefined;
}

/**
 * @param {object} value
 * @returns {value is { shape: readonly number[], data: ArrayLike<unknown> }}
 */
function isTensor(value) {
  return "shape" in value && "data" in value && Array.isArray(value.shape) && ArrayBuffer.isView(value.data);
}

/**
 * @param {ArrayLike<unknown>} data
 * @param {readonly number[]} shape
 * @returns {unknown[]} nested arrays
 */
function rows(data, shape) {
  const all = Array.from(data);
  if (shape.length < 2) return all;
  const [count, ...inner] = shape;
  const size = inner.reduce((product, length) => product * length, 1);
  return Array.from({ length: count }, (_, i) => rows(all.slice(i * size, (i + 1) * size), inner));
}

/**
 * @param {unknown} value
 * @param {string | undefined} tag
 */
function hasTag(value, tag) {
  return tag === undefined || /** @type {object} */ (value).constructor?.name === tag;
}

/**
 * @param {(() => string | undefined)[]} comparisons
 * @returns {string | undefined} the first complaint
 */
function first(comparisons) {
  for (const compare of comparisons) {
    const complaint = compare();
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

/**
 * A value in one line, as a comment would print it.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function show(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  const items = itemsOf(value);
  if (items !== undefined) return `[${items.map(show).join(", ")}]`;
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${show(inner)}`)
    .join(", ")} }`;
}

/**
 * @param {Expected} expected
 * @returns {string}
 */
function print(expected) {
  switch (expected.kind) {
    case "number":
      return `${expected.rounded ? "≈ " : ""}${expected.text}${expected.truncated ? "…" : ""}`;
    case "constant":
      return expected.text;
    case "string":
      return `${JSON.stringify(expected.value)}${expected.open ? "…" : ""}`;
    case "array":
      return `[${[...expected.items.map(print), ...(expected.open ? ["…"] : [])].join(", ")}]`;
    case "object": {
      const entries = expected.entries.map(([key, value]) => `${key}: ${print(value)}`);
      return `{ ${[...entries, ...(expected.open ? ["…"] : [])].join(", ")} }`;
    }
  }
}

/** @param {string} text */
function toNumber(text) {
  return Number(text.replaceAll("_", ""));
}

/** @type {ReadonlyMap<string, unknown>} */
const constants = new Map(
  Object.entries({
    true: true,
    false: false,
    null: null,
    undefined,
    NaN: Number.NaN,
    Infinity: Number.POSITIVE_INFINITY,
  }),
);

/** Reads one value from the start of a text, and knows what is left. */
class Reader {
  /** @type {string} */
  #text;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  rest() {
    return this.#text;
  }

  /** @returns {Expected | undefined} */
  value() {
    this.#take(/^\s+/);
    const rounded = this.#take(/^[≈~]\s*/) !== undefined;
    if (this.#take(/^-Infinity\b/) !== undefined) {
      return { kind: "constant", value: Number.NEGATIVE_INFINITY, text: "-Infinity" };
    }
    const number = this.#take(digits);
    if (number !== undefined) {
      const truncated = this.#take(/^(?:…|\.\.\.)/) !== undefined;
      const exponent = truncated ? (this.#take(/^e[+-]?\d+/i) ?? "") : "";
      this.#take(/^n\b/);
      const text = number + exponent;
      return { kind: "number", value: toNumber(text), text, truncated, rounded };
    }
    if (rounded) return undefined;
    const string = this.#take(/^"(?:[^"\\]|\\.)*"|^'(?:[^'\\]|\\.)*'/);
    if (string !== undefined) {
      const inner = string.slice(1, -1);
      const value = string.startsWith('"') ? JSON.parse(string) : inner.replace(/\\(.)/g, "$1");
      const open = this.#take(/^…/) !== undefined || value.endsWith("…");
      return { kind: "string", value: value.endsWith("…") ? value.slice(0, -1) : value, open };
    }
    const typed = this.#take(/^[A-Z]\w*Array\.of\(/)?.replace(".of(", "");
    if (typed !== undefined) return this.#array(typed, "\\)");
    const tag = this.#take(/^[A-Z]\w*(?:\(\d+\))?\s*(?=[[{])/)?.replace(/\(.*|\s+$/g, "");
    if (this.#take(/^\[/) !== undefined) return this.#array(tag);
    if (this.#take(/^\{/) !== undefined) return this.#object(tag);
    const word = this.#take(/^[A-Za-z]+\b/);
    if (word === undefined || !constants.has(word)) return undefined;
    return { kind: "constant", value: constants.get(word), text: word };
  }

  /**
   * @param {string | undefined} tag
   * @param {string} [close] - as in a regular expression
   * @returns {Expected | undefined}
   */
  #array(tag, close = "\\]") {
    const end = new RegExp(`^\\s*${close}`);
    /** @type {Expected[]} */
    const items = [];
    let open = false;
    while (this.#take(end) === undefined) {
      if (this.#take(/^\s*(?:…|\.\.\.)/) !== undefined) {
        open = true;
      } else {
        const item = open ? undefined : this.value();
        if (item === undefined) return undefined;
        items.push(item);
      }
      if (this.#take(/^\s*,/) === undefined && !end.test(this.#text)) return undefined;
    }
    return { kind: "array", tag, items, open };
  }

  /**
   * @param {string | undefined} tag
   * @returns {Expected | undefined}
   */
  #object(tag) {
    /** @type {[string, Expected][]} */
    const entries = [];
    let open = false;
    while (this.#take(/^\s*\}/) === undefined) {
      if (this.#take(/^\s*(?:…|\.\.\.)/) !== undefined) {
        open = true;
      } else {
        const key = this.#take(/^\s*(?:[\w$]+|"[^"]*"|'[^']*')\s*:/);
        const value = key === undefined ? undefined : this.value();
        if (key === undefined || value === undefined) return undefined;
        entries.push([
          key
            .replace(/:$/, "")
            .trim()
            .replace(/^["']|["']$/g, ""),
          value,
        ]);
      }
      if (this.#take(/^\s*,/) === undefined && !/^\s*\}/.test(this.#text)) return undefined;
    }
    return { kind: "object", tag, entries, open };
  }

  /**
   * @param {RegExp} pattern
   * @returns {string | undefined} what it matched, now taken off
   */
  #take(pattern) {
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#text = this.#text.slice(match[0].length);
    return match[0];
  }
}
