/** @file The suite is only worth something if a wrong device does not pass it, whatever is wrong. */
import {
  type Attributes,
  type Device,
  type OpName,
  type Ops,
  openAttention,
  openLinear,
  opNames,
  reference,
  reference32,
  type SynchronousDevice,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import { beforeAll, describe, expect, it } from "vitest";
import { conformance, opCases, type Report, refusals, runOpSuite } from "../src/index.ts";

/** The reference with one operation done otherwise. */
const spoilt = (part: Partial<Ops<Tensor>>, device: SynchronousDevice = reference): SynchronousDevice => ({
  ...device,
  ...part,
});

const failing = (report: Report): string[] => report.rows().flatMap(({ op, failed }) => (failed ? [op] : []));

describe("the cases", () => {
  it("hold at least one for every operation, and every title once", () => {
    for (const op of opNames) expect(opCases.some((given) => given.op === op)).toBe(true);
    for (const op of opNames) expect(refusals.some((given) => given.op === op) || op === "mergeHeads").toBe(true);
    const titles = [...opCases, ...refusals].map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

describe("the report of a device that is right", () => {
  let exact: Report;
  let rounded: Report;
  beforeAll(async () => {
    exact = await conformance(reference);
    rounded = await conformance(reference32);
    // every case twice: on a busy machine that takes longer than a hook may by default
  }, 120_000);

  it("has one row for every operation, and no failure", () => {
    for (const report of [exact, rounded]) {
      expect(report.rows().map(({ op }) => op)).toEqual(opNames);
      expect(report.failures()).toEqual([]);
    }
  });

  it("shows that the formula rounded to float32 uses at most half of its allowance", () => {
    for (const { largestShare } of rounded.rows()) expect(largestShare).toBeLessThanOrEqual(0.5);
    for (const { op, largestError } of rounded.rows())
      if (op === "matmul" || op === "weigh") expect(largestError).toBeGreaterThan(2 ** -26);
  });

  it("shows an error of 0 where numbers are only moved", () => {
    for (const op of ["splitHeads", "mergeHeads", "slice", "concat", "gather"])
      expect(rounded.rows().find((row) => row.op === op)).toMatchObject({ largestError: 0, largestShare: 0 });
  });
});

describe("a device that is wrong in one operation is found there", () => {
  const all: Attributes["weigh"]["mask"] = "none";
  const cases: readonly (readonly [what: string, op: OpName, device: Device<Tensor>])[] = [
    ["adds in float32 only", "add", spoilt({ add: (a, b) => reference.read(reference32.add(a, b)) })],
    [
      "ignores the batch of the right factor",
      "matmul",
      spoilt({
        matmul: (a, b, attributes) => reference.matmul(a, b.shape.length > 2 ? first(b) : b, attributes),
      }),
    ],
    [
      "reads aᵀ as a where both fit",
      "matmul",
      spoilt({ matmul: (a, b, { transposeB = false }) => reference.matmul(a, b, { transposeB }) }),
    ],
    [
      "orders heads by width instead of by head",
      "splitHeads",
      spoilt({
        splitHeads: (x, { heads }) => {
          const right = reference.splitHeads(x, { heads });
          return { ...right, data: reference.read(x).data };
        },
      }),
    ],
    [
      "takes the right derivative of ReLU at its knot",
      "activate",
      spoilt({
        activate(x, attributes) {
          if (attributes.activation !== "relu" || attributes.order === 0) return reference.activate(x, attributes);
          const data = Float64Array.from(x.data, (z) => Number(z >= 0));
          return tensor(data, x.shape);
        },
      }),
    ],
    [
      "does not hide what the mask hides",
      "weigh",
      spoilt({ weigh: (z, visible, attributes) => reference.weigh(z, visible, { ...attributes, mask: all }) }),
    ],
    [
      "divides by all keys instead of the visible ones",
      "weigh",
      spoilt({
        weigh(z, visible, attributes) {
          if (attributes.divide !== "length") return reference.weigh(z, visible, attributes);
          const weights = reference.weigh(z, visible, { ...attributes, divide: "none" });
          return reference.scale(weights, { factor: 1 / (z.shape.at(-1) as number) });
        },
      }),
    ],
    [
      "gives NaN where a query sees nothing",
      "weigh",
      spoilt({
        weigh(z, visible, attributes) {
          const weights = reference.weigh(z, visible, attributes);
          const keys = z.shape.at(-1) as number;
          for (let row = 0; row * keys < weights.data.length; row++) {
            const own = weights.data.subarray(row * keys, (row + 1) * keys);
            if (attributes.activation === "softmax" && own.every((w) => w === 0)) own.fill(Number.NaN);
          }
          return weights;
        },
      }),
    ],
    [
      "normalizes in one pass, in float32",
      "normalize",
      spoilt(
        {
          normalize(x, { kind, epsilon }) {
            const axes = { axes: [-1], keep: true };
            const factor = 1 / (x.shape.at(-1) as number);
            const mean = reference32.scale(reference32.sum(x, axes), { factor: kind === "layer" ? factor : 0 });
            const squares = reference32.scale(reference32.sum(reference32.multiply(x, x), axes), { factor });
            const minus = reference32.scale(reference32.multiply(mean, mean), { factor: -1 });
            const variance = reference32.add(squares, minus);
            const data = Float32Array.from(variance.data, (v) => 1 / Math.sqrt(Math.max(v, 0) + epsilon));
            const centred = reference32.add(x, reference32.scale(mean, { factor: -1 }));
            return reference32.multiply(centred, tensor(data, variance.shape));
          },
        },
        reference32,
      ),
    ],
    [
      "sums the first axis instead of the last but one",
      "sum",
      spoilt({
        sum: (x, { axes, keep }) =>
          reference.sum(x, { axes: axes.map((axis) => (axis === -2 ? -x.shape.length : axis)), keep }),
      }),
    ],
    [
      "starts a slice one row late",
      "slice",
      spoilt({
        slice(x, attributes) {
          const right = reference.slice(x, attributes);
          return { ...right, data: reference.read(x).data.slice(1, right.data.length + 1) };
        },
      }),
    ],
    [
      "joins in the wrong order",
      "concat",
      spoilt({ concat: (a, b, attributes) => reference.concat(b, a, attributes) }),
    ],
    [
      "gathers with one list for the whole batch",
      "gather",
      spoilt({
        gather: (table, indices) => reference.gather(table, indices.shape.length > 1 ? first(indices) : indices),
      }),
    ],
    [
      "scans without a running maximum",
      "scan",
      spoilt({
        scan(scores, values) {
          const weights = reference.read(scores);
          const exponentials = tensor(Float64Array.from(weights.data, Math.exp), weights.shape);
          const n = scores.shape.at(-2) as number;
          const lower = tensor(
            Float64Array.from({ length: n * n }, (_, i) => Number(i % n <= Math.floor(i / n))),
            [n, n],
          );
          const total = reference.matmul(lower, exponentials, {});
          const weighted = reference.matmul(lower, reference.multiply(exponentials, values), {});
          const inverse = tensor(
            Float64Array.from(total.data, (t) => 1 / t),
            total.shape,
          );
          return reference.multiply(weighted, inverse);
        },
      }),
    ],
    [
      "forgets the bias",
      "linear",
      spoilt({ linear: (x, w, _, attributes) => openLinear(reference, x, w, undefined, attributes) }),
    ],
    [
      "gives neighbouring heads different groups",
      "attention",
      spoilt({
        attention(q, k, v, bias, visible, attributes) {
          const { heads, keyValueHeads } = attributes;
          if (keyValueHeads === 1 || keyValueHeads === heads)
            return openAttention(reference, q, k, v, bias, visible, attributes);
          const repeated = (x: Tensor): Tensor => {
            let wide = x;
            for (let i = 1; i < heads / keyValueHeads; i++) wide = reference.concat(wide, x, { axis: -1 });
            return wide;
          };
          const own = { ...attributes, keyValueHeads: heads };
          return openAttention(reference, q, repeated(k), repeated(v), bias, visible, own);
        },
      }),
    ],
  ];
  for (const [what, op, device] of cases)
    it(`${op}: a device that ${what}`, async () => {
      expect(failing(await conformance(device, { only: [op] }))).toEqual([op]);
    });

  it("a wrong dtype, a wrong shape and a result out of nothing are found", async () => {
    const single = spoilt({ scale: (x, attributes) => reference32.scale(x, attributes) });
    expect(failing(await conformance(single, { only: ["scale"] }))).toEqual(["scale"]);
    const flat = spoilt({ mergeHeads: (x) => ({ ...reference.mergeHeads(x), shape: [x.data.length] }) });
    expect(failing(await conformance(flat, { only: ["mergeHeads"] }))).toContain("mergeHeads");
    const lax = spoilt({ concat: (a, b, attributes) => reference.concat(a, b.shape[0] === 5 ? a : b, attributes) });
    expect((await conformance(lax, { only: ["concat"] })).failures().map(({ problem }) => problem)).toContain(
      "concat: expected a refusal, got a result",
    );
  });

  it("a refusal that does not name the operation is found", async () => {
    const mute = spoilt({
      gather(table, indices) {
        if (table.shape.length < 2) throw new RangeError("out of range");
        return reference.gather(table, indices);
      },
    });
    const [failure] = (await conformance(mute, { only: ["gather"] })).failures();
    expect(failure.title).toBe("gather: refuses a table without rows");
    expect(failure.problem).toContain('got "out of range"');
  });
});

describe("a device of handles", () => {
  interface Handle {
    readonly shape: readonly number[];
    readonly value: Promise<Tensor>;
  }
  const handle = (value: Tensor): Handle => ({ shape: value.shape, value: Promise.resolve(value) });
  const known = new WeakMap<Handle, Tensor>();
  const wrap = (value: Tensor): Handle => {
    const made = handle(value);
    known.set(made, value);
    return made;
  };
  const handles = Object.fromEntries(
    Object.entries(reference32).map(([name, f]) => [
      name,
      typeof f === "function"
        ? (...args: unknown[]) =>
            wrap((f as (...args: unknown[]) => Tensor)(...args.map((x) => known.get(x as Handle) ?? x)))
        : f,
    ]),
  ) as unknown as Device<Handle>;
  let released = 0;
  const device: Device<Handle> = {
    ...handles,
    name: "handles",
    read: (x) => x.value,
    release: () => {
      released++;
    },
  };

  it("is read asynchronously, and gives back every result", async () => {
    const only = ["matmul", "gather", "scan", "linear"] as const;
    const report = await conformance(device, { only });
    expect(report.failures()).toEqual([]);
    expect(report.rows().map(({ op }) => op)).toEqual(only);
    const cases = opCases.filter(({ op }) => only.some((name) => name === op));
    // every case once by itself and at least once stacked
    expect(released).toBeGreaterThanOrEqual(2 * cases.length);
  });
});

describe("what a device is excused from", () => {
  it("is left out, with the reason, and everything else runs", async () => {
    const broken = spoilt({
      scan: () => {
        throw new Error("scan: expected a device that can, got this one");
      },
    });
    const report = await conformance(broken, { only: ["scan", "sum"], skip: { scan: "no prefix sums here" } });
    expect(report.failures()).toEqual([]);
    expect(report.skipped["scan: one token"]).toBe("no prefix sums here");
    expect(report.rows().map(({ op }) => op)).toEqual(["sum"]);
  });

  it("may be one test, or the batch law of one operation", async () => {
    const one = await conformance(reference, {
      skip: { "scan: one token": "why", "sum: op(stack) = stack(op)": "how" },
    });
    const titles = Object.keys(one.skipped);
    expect(titles).toContain("scan: one token");
    expect(titles.filter((title) => title.startsWith("sum: ")).length).toBe(
      opCases.filter(({ op }) => op === "sum").length,
    );
  });

  it("must be something that exists", async () => {
    await expect(conformance(reference, { skip: { scam: "a slip" } })).rejects.toThrow(
      'runOpSuite: expected skip to name operations or tests, got "scam"',
    );
  });

  it("is shown by the test runner as skipped, and the rest as tests", () => {
    const names: string[] = [];
    const skipped: string[] = [];
    const runner = {
      describe: (_: string, body: () => void) => body(),
      it: Object.assign((name: string) => names.push(name), { skip: (name: string) => skipped.push(name) }),
      expect: () => ({ toEqual: () => undefined }),
    };
    runOpSuite(runner, reference, { skip: { "add: equal shapes": "here" } });
    expect(skipped).toEqual(["add: equal shapes (here)"]);
    expect(names).toContain("add: equal shapes: op(stack) = stack(op)");
    expect(names.length + skipped.length).toBe(2 * opCases.length + refusals.length);
  });
});

/** The first of a batch. */
function first(x: Tensor): Tensor {
  const shape = x.shape.slice(1);
  const size = shape.reduce((a, b) => a * b, 1);
  return { ...x, shape, data: x.data.slice(0, size) };
}
