import { philox4x32, random, sizeOf, type Tensor } from "@splineformer/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const words = (text: string): Uint32Array => Uint32Array.from(text.split(" "), (word) => Number.parseInt(word, 16));

/** Mean and mean square, in float64. */
function moments({ data }: Tensor): { mean: number; square: number } {
  let mean = 0;
  let square = 0;
  for (const x of data) {
    mean += x / data.length;
    square += x ** 2 / data.length;
  }
  return { mean, square };
}

describe("Philox4x32-10", () => {
  it("gives the known answers of Random123", () => {
    // file tests/kat_vectors, lines philox4x32 10, of https://github.com/DEShawResearch/random123, release 1.14.0;
    // the third counter and key are the digits of π
    const known = [
      ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
      ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
      ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
    ];
    for (const [counter, key, expected] of known) {
      const out = new Uint32Array(4);
      philox4x32(words(counter), words(key), out);
      expect(out).toEqual(words(expected));
    }
  });

  it("agrees with the same rounds in exact integers", () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    const twin = (counter: number[], key: number[]): number[] => {
      let [c0, c1, c2, c3] = counter.map(BigInt);
      let [k0, k1] = key.map(BigInt);
      const low = 0xffffffffn;
      for (let round = 0; round < 10; round++) {
        const [p, q] = [0xd2511f53n * c0, 0xcd9e8d57n * c2];
        [c0, c1, c2, c3] = [(q >> 32n) ^ c1 ^ k0, q & low, (p >> 32n) ^ c3 ^ k1, p & low];
        [k0, k1] = [(k0 + 0x9e3779b9n) & low, (k1 + 0xbb67ae85n) & low];
      }
      return [c0, c1, c2, c3].map(Number);
    };
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        const out = new Uint32Array(4);
        philox4x32(Uint32Array.from(counter), Uint32Array.from(key), out);
        expect([...out]).toEqual(twin(counter, key));
      }),
      { seed: 1 },
    );
  });
});

describe("random numbers", () => {
  it("begin with the first bits of Philox", () => {
    // 27 and 26 bits of 6627e8d5 and e169c58d, the answer to counter and key zero
    expect(random(0).number()).toBe((0x6627e8d5 >>> 5) / 2 ** 27 + (0xe169c58d >>> 6) / 2 ** 53);
  });

  it("are the same as ever", () => {
    // made by this generator when it was first published: a change here changes everybody's models
    expect([...random(7).uniform([3], { dtype: "float64" }).data]).toEqual([
      0.9545971285563127, 0.11417736176891524, 0.4069604038840833,
    ]);
    expect([...random(7).normal([5], { dtype: "float64" }).data]).toEqual([
      -0.3372820651321413, -1.1897775246218814, -0.32816348981020615, -1.052699451021688, -1.0817594693141428,
    ]);
    expect([...random(7, { stream: 3 }).normal([2], { dtype: "float64" }).data]).toEqual([
      0.31646549632199833, -1.1529408981905156,
    ]);
    const draw = random(11);
    expect(Array.from({ length: 5 }, () => draw.integer(1000))).toEqual([742, 564, 786, 381, 334]);
    expect(random(13).permutation(7)).toEqual([4, 0, 5, 2, 1, 6, 3]);
  });

  it("are the same in float32, rounded once", () => {
    const [single, double] = [random(5).normal([101]), random(5).normal([101], { dtype: "float64" })];
    expect([...single.data]).toEqual(Array.from(double.data, Math.fround));
  });

  it("depend on every bit of the seed and of the stream", () => {
    const firsts = [0, 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
    const draws = firsts.flatMap((n) => [random(n).number(), random(n, { stream: 1 }).number()]);
    const streams = firsts.slice(2).map((stream) => random(0, { stream }).number());
    expect(new Set([...draws, ...streams]).size).toBe(draws.length + streams.length);
  });

  it("of two streams do not depend on how much the other draws", () => {
    const [a, b] = [random(3, { stream: 1 }), random(3, { stream: 2 })];
    a.normal([101]);
    expect(b.number()).toBe(random(3, { stream: 2 }).number());
  });
});

describe("uniform numbers", () => {
  const n = 100_003;
  it("have mean 1/2 and mean square 1/3", () => {
    const { mean, square } = moments(random(17).uniform([n], { dtype: "float64" }));
    // standard errors √(1/12/n) and √(4/45/n); five of them are exceeded once in a million seeds
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(square - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / n));
  });

  it("fill [from, to), in float32 too", () => {
    for (const dtype of ["float32", "float64"] as const) {
      const { data } = random(19).uniform([n], { from: -2, to: 3, dtype });
      expect(data.every((x) => x >= -2 && x < 3)).toBe(true);
      expect(Math.min(...data.slice(0, 1009))).toBeLessThan(-1.9);
      expect(Math.max(...data.slice(0, 1009))).toBeGreaterThan(2.9);
    }
  });

  it("never reach 1 in float32: they have its 24 digits", () => {
    const { data } = random(23).uniform([n]);
    expect(data.every((x) => Number.isInteger(x * 2 ** 24) && x < 1)).toBe(true);
    // the largest 53-bit number below 1 would round up
    expect(Math.fround(1 - 2 ** -53)).toBe(1);
  });

  it("of an interval of no length are its one number", () => {
    expect([...random(1).uniform([2], { from: 0.5, to: 0.5 }).data]).toEqual([0.5, 0.5]);
  });
});

