/**
 * @file Runs one compiled example and compares what it computes and prints with what it claims.
 * It needs nothing but Node, so that an example also runs in a folder with nothing but the packed packages.
 */
import { format, stripVTControlCharacters } from "node:util";
import { mismatch, parseClaim, show, textMismatch } from "./claims.js";

/**
 * @typedef {object} Source
 * @property {string} place - file and line of the example
 * @property {readonly { place: string, code: string, comment: string }[]} claims
 * @property {readonly string[]} [errors] - what is wrong with it before it runs
 *
 * @typedef {ReturnType<typeof checks>} Checks - what a compiled example calls
 */

/**
 * Runs an example.
 *
 * @param {Source} source
 * @param {(checks: Checks) => Promise<void>} body - the compiled example
 * @returns {Promise<void>}
 * @throws Error that names file, line and claim
 */
export async function runExample({ place, claims, errors = [] }, body) {
  if (errors.length > 0) throw new ClaimError(errors.join("\n"));
  /** @type {unknown[][]} */
  const printed = [];
  const { log } = console;
  console.log = (...args) => {
    printed.push(args);
  };
  try {
    await body(checks(claims, printed));
  } catch (error) {
    if (error instanceof ClaimError) throw error;
    throw new Error(`${place}: the example threw ${show(error)}`, { cause: error });
  } finally {
    console.log = log;
  }
}

/** What is reported as it is; any other error came out of the example. */
class ClaimError extends Error {}

/**
 * @param {Source["claims"]} claims
 * @param {unknown[][]} printed - the arguments of every `console.log` so far
 */
function checks(claims, printed) {
  let compared = 0;

  /**
   * @param {number} index
   * @param {string | undefined} complaint
   */
  const report = (index, complaint) => {
    if (complaint === undefined) return;
    const { place, code } = claims[index];
    throw new ClaimError(`${place}: ${code}\n  ${complaint}`);
  };

  /**
   * @param {unknown} error
   * @param {number} index
   */
  const compareError = (error, index) => {
    const claim = parseClaim(claims[index].comment);
    if (claim?.kind !== "throws") return report(index, "expected a claim that it throws");
    if (!(error instanceof Error)) return report(index, `expected an Error, got ${show(error)}`);
    const isNamed = claim.name === undefined || claim.name === error.name || claim.name === error.constructor.name;
    if (!isNamed) return report(index, `expected ${claim.name}, got ${show(error)}`);
    if (claim.message !== undefined && textMismatch(error.message, claim.message) !== undefined) {
      return report(index, `expected the message "${claim.message}", got "${error.message}"`);
    }
    return undefined;
  };

  return {
    /**
     * @template T
     * @param {T} actual
     * @param {number} index
     * @returns {T}
     */
    value(actual, index) {
      const claim = parseClaim(claims[index].comment);
      if (claim?.kind === "bound") report(index, outside(actual, claim));
      else if (claim?.kind === "value") report(index, mismatch(actual, claim.value));
      else report(index, "expected a claim about a value");
      return actual;
    },

    /**
     * @param {() => unknown} f - may return a promise
     * @param {number} index
     */
    async throws(f, index) {
      let value;
      try {
        value = await f();
      } catch (error) {
        return compareError(error, index);
      }
      return report(index, `expected an error, got ${show(value)}`);
    },

    /**
     * @param {() => unknown} f
     * @param {number} index
     */
    throwsAtOnce(f, index) {
      let value;
      try {
        value = f();
      } catch (error) {
        return compareError(error, index);
      }
      return report(index, `expected an error, got ${show(value)}`);
    },

    /**
     * The last `console.log`: as text, or as the one value it was given.
     *
     * @param {number} index
     */
    printed(index) {
      const args = printed.at(-1) ?? [];
      const { comment } = claims[index];
      const text = textMismatch(toText([args]), comment);
      const claim = args.length === 1 ? parseClaim(comment) : undefined;
      if (text !== undefined && claim?.kind === "value") report(index, mismatch(args[0], claim.value));
      else if (claim?.kind === "bound") report(index, outside(args[0], claim));
      else report(index, text);
    },

    /**
     * Everything printed since the last comparison.
     *
     * @param {number} index
     */
    output(index) {
      const text = toText(printed.slice(compared));
      compared = printed.length;
      report(index, textMismatch(text, claims[index].comment));
    },
  };
}

/**
 * @param {unknown} actual
 * @param {Extract<import("./claims.js").Claim, { kind: "bound" }>} bound
 * @returns {string | undefined}
 */
function outside(actual, { relation, limit, text }) {
  const holds =
    typeof actual === "number" &&
    { "<": actual < limit, "≤": actual <= limit, ">": actual > limit, "≥": actual >= limit }[relation];
  return holds ? undefined : `expected ${text}, got ${show(actual)}`;
}

/** @param {unknown[][]} calls */
function toText(calls) {
  return calls.map((args) => stripVTControlCharacters(format(...args))).join("\n");
}
