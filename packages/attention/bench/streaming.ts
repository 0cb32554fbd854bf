/**
 * @file Attention to a fixed query, token by token: the time of a token and the size of the state early and late in a
 * stream. Seeded; nothing here fails on time. `pnpm --filter @splineformer/attention bench`.
 */
import { memoryUsage, stdout } from "node:process";
import { type AttentionState, createState, step } from "@splineformer/attention";
import { random, type Tensor } from "@splineformer/tensor";

const [heads, width, block] = [8, 64, 200];
const draw = random(1);
const query = draw.normal([heads * width], { dtype: "float64" });
const tokens = Array.from({ length: 97 }, () => ({
  key: draw.normal([heads * width], { dtype: "float64" }),
  value: draw.normal([heads * width], { dtype: "float64" }),
}));

let state: AttentionState = createState({ query, heads });
const numbers = (): number => state.heads.reduce((n, { sum }) => n + sum.length + 2, 0);

/** The median of `block` steps, in microseconds, after going on to this position. */
function timeAt(position: number): number {
  const token = (k: number): { key: Tensor; value: Tensor } => tokens[k % tokens.length];
  while (state.length < position) state = step(state, token(state.length)).state;
  const times = Array.from({ length: block }, () => {
    const started = performance.now();
    state = step(state, token(state.length)).state;
    return performance.now() - started;
  });
  return times.sort((a, b) => a - b)[block / 2] * 1000;
}

timeAt(2000); // the first steps are compiled
state = createState({ query, heads });
const first = timeAt(100);
for (const position of [100, 1000, 10_000, 100_000]) {
  const time = position === 100 ? first : timeAt(position);
  const heap = memoryUsage().heapUsed / 2 ** 20;
  stdout.write(
    `position ${String(position).padStart(6)}: ${time.toFixed(1)} µs a token, ratio ${(time / first).toFixed(2)}, state ${numbers()} numbers, heap ${heap.toFixed(0)} MB\n`,
  );
}
