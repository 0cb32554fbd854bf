/** @file A thread of `splineformer slice`: it reads its part of the scanlines and sends each as soon as it is there. */
import { parentPort, workerData } from "node:worker_threads";
import { scanlines } from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import { type PlaneArguments, planeOf } from "./plane.ts";

const { plane, part } = workerData as { readonly plane: PlaneArguments; readonly part: readonly [number, number] };
const { model, options } = await planeOf(plane);
for (const line of scanlines(model, { ...options, on: cpu64, part })) parentPort?.postMessage(line);
