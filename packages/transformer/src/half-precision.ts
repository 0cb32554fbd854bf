/**
 * @file Numbers of 16 bits, as files store them: float16 (IEEE 754 binary16: 11 digits, exponents −14 … 15) and
 * bfloat16 (the upper half of a float32: 8 digits, exponents −126 … 127). Nothing computes in them here: they are
 * widened to float32, which holds all of them exactly, and rounded to once, whatever they come from.
 * Letters: s sign, e exponent, m the bits behind the leading digit.
 */

export type HalfPrecision = "float16" | "bfloat16";

const formats = {
  float16: { digits: 11, smallestExponent: -14 },
  bfloat16: { digits: 8, smallestExponent: -126 },
} as const;

/**
 * The numbers that 16-bit patterns stand for; every one is a float32, NaNs keep their sign and upper bits.
 */
export function widen(format: HalfPrecision, bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  // written as bits, since a NaN that passes through a number may change
  const words = new Uint32Array(out.buffer);
  if (format === "bfloat16") {
    for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
    return out;
  }
  for (let i = 0; i < bits.length; i++) {
    const s = (bits[i] & 0x8000) << 16;
    const e = (bits[i] >> 10) & 31;
    const m = bits[i] & 1023;
    if (e === 0) out[i] = (s ? -1 : 1) * m * 2 ** -24;
    else words[i] = s | (e === 31 ? 0x7f800000 : (e + 112) << 23) | (m << 13);
  }
  return out;
}

/**
 * The nearest 16-bit patterns, ties to even, rounded once also from float64; what is too large becomes infinite.
 */
export function narrow(format: HalfPrecision, data: Float32Array | Float64Array): Uint16Array {
  const out = new Uint16Array(data.length);
  const single = data instanceof Float32Array ? data : new Float32Array(data.length);
  const words = new Uint32Array(single.buffer, single.byteOffset, single.length);
  const one = new Float32Array(1);
  const word = new Uint32Array(one.buffer);
  for (let i = 0; i < data.length; i++) {
    if (Number.isNaN(data[i])) {
      if (single !== data) single[i] = data[i];
      out[i] = narrowNaN(format, words[i]);
      continue;
    }
    // exact from here on: a float32 holds what the format does, and more
    one[0] = rounded(format, data[i]);
    out[i] = format === "bfloat16" ? word[0] >>> 16 : float16Bits(word[0], one[0]);
  }
  return out;
}

/** The upper bits of m that there is room for, or a NaN without them if those are 0. */
function narrowNaN(format: HalfPrecision, word: number): number {
  const s = (word >>> 16) & 0x8000;
  if (format === "bfloat16") return s | 0x7f80 | ((word >>> 16) & 0x7f || 0x40);
  return s | 0x7c00 | ((word >>> 13) & 0x3ff || 0x200);
}

/** x to the digits of the format; below its smallest exponent to multiples of its smallest number. */
function rounded(format: HalfPrecision, x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const { digits, smallestExponent } = formats[format];
  let exponent = Math.floor(Math.log2(Math.abs(x)));
  if (2 ** exponent > Math.abs(x)) exponent--; // log2 may round up
  const step = 2 ** (Math.max(exponent, smallestExponent) - digits + 1);
  const multiple = Math.abs(x) / step;
  const below = Math.floor(multiple);
  const up = multiple - below > 0.5 || (multiple - below === 0.5 && below % 2 === 1);
  // beyond float32 as well this is infinite
  const value = (up ? below + 1 : below) * step;
  const largest = format === "float16" ? 65504 : 2 ** 128 - 2 ** 120;
  return Math.sign(x) * (value > largest ? Number.POSITIVE_INFINITY : value);
}

/** A float16 that is given as a float32. */
function float16Bits(word: number, value: number): number {
  const s = (word >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (size < 2 ** -14) return s | (size * 2 ** 24);
  if (size === Number.POSITIVE_INFINITY) return s | 0x7c00;
  return s | ((((word >>> 23) & 255) - 112) << 10) | ((word >>> 13) & 1023);
}
