/** @file The root of the repository, alone: who needs no more should not wait for more. */
import { resolve } from "node:path";

/** Absolute. */
export const root = resolve(import.meta.dirname, "../../..");
