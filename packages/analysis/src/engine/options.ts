/** @file Options that every question to the engine has: which device, which method, when to stop. Each is checked once, here. */
import { reference, type SynchronousDevice, show, UnsupportedError } from "@splineformer/tensor";

/** The device that is asked for, the reference by default; it must compute in float64, at once. */
export function checkedDevice(where: string, device: SynchronousDevice = reference): SynchronousDevice {
  if (typeof (device as Partial<SynchronousDevice> | null)?.matmul !== "function")
    throw new RangeError(`${where}: expected on to be a device, got ${show(device)}`);
  if (device.dtype !== "float64")
    throw new UnsupportedError(`${where}: expected a float64 device, got ${show(device.name)} (${show(device.dtype)})`);
  return device;
}

/** A signal that may have been aborted before. */
export function checkSignal(where: string, signal: AbortSignal | undefined): void {
  if (signal !== undefined && typeof signal?.throwIfAborted !== "function")
    throw new RangeError(`${where}: expected signal to be an AbortSignal, got ${show(signal)}`);
  signal?.throwIfAborted();
}

type Method = "auto" | "descend" | "march";

export function checkedMethod(where: string, method: Method = "auto"): Method {
  if (method !== "auto" && method !== "descend" && method !== "march")
    throw new RangeError(`${where}: expected method "auto", "descend" or "march", got ${show(method)}`);
  return method;
}

/** The highest degree at which to descend. */
const descends = 27;

/** The method for a degree. */
export const methodFor = (method: Method, degree: number): "descend" | "march" =>
  method === "auto" ? (degree <= descends ? "descend" : "march") : method;
