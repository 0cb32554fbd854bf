/**
 * @file Which directions a metric learns in context, when functions depend on half of the coordinates: its cosine with BBᵀ,
 * over the steps of training, with inputs on a product of circles and on the whole sphere. Writes `low-rank.json` beside
 * itself. Half a minute; seeded. Letters: M the metric, p weights, B the first two of four coordinates.
 */
import { writeFileSync } from "node:fs";
import { stdout } from "node:process";
import { random } from "@splineformer/tensor";

const [width, examples, tasks, rate] = [4, 31, 8, 1.5];
const steps = [400, 1600, 6400];
const axes = [0, 1, 2, 3];

/** The alignments after so many steps of gradient descent, one u on the first two coordinates for each task. */
function alignments(inputs: "product of circles" | "sphere", seed: number): number[] {
  const draw = random(seed);
  const direction = (d: number): number[] => {
    const x = Array.from(draw.normal([d], { dtype: "float64" }).data);
    const length = Math.hypot(...x);
    return x.map((v) => v / length);
  };
  const input = (): number[] => (inputs === "sphere" ? direction(width) : [...direction(2), ...direction(2)]);
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
  let metric = axes.map((i) => axes.map((j) => Number(i === j)));
  const found: number[] = [];
  for (let step = 1; step <= steps[steps.length - 1]; step++) {
    const slope = metric.map((row) => row.map(() => 0));
    for (let task = 0; task < tasks; task++) {
      const u = direction(2);
      const x = Array.from({ length: examples }, input);
      const y = x.map((xi) => dot(u, xi));
      const q = input();
      const turned = axes.map((b) => q.reduce((sum, v, a) => sum + v * metric[a][b], 0));
      const weights = x.map((xi) => Math.exp(dot(turned, xi)));
      const total = weights.reduce((a, b) => a + b, 0);
      const prediction = weights.reduce((sum, w, i) => sum + (w / total) * y[i], 0);
      const residual = prediction - dot(u, q);
      // ∂prediction/∂M = Σ p_i (y_i − prediction) q x_iᵀ
      for (const [i, xi] of x.entries())
        for (const a of axes)
          for (const b of axes)
            slope[a][b] += (2 * residual * (weights[i] / total) * (y[i] - prediction) * q[a] * xi[b]) / tasks;
    }
    metric = metric.map((row, a) => row.map((v, b) => v - rate * slope[a][b]));
    if (steps.includes(step))
      found.push(Number(((metric[0][0] + metric[1][1]) / (Math.SQRT2 * Math.hypot(...metric.flat()))).toFixed(4)));
  }
  return found;
}

const seeds = [1, 2, 3];
const rows = (["product of circles", "sphere"] as const).map((inputs) => {
  const row = { inputs, steps, alignments: seeds.map((seed) => ({ seed, after: alignments(inputs, seed) })) };
  stdout.write(`${JSON.stringify(row)}\n`);
  return row;
});
writeFileSync(new URL("low-rank.json", import.meta.url), `${JSON.stringify(rows, null, 2)}\n`);
