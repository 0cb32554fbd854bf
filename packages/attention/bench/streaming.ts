/**
 * @file Attention to a fixed query, token by token: what a token costs early and late in a stream, and the state's size.
 * A state is plain data that stays as it is, so the two positions take turns, one token each, and what else the machine does
 * meets both alike. Writes `streaming.json` beside itself. Seeded; nothing here fails on time.
 * `pnpm --filter @splineformer/attention bench`.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { cpuUsage, memoryUsage, stdout, version } from "node:process";
import { type AttentionState, createState, step } from "@splineformer/attention";
import { random, type Tensor } from "@splineformer/tensor";

const [heads, width, block, rounds] = [8, 64, 100, 300];
const positions = [100, 1000, 10_000, 100_000];
const draw = random(1);
const query = draw.normal([heads * width], { dtype: "float64" });
const tokens = Array.from({ length: 97 }, () => ({
  key: draw.normal([heads * width], { dtype: "float64" }),
  value: draw.normal([heads * width], { dtype: "float64" }),
}));
const token = (k: number): { key: Tensor; value: Tensor } => tokens[k % tokens.length];

const numbersOf = (state: AttentionState): number => state.heads.reduce((n, { sum }) => n + sum.length + 2, 0);
const megabytes = (): number => Number((memoryUsage().heapUsed / 2 ** 20).toFixed(1));

/** CPU time of `block` tokens from this state on, in microseconds a token. */
function timeFrom(start: AttentionState): number {
  const before = cpuUsage();
  let state = start;
  for (let k = 0; k < block; k++) state = step(state, token(k)).state;
  const { user, system } = cpuUsage(before);
  return (user + system) / block;
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

let state = createState({ query, heads });
const found = positions.map((position) => {
  while (state.length < position) state = step(state, token(state.length)).state;
  return { state, heap: megabytes() };
});
// the first ones are compiled
for (const { state } of found) timeFrom(state);
const times = found.map(() => [] as number[]);
for (let round = 0; round < rounds; round++)
  for (const [i, { state }] of found.entries()) times[i].push(timeFrom(state));

const first = median(times[0]);
const result = {
  processor: cpus()[0]?.model ?? "unknown",
  node: version,
  shape: { heads, width },
  rows: found.map(({ state, heap }, i) => ({
    position: positions[i],
    microseconds: Number(median(times[i]).toFixed(1)),
    ratio: Number((median(times[i]) / first).toFixed(3)),
    stateNumbers: numbersOf(state),
    jsonBytes: JSON.stringify(state.heads).length,
    heapMegabytes: heap,
  })),
};
for (const row of result.rows) stdout.write(`${JSON.stringify(row)}\n`);
writeFileSync(new URL("streaming.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
