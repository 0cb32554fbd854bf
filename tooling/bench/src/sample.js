/**
 * @file Interleaved sampling: in each round every contestant runs once, between two bursts of the calibrator, and the sample
 * counts only if both ran at full speed. So all see the same moments, and busy ones are left out.
 */
import { calibrate, cpuSeconds } from "./calibrator.js";

/** A burst counts as full speed from this share of the fastest one on. */
const fullSpeed = 0.95;
/** Samples are repeated inside until they are this long, in seconds. */
const shortest = 0.004;

/**
 * Median CPU seconds of one run of each contestant.
 *
 * @param contestants - `{ name, run }`, where run may return a promise
 * @param options - `seconds`: CPU time to spend; `rounds`: the least number of kept samples, sought for up to four times that
 */
export async function sample(contestants, { seconds, rounds = 10, float64 = false }) {
  const states = [];
  for (const { name, run } of contestants) {
    // until the engine has compiled what is hot
    const warm = cpuSeconds();
    for (let i = 0; i < 3 || cpuSeconds() - warm < 0.3; i++) await run();
    const start = cpuSeconds();
    await run();
    const once = Math.max(cpuSeconds() - start, 1e-6);
    states.push({ name, run, repeat: Math.max(1, Math.ceil(shortest / once)), all: [] });
  }
  let top = 0;
  for (let i = 0; i < 50; i++) top = Math.max(top, calibrate(float64));
  const kept = ({ all }) => all.filter(({ speed }) => speed >= fullSpeed * top);
  const begin = cpuSeconds();
  for (let spent = 0; spent < 4 * seconds; spent = cpuSeconds() - begin) {
    if (spent > seconds && states.every((state) => kept(state).length >= rounds)) break;
    for (const state of states) {
      const before = calibrate(float64);
      const start = cpuSeconds();
      for (let i = 0; i < state.repeat; i++) await state.run();
      const time = (cpuSeconds() - start) / state.repeat;
      const after = calibrate(float64);
      top = Math.max(top, before, after);
      state.all.push({ time, speed: Math.min(before, after) });
    }
  }
  const results = states.map((state) => {
    const times = kept(state)
      .map(({ time }) => time)
      .sort((a, b) => a - b);
    return { name: state.name, seconds: times[times.length >> 1], samples: times.length };
  });
  return { calibrator: top, results };
}
