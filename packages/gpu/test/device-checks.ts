/**
 * @file Checks of this package: the traps of gpu.js, handles, memory, refusals, a whole encoder. Each title could stand in
 * the docs.
 */
import {
  attention,
  cast,
  forward,
  type Network,
  reference,
  reference32,
  type SynchronousDevice,
  type Tensor,
  tensor,
  zeros,
} from "@splineformer/tensor";
import { againstRounded, oneHead, seeded } from "@splineformer/testing";
import { createEncoder } from "@splineformer/transformer";
import type { Check } from "./checks.ts";

/** The device's result against the formula in float64, with at most twice the error of the rounded formula. */
function agrees(what: string, got: Tensor, formula: (ops: SynchronousDevice) => Tensor): void {
  const { error, allowed, agrees: fine } = againstRounded(got, formula(reference), formula(reference32));
  if (!fine) throw new Error(`${what}: expected an error of at most ${allowed}, got ${error}`);
}

function equal(what: string, got: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (got.length !== expected.length)
    throw new Error(`${what}: expected ${expected.length} numbers, got ${got.length}`);
  for (let i = 0; i < got.length; i++)
    if (got[i] !== expected[i]) throw new Error(`${what}: expected ${expected[i]} at ${i}, got ${got[i]}`);
}

async function refuses(message: RegExp, error: new () => Error, call: () => unknown): Promise<void> {
  let result: unknown;
  try {
    result = await call();
  } catch (thrown) {
    if (!(thrown instanceof Error) || !(thrown instanceof error) || !message.test(thrown.message))
      throw new Error(`expected ${error.name} ${message}, got ${thrown}`);
    return;
  }
  throw new Error(`expected ${error.name} ${message}, got ${result}`);
}

const float32 = (x: Tensor): Tensor<"float32"> => cast(x, "float32");
const softmax = { activation: "softmax", mask: "none", order: 0, divide: "none" } as const;

