/**
 * @file Where numbers live while a line is walked: on a stack that is used again and again, since fresh memory is slow and
 * has to be collected. A device may have a workspace, whose products copy nothing; then the stack is there, as far as it
 * has room. Letters: a [m, k], b [k, n], c [m, n].
 */
import { type PlacedMatrix, reference, type SynchronousDevice, type Workspace } from "@splineformer/tensor";

/** A place on the stack. */
interface Mark {
  readonly workspace: number;
  readonly chunk: number;
  readonly used: number;
}

export interface Memory {
  /** Numbers of any value, up to the `release` of an earlier mark. */
  take(length: number): Float64Array;
  /** The same, but zeros. */
  zeros(length: number): Float64Array;
  mark(): Mark;
  release(mark: Mark): void;
  /** c ← a b, and a bias to every row; each sum in the order of k. */
  multiply: Workspace["multiply"];
  /** Gives all of it back; then nothing of it may be used. */
  close(): void;
}

/** Numbers of an array that several values share. */
const chunkSize = 2 ** 18;

export function createMemory(device: SynchronousDevice): Memory {
  const workspace = device.workspace?.();
  const chunks: Float64Array[] = [];
  let chunk = 0;
  let used = 0;
  const take = (length: number): Float64Array => {
    const own = workspace?.take(length);
    if (own) return own;
    while (chunk < chunks.length && used + length > chunks[chunk].length) {
      chunk++;
      used = 0;
    }
    if (chunk === chunks.length) chunks.push(new Float64Array(Math.max(chunkSize, length)));
    used += length;
    return chunks[chunk].subarray(used - length, used);
  };
  const buffer = workspace?.take(0)?.buffer;
  return {
    take,
    zeros: (length) => take(length).fill(0),
    mark: () => ({ workspace: workspace?.mark() ?? 0, chunk, used }),
    release(mark) {
      workspace?.release(mark.workspace);
      chunk = mark.chunk;
      used = mark.used;
    },
    close: () => workspace?.close(),
    multiply(m, n, k, a, transposeA, b, transposeB, c, bias) {
      const inside = (x: Float64Array | undefined): boolean => x === undefined || x.buffer === buffer;
      if (workspace && k > 0 && inside(a.numbers) && inside(b.numbers) && inside(c.numbers) && inside(bias))
        workspace.multiply(m, n, k, a, transposeA, b, transposeB, c, bias);
      else if (!workspace && device !== reference && m * n * k > 0)
        productOn(device, m, n, k, a, transposeA, b, transposeB, c, bias);
      else plainProduct(m, n, k, a, transposeA, b, transposeB, c, bias);
    },
  };
}

const plainProduct: Workspace["multiply"] = (m, n, k, a, transposeA, b, transposeB, c, bias) => {
  const [aRow, aStep] = transposeA ? [1, a.stride] : [a.stride, 1];
  const x = a.numbers;
  const y = b.numbers;
  const out = c.numbers;
  for (let i = 0; i < m; i++) {
    const to = c.offset + i * c.stride;
    const row = a.offset + i * aRow;
    if (transposeB)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        const column = b.offset + j * b.stride;
        for (let l = 0; l < k; l++) sum += x[row + l * aStep] * y[column + l];
        out[to + j] = sum;
      }
    else {
      for (let j = 0; j < n; j++) out[to + j] = 0;
      for (let l = 0; l < k; l++) {
        const v = x[row + l * aStep];
        const from = b.offset + l * b.stride;
        for (let j = 0; j < n; j++) out[to + j] += v * y[from + j];
      }
    }
    if (bias) for (let j = 0; j < n; j++) out[to + j] += bias[j];
  }
};

/** The product by a device that computes tensors. */
function productOn(
  device: SynchronousDevice,
  ...[m, n, k, a, transposeA, b, transposeB, c, bias]: Parameters<Workspace["multiply"]>
): void {
  const matrix = ({ numbers, offset, stride }: PlacedMatrix, rows: number, columns: number) => {
    const data = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++)
      data.set(numbers.subarray(offset + i * stride, offset + i * stride + columns), i * columns);
    return { dtype: "float64", shape: [rows, columns], data } as const;
  };
  const x = transposeA ? matrix(a, k, m) : matrix(a, m, k);
  const y = transposeB ? matrix(b, n, k) : matrix(b, k, n);
  const { data } = device.matmul(x, y, { transposeA, transposeB });
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) c.numbers[c.offset + i * c.stride + j] = data[i * n + j] + (bias ? bias[j] : 0);
}
