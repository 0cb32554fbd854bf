/** @file The report as text: our speed, our share of the calibrator, and how many times longer each peer takes. */

const number = (x, digits = 2) => (Number.isFinite(x) ? x.toFixed(digits) : "–");

/** One table; columns are the libraries that appear in it. */
export function printTables({ node, missing, rows }) {
  const names = [...new Set(rows.flatMap(({ results }) => results.map(({ name }) => name)))].filter(
    (name) => name !== "@splineformer/cpu",
  );
  const header = ["problem", "ms", "GFlop/s", "of calibrator", ...names.map((name) => `${name} takes`), "samples"];
  const lines = rows.map(({ problem, calibrator, results, tokens }) => {
    const ours = results.find(({ name }) => name === "@splineformer/cpu");
    const ratio = (name) => {
      const peer = results.find((result) => result.name === name);
      return peer ? `${number(peer.seconds / ours.seconds)} ×` : "–";
    };
    return [
      tokens ? `${problem}: ${number((1e6 * ours.seconds) / tokens)} µs each` : problem,
      number(ours.seconds * 1e3),
      number(ours.gflops, 1),
      `${number((100 * ours.gflops) / calibrator, 0)}%`,
      ...names.map(ratio),
      `${Math.min(...results.map(({ samples }) => samples))}`,
    ];
  });
  const table = [header, header.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const absent = Object.entries(missing).map(([name, reason]) => `${name} did not start: ${reason}`);
  return `${[`Node ${node}, one thread, CPU time; medians of the samples kept. Beside other activations than softmax, peers run softmax.`, "", table, ...absent].join("\n")}\n`;
}