/** What gpu.js answers wrongly, and says nothing. */
const traps: readonly Check[] = [
  {
    title: "a product over 2,003 entries adds all of them",
    async run(gpu) {
      const data = seeded(101);
      const [a, b] = [float32(data.normal([3, 2003])), float32(data.normal([2003, 5]))];
      const got = await gpu.matmul(gpu.constant(a), gpu.constant(b), {}).read();
      agrees("matmul", got, (ops) => ops.matmul(a, b, {}));
      const fused = await gpu.linear?.(gpu.constant(a), gpu.constant(b), undefined, { activation: "identity" }).read();
      agrees("linear", fused as Tensor, (ops) => ops.matmul(a, b, {}));
    },
  },
  {
    title: "rows of 2,003 keys are weighed to the end",
    async run(gpu) {
      const data = seeded(103);
      const scores = float32(data.normal([2, 2003]));
      for (const activation of ["softmax", "sparsemax"] as const) {
        const attributes = { ...softmax, activation };
        const got = await gpu.weigh(gpu.constant(scores), undefined, attributes).read();
        agrees(activation, got, (ops) => ops.weigh(scores, undefined, attributes));
      }
      const values = float32(data.normal([2003, 3]));
      const averages = await gpu
        .matmul(gpu.weigh(gpu.constant(scores), undefined, softmax), gpu.constant(values), {})
        .read();
      agrees("averages", averages, (ops) => ops.matmul(ops.weigh(scores, undefined, softmax), values, {}));
    },
  },
  {
    title: "sums, means and running averages of 2,003 rows see every row",
    async run(gpu) {
      const data = seeded(107);
      const [x, scores] = [float32(data.normal([2003, 3])), float32(data.normal([2003, 1]))];
      const sum = await gpu.sum(gpu.constant(x), { axes: [-2], keep: false }).read();
      agrees("sum", sum, (ops) => ops.sum(x, { axes: [-2], keep: false }));
      const running = await gpu.scan(gpu.constant(scores), gpu.constant(x), { kind: "softmax" }).read();
      agrees("scan", running, (ops) => ops.scan(scores, x, { kind: "softmax" }));
      const wide = float32(data.normal([2, 2003]));
      const normal = { kind: "layer", epsilon: 1e-5 } as const;
      agrees("normalize", await gpu.normalize(gpu.constant(wide), normal).read(), (ops) => ops.normalize(wide, normal));
    },
  },
  {
    title: "tanh is ±1 far out and not NaN",
    async run(gpu) {
      const x = tensor([-3e38, -1e4, -89, -20, 20, 89, 1e4, 3e38]);
      const y = await gpu.activate(gpu.constant(x), { activation: "tanh", order: 0 }).read();
      equal("tanh", y.data, [-1, -1, -1, -1, 1, 1, 1, 1]);
    },
  },
  {
    title: "squares and products of negative numbers are no powers",
    async run(gpu) {
      const x = gpu.constant(tensor([-3, -0.5, 0, 2]));
      equal("absolute", (await gpu.activate(x, { activation: "absolute", order: 0 }).read()).data, [3, 0.5, 0, 2]);
      equal("x · x", (await gpu.multiply(x, x).read()).data, [9, 0.25, 0, 4]);
      const squared = await gpu.activate(gpu.scale(x, { factor: -1 }), { activation: "squaredRelu", order: 0 }).read();
      equal("squaredRelu", squared.data, [9, 0.25, 0, 0]);
    },
  },
  {
    title: "the same numbers under other shapes are other operands",
    async run(gpu) {
      const numbers = Float32Array.from({ length: 30 }, (_, i) => i - 7);
      for (const [m, k] of [
        [2, 15],
        [15, 2],
        [5, 6],
        [6, 5],
        [1, 30],
        [30, 1],
      ]) {
        // biome-ignore format: one list
        const [a, b] = [tensor(numbers, [m, k]), tensor(numbers, [k, m])];
        // whole numbers below 2²⁴: exact in float32
        const got = await gpu.matmul(gpu.constant(a), gpu.constant(b), {}).read();
        equal(`[${m}, ${k}]`, got.data, reference.matmul(a, b, {}).data);
        const sums = await gpu.sum(gpu.constant(a), { axes: [-1], keep: false }).read();
        equal(`sum of [${m}, ${k}]`, sums.data, reference.sum(a, { axes: [-1], keep: false }).data);
      }
    },
  },
  {
    title: "a result keeps its numbers when the operation runs again",
    async run(gpu) {
      const handles = [1, 2, 3, 4].map((n) => gpu.scale(gpu.constant(tensor([n, -n])), { factor: 10 }));
      for (const [i, handle] of handles.entries())
        equal("scale", (await handle.read()).data, [10 * (i + 1), -10 * (i + 1)]);
    },
  },
  {
    title: "an operation may be applied to its own results",
    async run(gpu) {
      let x = gpu.constant(tensor([1, -3, 5]));
      for (let i = 0; i < 20; i++) x = gpu.add(x, x);
      equal("20 doublings", (await x.read()).data, [2 ** 20, -3 * 2 ** 20, 5 * 2 ** 20]);
    },
  },
  {
    title: "a kernel that is given its own result of another length starts afresh",
    async run(gpu) {
      for (let length = 1; length <= 23; length++) {
        let x = gpu.constant(tensor(Float32Array.from({ length }, (_, i) => i), [length])); // biome-ignore format: one line
        for (let i = 0; i < 5; i++) {
          const next = gpu.scale(x, { factor: 2 });
          gpu.release(x);
          x = next;
        }
        equal(
          `length ${length}`,
          (await x.read()).data,
          Float32Array.from({ length }, (_, i) => 32 * i),
        );
      }
    },
  },
  {
    title: "more results of one operation than compiled kernels are kept",
    async run(gpu) {
      for (const pass of [1, 2])
        for (let length = 1; length <= 23; length++) {
          const x = tensor(
            Float32Array.from({ length }, (_, i) => pass * i),
            [length],
          );
          const twice = await gpu.scale(gpu.constant(x), { factor: 2 }).read();
          equal(
            `length ${length}`,
            twice.data,
            x.data.map((v) => 2 * v),
          );
        }
    },
  },
];

