/** @file What this platform offers: the kernels and their arena, compiled at first use, or the reason why there are none. */
import { type Arena, createArena } from "./arena.ts";
import { load } from "./wasm/kernels.ts";

/** The kernels' arena, or why there is none. */
export type Platform = { readonly arena: Arena } | { readonly reason: string };

let shared: Platform | undefined;
/** This platform's, compiled at first use and shared by both devices. */
export function platform(): Platform {
  if (!shared) {
    const loaded = load();
    shared = "kernels" in loaded ? { arena: createArena(loaded.kernels) } : loaded;
  }
  return shared;
}
