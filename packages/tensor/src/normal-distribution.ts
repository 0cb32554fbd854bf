/**
 * @file The normal distribution function, which GELU is made of. Letters: z the argument, Φ the distribution, φ its density.
 */

/**
 * The standard normal distribution function `Φ(z) = (1 + erf(z/√2))/2`, to 3e-15 relative, also far out on the left.
 *
 * Near 0 the series `φ(z) · Σ z^(2k+1)/(1·3·…·(2k+1))`, whose terms have one sign; elsewhere Laplace's continued fraction.
 *
 * @source NIST Digital Library of Mathematical Functions, 7.6(i) and 7.9, https://dlmf.nist.gov/7
 * @example
 * ```ts
 * import { normalDistribution } from "@splineformer/tensor";
 * normalDistribution(0); // 0.5
 * normalDistribution(1).toFixed(15); // "0.841344746068543"
 * ```
 */
export function normalDistribution(z: number): number {
  const x = Math.abs(z);
  // further out than 1.25 the series would lose digits of a small result to 1/2 − sum
  if (x < 1.25) {
    let term = x;
    let sum = x;
    for (let k = 1; term > sum * 2 ** -54; k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    return z >= 0 ? 0.5 + normalDensity(x) * sum : 0.5 - normalDensity(x) * sum;
  }
  // measured: this many terms are as good as more, for every x ≥ 1.25
  let fraction = x;
  for (let k = Math.ceil(20 + 300 / (x * x)); k >= 1; k--) fraction = x + k / fraction;
  const tail = normalDensity(x) / fraction;
  return z >= 0 ? 1 - tail : tail;
}

/** `φ(z) = e^(−z²/2)/√(2π)`. */
export function normalDensity(z: number): number {
  if (Math.abs(z) > 40) return 0;
  // z²/2 is rounded and the exponential magnifies that, but the square of a number with few digits is exact
  const coarse = Math.round(z * 16) / 16;
  return (Math.exp((-coarse * coarse) / 2) * Math.exp((-(z + coarse) * (z - coarse)) / 2)) / Math.sqrt(2 * Math.PI);
}