/** Shapes that kernels find hard. */
const shapes: readonly Check[] = [
  {
    title: "4,203,047 entries are more than a row of a texture or of workgroups",
    async run(gpu) {
      const [rows, d] = [1409, 2983];
      const x = tensor(
        Float32Array.from({ length: rows * d }, (_, i) => i % 4099),
        [rows, d],
      );
      const row = tensor(
        Float32Array.from({ length: d }, (_, i) => i),
        [d],
      );
      const got = await gpu.add(gpu.constant(x), gpu.constant(row)).read();
      equal(
        "sums",
        got.data,
        Float32Array.from({ length: rows * d }, (_, i) => (i % 4099) + (i % d)),
      );
    },
  },
  {
    title: "indices are exact up to the last entry of [4093, 4093]",
    async run(gpu) {
      const n = 4093;
      const x = tensor(new Float32Array(n * n), [n, n]);
      for (let row = 0; row < n; row++) for (let j = n - 3; j < n; j++) x.data[row * n + j] = row * 3 + (j - n + 3);
      const lifted = gpu.constant(x);
      const got = await gpu.slice(lifted, { axis: -1, from: n - 3, to: n }).read();
      gpu.release(lifted);
      equal(
        "the last columns",
        got.data,
        Float32Array.from({ length: n * 3 }, (_, i) => i),
      );
    },
  },
  {
    title: "axes that repeat in turns broadcast, whatever their number",
    async run(gpu) {
      const data = seeded(109);
      const [a, b] = [float32(data.normal([2, 1, 3, 1, 5, 1])), float32(data.normal([7, 1, 2, 1, 3]))];
      const [x, y] = [gpu.constant(a), gpu.constant(b)];
      equal("add", (await gpu.add(x, y).read()).data, reference32.add(a, b).data);
      const [l, r] = [float32(data.normal([2, 1, 3, 1, 2, 3])), float32(data.normal([5, 1, 7, 3, 2]))];
      const product = await gpu.matmul(gpu.constant(l), gpu.constant(r), {}).read();
      agrees("matmul", product, (ops) => ops.matmul(l, r, {}));
      const scores = float32(data.normal([2, 3, 2, 5, 3, 2]));
      const mask = data.mask([2, 1, 2, 1, 3, 2]);
      const weights = await gpu
        .weigh(gpu.constant(scores), gpu.constant(mask), { ...softmax, divide: "length" })
        .read();
      agrees("weigh", weights, (ops) => ops.weigh(scores, mask, { ...softmax, divide: "length" }));
    },
  },
  {
    title: "attention takes queries, keys, values, bias and mask of different batches",
    async run(gpu) {
      const data = seeded(113);
      const [query, key, value] = [
        [2, 1, 5, 6],
        [3, 7, 6],
        [2, 3, 7, 4],
      ].map((shape) => float32(data.normal(shape)));
      const bias = float32(data.normal([2, 1, 2, 1, 7]));
      const visible = data.mask([3, 1, 5, 7]);
      for (const activation of ["softmax", "relu", "sigmoid"] as const) {
        const attributes = {
          activation,
          mask: "none",
          heads: 2,
          keyValueHeads: 2,
          scale: 0.5,
          divide: "length",
        } as const;
        const lifted = [query, key, value, bias, visible].map((x) => gpu.constant(x));
        const got = await attention(gpu, lifted[0], lifted[1], lifted[2], lifted[3], lifted[4], attributes).read();
        agrees(activation, got, (ops) => attention(ops, query, key, value, bias, visible, attributes));
      }
    },
  },
  {
    title: "tensors without entries, and of one, have their shapes",
    async run(gpu) {
      const none = gpu.constant(zeros([0, 3]));
      const product = await gpu.matmul(none, gpu.constant(zeros([3, 5])), {}).read();
      equal("shape", product.shape, [0, 5]);
      equal("no rows", product.data, []);
      const empty = await gpu.matmul(gpu.constant(zeros([2, 0])), gpu.constant(zeros([0, 3])), {}).read();
      equal("an empty sum", empty.data, [0, 0, 0, 0, 0, 0]);
      const joined = await gpu.concat(none, gpu.constant(tensor([[1, 2, 3]])), { axis: -2 }).read();
      equal("joined with nothing", joined.data, [1, 2, 3]);
      equal("a scalar", (await gpu.scale(gpu.constant(tensor(3)), { factor: 2 }).read()).data, [6]);
    },
  },
];

