/** @file Every problem on every library that has it: checked against float64, then measured in turns. */

import { onnxRuntimeNode, onnxRuntimeWeb } from "./peers/onnxruntime.js";
import { gpuJs, jaxJs, plain } from "./peers/others.js";
import { forward, gradientOnly, ours } from "./peers/ours.js";
import { tfjs } from "./peers/tfjs.js";
import {
  attentionProblem,
  backwardProblem,
  encoderProblem,
  matmul64Problem,
  matmulProblem,
  relativeError,
  streamProblem,
} from "./problems.js";
import { sample } from "./sample.js";
import { trainingProblem } from "./training-problem.js";

const problems = [
  ...[256, 512, 1024, 255, 257, 511, 513].map(matmulProblem),
  ...[512, 1024].flatMap((n) => [
    attentionProblem(n, "softmax"),
    ...["relu", "squaredRelu", "sigmoid", "softplus"].map((name) => attentionProblem(n, name)),
    attentionProblem(n, "softmax", { causal: true }),
    attentionProblem(n, "relu", { sparse: 0.9 }),
  ]),
  ...["softmax", "relu"].map((name) => backwardProblem(512, name)),
  encoderProblem("gelu"),
  encoderProblem("relu"),
  matmul64Problem(256, 64, 64),
  ...[0, 300_000].map((before) => streamProblem(before)),
  trainingProblem("relu", "none"),
  trainingProblem("softmax", "layer"),
];

/** A result of float32 arithmetic may differ this much from float64: 1024 terms, and a margin for approximate functions. */
const tolerance = 1e-4;

/** The peers that start here; the others with the reason why not. */
async function startPeers(progress) {
  const makers = {
    "jax-js": jaxJs,
    "onnxruntime-web": onnxRuntimeWeb,
    "tfjs wasm": () => tfjs("wasm"),
    "tfjs cpu": () => tfjs("cpu"),
    "gpu.js webasm": gpuJs,
    "onnxruntime-node": onnxRuntimeNode,
  };
  const peers = [ours, plain, forward, gradientOnly];
  const missing = {};
  for (const [name, make] of Object.entries(makers)) {
    try {
      peers.push(await make());
    } catch (error) {
      missing[name] = String(error?.message ?? error).split("\n")[0];
      progress(`${name} does not start: ${missing[name]}`);
    }
  }
  // one of them puts half a Worker here, again with each session, by which jax-js would choose shared memory and threads
  Object.defineProperty(globalThis, "Worker", { get: () => undefined, set() {} });
  return { peers, missing };
}

/** Plain JavaScript takes seconds for what takes milliseconds elsewhere. */
const tooSlow = ({ kind, name }, { flops }) => (kind === "js" || name === "gpu.js webasm") && flops > 3e8;

/** A result of several parts as one. */
function joined(result) {
  if (!Array.isArray(result)) return result;
  const all = new Float32Array(result.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of result) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export async function measureAll({ seconds, only, progress }) {
  const { peers, missing } = await startPeers(progress);
  const rows = [];
  // dense and sparse ReLU are compared with softmax of the same size, so its peers' times are remembered
  for (const problem of problems.filter(({ name }) => name.includes(only))) {
    const contestants = [];
    const errors = {};
    let expected;
    for (const peer of peers) {
      if (!peer[problem.kind] || tooSlow(peer, problem)) continue;
      // a fused peer knows softmax only: measured beside every activation, as the yardstick
      const stand = problem.kind === "attention" && peer !== ours && problem.activation !== "softmax";
      try {
        const run = await peer[problem.kind](stand ? { ...problem, activation: "softmax" } : problem);
        if (!run) continue;
        if (stand && peer.name.startsWith("tfjs")) continue;
        if (!stand && peer.kind !== "yardstick") {
          expected ??= problem.expected();
          const error = relativeError(joined(await (run.check ?? run)()), expected);
          if (!(error < (problem.tolerance ?? tolerance))) throw new Error(`result is wrong: relative error ${error}`);
          errors[peer.name] = error;
        }
        contestants.push({ name: peer.name, run });
      } catch (error) {
        errors[peer.name] = String(error?.message ?? error).split("\n")[0];
        progress(`${problem.name}: ${peer.name}: ${errors[peer.name]}`);
      }
    }
    const { calibrator, results } = await sample(contestants, { seconds, float64: problem.float64 });
    const row = {
      problem: problem.name,
      kind: problem.kind,
      tokens: problem.tokens,
      calibrator,
      results: results.map((result) => ({
        ...result,
        kind: peers.find(({ name }) => name === result.name).kind,
        gflops: problem.flops / result.seconds / 1e9,
        error: errors[result.name],
      })),
      errors,
    };
    rows.push(row);
    progress(
      `${problem.name}: ${row.results.map(({ name, gflops, samples }) => `${name} ${gflops.toFixed(1)} (${samples})`).join(", ")}; calibrator ${calibrator.toFixed(1)}`,
    );
  }
  return { node: process.version, missing, rows };
}
