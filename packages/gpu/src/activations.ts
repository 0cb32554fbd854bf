/**
 * @file Which activations have a kernel. Asked at the call, so that the refusal names the operation its user called.
 */
import { rowAlpha, showWeighing, UnsupportedError, type Weighing } from "@splineformer/tensor";

/**
 * Of rows, softmax and sparsemax: what lies between them is found by an iteration in float64 elsewhere. Of single
 * numbers, all but registered functions: how fast those bend, and what becomes of them far out, is not known.
 */
export function checkActivation(where: string, activation: Weighing): void {
  const alpha = rowAlpha(activation);
  const isRegistered = typeof activation === "object" && activation.name === "registered";
  if (!isRegistered && (alpha === undefined || alpha === 1 || alpha === 2)) return;
  throw new UnsupportedError(
    `${where}: expected an activation that has a kernel on the GPU (softmax, sparsemax, a piecewise polynomial, or one of the table), got ${showWeighing(activation)}; run it on @splineformer/cpu`,
  );
}