const handles: readonly Check[] = [
  {
    title: "a handle can be read twice, and used after it was read",
    async run(gpu) {
      const x = gpu.add(gpu.constant(tensor([1, 2])), gpu.constant(tensor([10, 20])));
      equal("first", (await x.read()).data, [11, 22]);
      equal("second", (await gpu.read(x)).data, [11, 22]);
      const [slow, later] = [x.read(), gpu.add(x, x)];
      equal("while it is read", (await later.read()).data, [22, 44]);
      equal("third", (await slow).data, [11, 22]);
      const y = gpu.scale(x, { factor: 3 });
      const reading = y.read();
      equal("used while it is read", (await gpu.scale(y, { factor: 2 }).read()).data, [66, 132]);
      equal("and read", (await reading).data, [33, 66]);
    },
  },
  {
    title: "a parameter is uploaded once and stays",
    async run(_, { another }) {
      // of its own: on a shared one, handles that other checks left are collected at any time
      const gpu = await another();
      const weight = float32(seeded(127).normal([3, 5]));
      const first = gpu.parameter("weight", weight);
      await gpu.scale(first, { factor: 2 }).read();
      const before = gpu.live;
      for (let i = 0; i < 5; i++) {
        if (gpu.parameter("weight", weight) !== first) throw new Error("expected the same handle for the same tensor");
        await gpu.scale(gpu.parameter("weight", weight), { factor: i }).read();
      }
      equal("live", [gpu.live], [before]);
      gpu.release(first);
      equal(
        "after a release it is uploaded again",
        (await gpu.scale(gpu.parameter("weight", weight), { factor: 1 }).read()).data,
        weight.data,
      );
      await gpu.dispose();
    },
  },
  {
    title: "what is read belongs to whoever reads it: the device's numbers do not change with it",
    async run(gpu) {
      const own = tensor([1, 2]);
      const lifted = gpu.constant(own);
      const computed = gpu.scale(lifted, { factor: 10 });
      for (const [what, handle, expected] of [
        ["lifted", lifted, [1, 2]],
        ["computed", computed, [10, 20]],
      ] as const) {
        // biome-ignore format: one list
        const [first, together] = await Promise.all([handle.read(), handle.read()]);
        first.data[0] = 99;
        equal(`${what}, read at the same time`, together.data, expected);
        equal(`${what}, read again`, (await handle.read()).data, expected);
        equal(`${what}, used again`, (await gpu.scale(handle, { factor: 1 }).read()).data, expected);
      }
      equal("the tensor that was lifted", own.data, [1, 2]);
    },
  },
  {
    title: "releasing takes effect after the operations that were called before it",
    async run(gpu) {
      const x = gpu.scale(gpu.constant(tensor([1, 2, 3])), { factor: 2 });
      const y = gpu.add(x, x);
      gpu.release(x);
      equal("y", (await y.read()).data, [4, 8, 12]);
    },
  },
  {
    title: "float64 and int32 operands are rounded to float32",
    async run(gpu) {
      const x = await gpu.constant(tensor([0.1, 1e-3], { dtype: "float64" })).read();
      equal("constant", x.data, [Math.fround(0.1), Math.fround(1e-3)]);
      const sum = await gpu.add(gpu.constant(tensor([3, -7], { dtype: "int32" })), gpu.constant(tensor([0.5]))).read();
      equal("sum", sum.data, [3.5, -6.5]);
      if (sum.dtype !== "float32") throw new Error(`expected float32, got ${sum.dtype}`);
    },
  },
];

