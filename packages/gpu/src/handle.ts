/**
 * @file A value on the GPU, as its user holds it.
 */
import type { Shape, Tensor } from "@splineformer/tensor";

/**
 * A tensor that is on the device, or will be: operations give a handle at once and compute later, in order.
 */
export interface Handle {
  readonly shape: Shape;
  /**
   * The numbers, as soon as they are computed.
   *
   * Reading moves them: the memory on the device is given back, and a handle that is used again is uploaded again. Each
   * read gives a tensor of its own. A read that was called before `dispose` is answered, and what was read once may be
   * read again after it.
   *
   * @throws RangeError if the handle was released, or its device disposed before the first read
   * @throws UnsupportedError if the device was lost
   */
  read(): Promise<Tensor<"float32">>;
}
