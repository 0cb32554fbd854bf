/**
 * @file Derivatives against finite differences: what a device calls order 1 must be the slope of what it calls order 0.
 * Letters: z an entry, h the step, f an activation, n the number of entries.
 */
import {
  type Attributes,
  activationOf,
  actsOnRows,
  type Device,
  type Pointwise,
  type Shaped,
  sigmoidBias,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import type { Finding } from "./check-case.ts";
import { call, type OpCase } from "./op-case.ts";

/** Balances the two errors of a central difference, h² and 2⁻⁵³/h; a power of two, so that z ± h are rounded little. */
const h = 2 ** -17;

/**
 * Compares order 1 with `(f(z + h) − f(z − h))/2h`; undefined for cases without an entrywise derivative, and on float32
 * devices, whose differences are noise (there order 1 is compared with the reference alone).
 *
 * The difference errs by `h²/6 · max|f‴| + 2⁻⁵² max|f|/h`, and no third derivative of the table exceeds
 * `max(2, β²)`. Entries within h of a knot have no slope to compare with and are left out.
 */
export async function checkDerivative<T extends Shaped>(
  device: Device<T>,
  given: OpCase,
): Promise<Finding | undefined> {
  const activation = entrywise(given);
  if (activation === undefined || device.dtype === "float32") return undefined;
  const [x, ...others] = given.operands as [Tensor, ...(Tensor | undefined)[]];
  const at = async (order: 0 | 1, shift: number): Promise<Tensor> => {
    const moved = tensor(
      Float64Array.from(x.data, (z) => z + shift),
      x.shape,
    );
    const operands = [moved, ...others].map((operand) => operand && device.constant(operand));
    const attributes = { ...given.attributes, order } as OpCase["attributes"];
    return device.read(call(device, { ...given, attributes }, operands));
  };
  const [slope, above, below] = [await at(1, 0), await at(0, h), await at(0, -h)];
  const meaning = activationOf(activation);
  const knots = meaning.kind === "smooth" ? [] : meaning.knots;
  const sharpness = typeof activation === "object" && activation.name === "softplus" ? activation.beta : 1;
  let scale = 1;
  let error = 0;
  for (let i = 0; i < slope.data.length; i++) {
    if (knots.some((knot) => Math.abs(x.data[i] - knot) <= h)) continue;
    scale = Math.max(scale, Math.abs(above.data[i]));
    error = Math.max(error, Math.abs((above.data[i] - below.data[i]) / (2 * h) - slope.data[i]));
  }
  const allowed = (h ** 2 / 6) * Math.max(2, sharpness ** 2) + (2 ** -52 / h) * scale;
  const title = `${given.title}, is the slope of order 0`;
  const passed = error <= allowed;
  const problem = passed ? "" : `${title}: expected a difference of at most ${allowed}, got ${error}`;
  return { op: given.op, title, error, allowed, passed, problem };
}

/** The activation of a case that asks for a derivative entry by entry. */
function entrywise({ op, attributes }: OpCase): Pointwise | undefined {
  if (op !== "activate" && op !== "weigh") return undefined;
  const { activation, order } = attributes as Attributes["weigh"];
  if (order === 0 || actsOnRows(activation)) return undefined;
  return sigmoidBias(activation) === undefined ? (activation as Pointwise) : "sigmoid";
}