const badInput: readonly Check[] = [
  {
    title: "a released handle is refused, and the message says what to do",
    async run(gpu) {
      const x = gpu.scale(gpu.constant(tensor([[1, 2]])), { factor: 2 });
      gpu.release(x);
      gpu.release(x);
      await refuses(
        /^add: expected a handle that is live, got one \[1, 2\] that was released; release it after its last use$/,
        RangeError,
        () => gpu.add(x, x),
      );
      await refuses(/^read: expected a handle that is live/, RangeError, () => x.read());
      await refuses(/^read: expected a handle that is live/, RangeError, () => gpu.read(x));
    },
  },
  {
    title: "handles of two devices are refused, and the message says what to do",
    async run(gpu, { another }) {
      const other = await another();
      const x = gpu.constant(tensor([1, 2]));
      const y = other.constant(tensor([3, 4]));
      await refuses(
        /^add: expected a handle of .+ device \d+, got one of .+ device \d+; read it and lift the tensor/,
        RangeError,
        () => gpu.add(x, y),
      );
      equal("as the message says", (await gpu.add(x, gpu.constant(await y.read())).read()).data, [4, 6]);
      await other.dispose();
    },
  },
  {
    title: "a tensor or a number in place of a handle is refused, and the message says what to do",
    async run(gpu) {
      const x = tensor([1, 2]);
      await refuses(
        /^add: expected a handle, got a tensor \[2\]; lift it with gpu\.constant\(tensor\)$/,
        RangeError,
        () => gpu.add(gpu.constant(x), x as never),
      );
      await refuses(/^constant: expected a tensor, got 3$/, RangeError, () => gpu.constant(3 as never));
      await refuses(/^scale: expected a handle, got 3$/, RangeError, () => gpu.scale(3 as never, { factor: 2 }));
    },
  },
  {
    title: "a tensor larger than a texture holds is refused before anything is computed",
    async run(gpu) {
      const big = zeros([4096, 4097]);
      await refuses(
        /^constant: expected a tensor of at most \d+ entries \((what a texture holds here|indices are float32, exact up to there)\), got \[4096, 4097\], which is 16781312; split the batch/,
        RangeError,
        () => gpu.constant(big),
      );
      const column = gpu.constant(zeros([4099, 1]));
      await refuses(/^matmul: expected a result of at most/, RangeError, () =>
        gpu.matmul(column, column, { transposeB: true }),
      );
      await refuses(/^attention: expected scores of at most \d+ entries .+, got \[1, 4099, 4099\]/, RangeError, () =>
        attention(gpu, column, column, column, undefined, undefined, oneHead),
      );
    },
  },
  {
    title: "indices that were computed on the device are checked too",
    async run(gpu) {
      const table = gpu.constant(tensor([[1, 2], [3, 4], [5, 6]])); // biome-ignore format: a matrix
      const computed = (index: number) => gpu.scale(gpu.constant(tensor([index])), { factor: 1 });
      equal("row 2", (await gpu.gather(table, computed(2)).read()).data, [5, 6]);
      await refuses(/^gather: expected whole indices 0 ≤ i < 3, got 3$/, RangeError, () =>
        gpu.gather(table, computed(3)).read(),
      );
      // whoever computes with a failed result is told the first cause
      await refuses(/^gather: expected whole indices 0 ≤ i < 3, got 0.5$/, RangeError, () =>
        gpu.scale(gpu.gather(table, computed(0.5)), { factor: 2 }).read(),
      );
    },
  },
  {
    title: "a read that was called before dispose is answered, and dispose waits for it",
    async run(_, { another }) {
      const gpu = await another();
      const x = gpu.add(gpu.constant(tensor([1, 2])), gpu.constant(tensor([10, 20])));
      const y = gpu.scale(x, { factor: 2 });
      const never = gpu.scale(x, { factor: 3 });
      const order: string[] = [];
      const reads = [x, y].map((handle) => handle.read().finally(() => order.push("read")));
      const disposed = gpu.dispose().then(() => order.push("disposed"));
      await refuses(/^read: expected a device, got one that was disposed/, RangeError, () => never.read());
      const [first, second] = await Promise.all(reads);
      equal("x", first.data, [11, 22]);
      equal("y", second.data, [22, 44]);
      await disposed;
      if (order.join() !== "read,read,disposed") throw new Error(`expected both reads first, got ${order.join()}`);
      equal("what was read may be read again", (await x.read()).data, [11, 22]);
      equal("live", [gpu.live], [0]);
    },
  },
  {
    title: "a disposed device holds nothing and says so",
    async run(_, { another }) {
      const gpu = await another();
      const x = gpu.activate(gpu.constant(tensor([0.5, 2])), { activation: "gelu", order: 0 });
      const read = gpu.scale(x, { factor: 2 });
      await read.read();
      await gpu.dispose();
      equal("live", [gpu.live], [0]);
      await refuses(
        /^add: expected a device, got one that was disposed; make a new one with createGpu\(\)$/,
        RangeError,
        () => gpu.add(x, x),
      );
      await refuses(/^read: expected a device, got one that was disposed/, RangeError, () => x.read());
      await gpu.dispose();
    },
  },
];

