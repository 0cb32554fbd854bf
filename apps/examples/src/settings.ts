/** @file The sizes of each example: for a reader who has minutes, and for tests, which have seconds. */
export const long = {
  digits: { training: 4000, testing: 1000, epochs: 10 },
  resume: { epochs: 30, stopAt: 97 },
  fineTune: { training: 4000, testing: 1000, epochs: 8, tuning: 4 },
  words: { training: 100_000, testing: 2000, steps: 3000, width: 48, layers: 2, made: 12 },
};

export const short: typeof long = {
  digits: { training: 640, testing: 300, epochs: 5 },
  resume: { epochs: 5, stopAt: 17 },
  fineTune: { training: 640, testing: 300, epochs: 4, tuning: 3 },
  words: { training: 10_000, testing: 500, steps: 700, width: 48, layers: 1, made: 5 },
};
