/** @file The report as text: our speed, our share of the calibrator, and how many times as long each peer takes. */

const number = (x, digits = 2) => (Number.isFinite(x) ? x.toFixed(digits) : "–");

/** A table that fits a page: a row for each problem, and all who were measured beside us in one cell. */
export function printTables({ node, missing, rows }) {
  const header = ["problem", "ours", "others take"];
  const lines = rows.map(({ problem, calibrator, results, tokens }) => {
    const ours = results.find(({ name }) => name === "@splineformer/cpu");
    const others = results.filter((result) => result !== ours);
    const time = tokens ? `${number((1e6 * ours.seconds) / tokens)} µs a token` : `${number(ours.seconds * 1e3)} ms`;
    const speed = `${number(ours.gflops, 1)} GFlop/s, ${number((100 * ours.gflops) / calibrator, 0)}%`;
    return [
      problem,
      `${time}, ${speed}, ${Math.min(...results.map(({ samples }) => samples))} samples`,
      others.map(({ name, seconds }) => `${name} ${number(seconds / ours.seconds)} ×`).join(", ") || "–",
    ];
  });
  const table = [header, header.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const absent = Object.entries(missing).map(([name, reason]) => `${name} did not start: ${reason}`);
  const intro = `Node ${node}, one thread, CPU time; medians of the samples kept. Percentages are of the calibrator's speed. Beside other activations than softmax, peers run softmax.`;
  return `${[intro, table, ...absent].join("\n\n")}\n`;
}