/** Run before anything else, so that nothing that others left is collected meanwhile. */
export const memoryChecks: readonly Check[] = [
  {
    title: "500 forward passes leave nothing on the GPU",
    async run(gpu, { allocated }) {
      const model = encoder("softmax", 1);
      const data = seeded(137);
      const pass = () => forward(model, float32(data.normal([5, 7])), { on: gpu }).read();
      // the first passes compile kernels and upload parameters, which stay
      for (let i = 0; i < 2; i++) await pass();
      const [live, raw] = [gpu.live, allocated?.()];
      for (let i = 0; i < 500; i++) await pass();
      equal("live", [gpu.live], [live]);
      if (raw !== undefined) equal("textures and buffers", [allocated?.() as number], [raw]);
    },
  },
];

/** Only where somebody can take the GPU away. */
export const lossChecks: readonly Check[] = [
  {
    title: "a lost GPU is an error that says what to do, not a row of zeros",
    async run(_, { another, lose }) {
      const gpu = await another();
      const x = gpu.scale(gpu.constant(tensor([1, 2])), { factor: 2 });
      equal("before", (await gpu.add(x, x).read()).data, [4, 8]);
      const enqueued = gpu.add(x, x);
      const underWay = gpu.scale(x, { factor: 3 }).read();
      await lose?.();
      const message =
        /: expected a web\w+ device that is alive, got one that the browser took away \(.+ 16 or more devices.+\); make a new one with createGpu\(\)/;
      await refuses(message, Error, () => enqueued.read());
      await refuses(message, Error, () => underWay);
      await refuses(message, Error, () => gpu.add(x, x));
      await refuses(message, Error, () => x.read());
      await gpu.dispose();
      const next = await another();
      equal("a new device", (await next.scale(next.constant(tensor([1, 2])), { factor: 2 }).read()).data, [2, 4]);
      await next.dispose();
    },
  },
];

const encoder = (activation: "softmax" | "relu", layers: number) =>
  createEncoder({
    layers,
    width: 12,
    heads: 3,
    headWidth: 5,
    hidden: 17,
    attention: { activation, mask: "causal", ...(activation === "relu" ? { divide: "length" } : {}) },
    feedForward: { activation: activation === "relu" ? "relu" : "gelu" },
    norm: activation === "relu" ? "none" : "layer",
    input: 7,
    output: 3,
    seed: 1,
  });

const networks: readonly Check[] = [
  ...(["softmax", "relu"] as const).map(
    (activation): Check => ({
      title: `a causal ${activation} encoder errs at most twice as much as in rounded arithmetic`,
      async run(gpu) {
        const model = encoder(activation, 2);
        const x = float32(seeded(131).normal([2, 11, 7]));
        const got = await forward(model, x, { on: gpu }).read();
        agrees("encoder", got, (ops) => forward(model, x, { on: ops }));
      },
    }),
  ),
  {
    title: "a user's own network runs",
    async run(gpu) {
      const network: Network<"x", object, { readonly shift: Tensor }> = {
        inputs: { x: ["tokens", 3] },
        config: {},
        parameters: { shift: tensor([1, 0, -1]) },
        run: (ops, { shift }, { x }) => ops.activate(ops.add(x, shift), { activation: "relu", order: 0 }),
      };
      equal("network", (await forward(network, tensor([[1, -2, 3]]), { on: gpu }).read()).data, [2, 0, 2]);
    },
  },
];

/** Large ones, that say nothing about a bundle. */
export const shapeChecks: readonly Check[] = shapes;
export const deviceChecks: readonly Check[] = [...traps, ...handles, ...badInput, ...networks];
