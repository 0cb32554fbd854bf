/**
 * @file How long it takes to read random ReLU encoders on a line: pieces, seconds (the best of some runs), and the ratio
 * to the first row of its network. Seeded; nothing here fails on time. `pnpm --filter @splineformer/analysis bench`,
 * with a name after it for one network only.
 */

import { argv, stdout } from "node:process";
import { type LineOptions, restrictToLine } from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import { random, reference } from "@splineformer/tensor";
import { createEncoder } from "@splineformer/transformer";

interface Case {
  readonly name: string;
  readonly layers: number;
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
  readonly runs: number;
}

const cases: readonly Case[] = [
  { name: "1-layer", layers: 1, tokens: 32, width: 32, heads: 4, runs: 3 },
  { name: "2-layer", layers: 2, tokens: 16, width: 32, heads: 4, runs: 3 },
  { name: "3-layer", layers: 3, tokens: 8, width: 16, heads: 4, runs: 2 },
];
const rows: readonly (readonly [string, LineOptions])[] = [
  ["reference, descend", { on: reference, method: "descend" }],
  ["cpu64, descend", { on: cpu64, method: "descend" }],
  ["cpu64, march", { on: cpu64, method: "march" }],
];

const only = argv[2];
for (const { name, layers, tokens, width, heads, runs } of cases) {
  if (only !== undefined && !name.startsWith(only)) continue;
  stdout.write(`${name}: tokens ${tokens}, width ${width}, heads ${heads}, hidden ${2 * width}\n`);
  const model = createEncoder({ layers, width, heads, hidden: 2 * width, dtype: "float64", seed: 1 });
  const numbers = random(2);
  const [from, to] = [0, 1].map(() => numbers.normal([tokens, width], { dtype: "float64" }));
  let first = 0;
  for (const [row, options] of rows) {
    let best = Number.POSITIVE_INFINITY;
    let pieces = 0;
    for (let run = 0; run < runs; run++) {
      const started = performance.now();
      pieces = restrictToLine(model, from, to, options).pieces.length;
      best = Math.min(best, (performance.now() - started) / 1000);
    }
    first ||= best;
    stdout.write(`  ${row.padEnd(20)} ${pieces} pieces  ${best.toFixed(3)} s  ${(best / first).toFixed(2)}\n`);
  }
}