describe("normal numbers", () => {
  const n = 100_003;
  it("have the moments of the normal distribution", () => {
    const { data } = random(29).normal([n], { dtype: "float64" });
    const moment = (power: number): number => data.reduce((sum, x) => sum + x ** power / n, 0);
    // the variance of x^p is E x^2p − (E x^p)²: 1, 2, 15, 96
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ])
      expect(Math.abs(moment(power) - expected)).toBeLessThan(5 * Math.sqrt(variance / n));
  });

  it("do not depend on their neighbour, which comes from the same pair", () => {
    const { data } = random(31).normal([n], { dtype: "float64" });
    let product = 0;
    for (let i = 0; i + 1 < n; i++) product += (data[i] * data[i + 1]) / (n - 1);
    // each product has variance 1
    expect(Math.abs(product)).toBeLessThan(5 / Math.sqrt(n));
  });

  it("lie within one deviation of the mean 68.27 % of the time", () => {
    const { data } = random(37).normal([n], { mean: 5, deviation: 2, dtype: "float64" });
    const share = data.filter((x) => Math.abs(x - 5) < 2).length / n;
    const p = 0.682689492137086;
    expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n));
  });

  it("with deviation 0 are the mean", () => {
    expect([...random(1).normal([3], { mean: 7, deviation: 0 }).data]).toEqual([7, 7, 7]);
  });
});

describe("whole numbers and permutations", () => {
  it("fall on every number as often", () => {
    const draw = random(41);
    const counts = new Uint32Array(7);
    const n = 70_007;
    for (let i = 0; i < n; i++) counts[draw.integer(7)]++;
    // binomial, p = 1/7
    for (const count of counts) expect(Math.abs(count - n / 7)).toBeLessThan(5 * Math.sqrt((n / 7) * (6 / 7)));
  });

  it("reach up to 2^32 − 1", () => {
    const draw = random(43);
    expect(Math.max(...Array.from({ length: 101 }, () => draw.integer(2 ** 32)))).toBeGreaterThan(2 ** 31);
    expect(random(1).integer(1)).toBe(0);
  });

  it("a permutation holds every number once", () => {
    fc.assert(
      fc.property(fc.nat(101), fc.nat(), (length, seed) => {
        const sorted = random(seed)
          .permutation(length)
          .sort((a, b) => a - b);
        expect(sorted).toEqual(Array.from({ length }, (_, i) => i));
      }),
      { seed: 2 },
    );
  });

  it("every permutation of 3 comes as often", () => {
    const draw = random(47);
    const counts: Record<string, number> = {};
    const n = 6007;
    for (let i = 0; i < n; i++) {
      const key = draw.permutation(3).join();
      counts[key] = (counts[key] ?? 0) + 1;
    }
    expect(Object.keys(counts).length).toBe(6);
    for (const count of Object.values(counts))
      expect(Math.abs(count - n / 6)).toBeLessThan(5 * Math.sqrt((n * 5) / 36));
  });
});

describe("shapes and refusals", () => {
  it("a tensor has the shape and dtype that were asked for, also an empty one", () => {
    expect(random(1).normal([3, 5])).toMatchObject({ shape: [3, 5], dtype: "float32" });
    expect(random(1).uniform([], { dtype: "float64" })).toMatchObject({ shape: [], dtype: "float64" });
    expect(sizeOf(random(1).normal([3, 0]).shape)).toBe(0);
  });

  it("a shape that is given is copied", () => {
    const shape = [2, 3];
    const x = random(1).normal(shape);
    shape[0] = 7;
    expect(x.shape).toEqual([2, 3]);
  });

  it("what is refused names the function and what came", () => {
    const draw = random(1);
    const untyped = (value: unknown): never => value as never;
    const cases: readonly (readonly [() => unknown, string])[] = [
      [() => random(-1), "random: expected seed to be a whole number in [0, 2^53), got -1"],
      [() => random(0.5), "random: expected seed to be a whole number in [0, 2^53), got 0.5"],
      [() => random(Number.NaN), "random: expected seed to be a whole number in [0, 2^53), got NaN"],
      [
        () => random(1, { stream: 2 ** 53 }),
        "random: expected stream to be a whole number in [0, 2^53), got 9007199254740992",
      ],
      [() => random(1, untyped({ steam: 1 })), 'random: expected options stream, got "steam"'],
      [
        () => draw.normal([3], untyped({ dtype: "int32" })),
        'random.normal: expected dtype float32 or float64, got "int32"',
      ],
      [
        () => draw.normal([3], { deviation: -1 }),
        "random.normal: expected a finite mean and a deviation ≥ 0, got 0 and -1",
      ],
      [
        () => draw.normal([3], untyped({ sigma: 2 })),
        'random.normal: expected options mean, deviation, dtype, got "sigma"',
      ],
      [() => draw.normal([-3]), "random.normal: expected a shape of whole numbers ≥ 0, got [-3]"],
      [() => draw.uniform(untyped(3)), "random.uniform: expected a shape (an array of lengths), got 3"],
      [() => draw.uniform([3], { from: 2, to: 1 }), "random.uniform: expected finite from ≤ to, got 2 and 1"],
      [
        () => draw.uniform([3], { from: -1e308, to: 1e308 }),
        "random.uniform: expected finite from ≤ to, got -1e+308 and 1e+308",
      ],
      [() => draw.integer(0), "random.integer: expected a whole number in [1, 2^32], got 0"],
      [() => draw.permutation(-1), "random.permutation: expected a whole number in [0, 2^27], got -1"],
    ];
    for (const [call, message] of cases) expect(call).toThrow(message);
  });
});
