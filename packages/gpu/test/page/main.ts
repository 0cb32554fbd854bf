/**
 * @file The page of a user who installed `@splineformer/gpu`: it runs every check on the backend it is asked for. What it
 * counts and breaks, it does through the browser's own interfaces.
 */
import { type BackendName, createGpu } from "@splineformer/gpu";
import { checksOf, type Surroundings } from "../checks.ts";
import { lossChecks } from "../device-checks.ts";

export interface PageReport {
  readonly backend: string;
  readonly reason: string;
  /** By title: what went wrong, or "". */
  readonly problems: Readonly<Record<string, string>>;
  readonly milliseconds: Readonly<Record<string, number>>;
}

let allocated = 0;
let lose: (() => Promise<void>) | undefined;

/** Calls `watch` with the result of every call of a method. */
function watch(prototype: object | undefined, method: string, watcher: (result: unknown, self: unknown) => void): void {
  if (!prototype) return;
  const original = Reflect.get(prototype, method) as (...args: unknown[]) => unknown;
  Reflect.set(prototype, method, function (this: unknown, ...args: unknown[]) {
    const result = original.apply(this, args);
    if (result instanceof Promise) result.then((value) => watcher(value, this));
    else watcher(result, this);
    return result;
  });
}

interface Page {
  readonly WebGL2RenderingContext?: { readonly prototype: object };
  readonly GPUDevice?: { readonly prototype: object };
  readonly GPUBuffer?: { readonly prototype: object };
  readonly GPUAdapter?: { readonly prototype: object };
  readonly HTMLCanvasElement: { readonly prototype: object };
  runChecks(backend: BackendName, which: "all" | "own"): Promise<PageReport>;
  /** What `createGpu()` gives here: its backend and reason, or its refusal. */
  choice(): Promise<string>;
}
const page = globalThis as unknown as Page;

watch(page.WebGL2RenderingContext?.prototype, "createTexture", () => allocated++);
watch(page.WebGL2RenderingContext?.prototype, "deleteTexture", () => allocated--);
watch(page.GPUDevice?.prototype, "createBuffer", () => allocated++);
watch(page.GPUBuffer?.prototype, "destroy", () => allocated--);
watch(page.GPUAdapter?.prototype, "requestDevice", (result) => {
  const device = result as { destroy(): void; readonly lost: Promise<unknown> };
  lose = async () => {
    device.destroy();
    await device.lost;
  };
});
watch(page.HTMLCanvasElement.prototype, "getContext", (result) => {
  const context = result as { getExtension?(name: string): { loseContext(): void } | null } | null;
  const extension = context?.getExtension?.("WEBGL_lose_context");
  if (extension) lose = async () => extension.loseContext();
});

page.runChecks = async (backend, which) => {
  const options = { prefer: [backend] };
  const gpu = await createGpu(options);
  const surroundings: Surroundings = {
    another: () => createGpu(options),
    allocated: () => allocated,
    lose: () => (lose as () => Promise<void>)(),
  };
  const problems: Record<string, string> = {};
  const milliseconds: Record<string, number> = {};
  const run = async ({ title, run }: (typeof lossChecks)[number]): Promise<void> => {
    const start = performance.now();
    try {
      await run(gpu, surroundings);
      problems[title] = "";
    } catch (error) {
      problems[title] = String(error);
    }
    milliseconds[title] = performance.now() - start;
  };
  for (const check of checksOf(which)) await run(check);
  await gpu.dispose();
  for (const check of lossChecks) await run(check);
  return { backend: gpu.backend, reason: gpu.reason, problems, milliseconds };
};

page.choice = async () => {
  try {
    const gpu = await createGpu();
    await gpu.dispose();
    return `${gpu.backend}: ${gpu.reason}`;
  } catch (error) {
    return String(error);
  }
};
