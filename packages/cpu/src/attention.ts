/**
 * @file Fused attention: keys and values are packed once per group of heads, and no [queries × keys] matrix is stored.
 * Letters: n queries, m keys, d width of a query and key head, e width of a value head.
 */
import {
  type Attributes,
  allocate,
  broadcastOffsets,
  cast,
  inferShape,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import type { Arena } from "./arena.ts";
import { weighingCode } from "./codes.ts";
import { broadcastMatrices, rowTerms, toBits, windowOf } from "./rows.ts";

/**
 * weigh(scale · q kᵀ + bias) v for every head; undefined for an activation that the kernels lack.
 *
 * Operands and attributes are those of the operation `attention`.
 */
export function attention(
  arena: Arena,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  bias: Tensor | undefined,
  visible: Tensor | undefined,
  attributes: Attributes["attention"],
): Tensor | undefined {
  const shape = inferShape("attention", attributes, query.shape, key.shape, value.shape, bias?.shape, visible?.shape);
  const { activation, heads, keyValueHeads, scale, mask } = attributes;
  const found = weighingCode(activation);
  if (!found) return undefined;
  const { code, parameter } = found;
  const batch = shape.slice(0, -2);
  const [n, outWidth] = shape.slice(-2);
  const [m, keyWidth] = key.shape.slice(-2);
  const queryWidth = query.shape.at(-1) as number;
  const valueWidth = value.shape.at(-1) as number;
  const d = queryWidth / heads;
  const e = outWidth / heads;
  const data = allocate("float32", sizeOf(shape));
  const out: Tensor = { dtype: "float32", shape, data };
  if (data.length === 0 || m === 0) return out;

  const [q, k, v] = [query, key, value].map((x) => cast(x, "float32").data);
  const [qs, ks, vs] = [query, key, value].map((x) => broadcastOffsets(x.shape.slice(0, -2), batch));
  const biases = bias && broadcastMatrices(cast(bias, "float32"), [...batch, heads], n, m);
  const masks = visible && broadcastMatrices(toBits(visible), [...batch, heads], n, m);
  const bits = masks && new Uint8Array(n * m);
  const { kernels } = arena;
  const keysSize = kernels.packedSize(m, Math.max(d, 1));
  const valuesSize = kernels.packedSize(e, m);
  const [pq, pk, pv, po, pKeys, pValues, pShift, pDivisor, pBias, pVisible, pWork] = arena.pieces(
    n * queryWidth * 4,
    m * keyWidth * 4,
    m * valueWidth * 4,
    n * outWidth * 4,
    keysSize * keyValueHeads,
    valuesSize * keyValueHeads,
    n * 4 + 64,
    n * 4 + 64,
    biases ? n * m * 4 : 0,
    masks ? n * m : 0,
    kernels.attendWork(m, d, e, code),
  );
  const { f32, u8 } = arena;
  const window = windowOf(mask);
  let hidden = -1;
  let lastKey = -1;
  let lastValue = -1;
  let lastBias = -1;
  for (let b = 0; b < qs.length; b++) {
    f32.set(q.subarray(qs[b] * n * queryWidth, (qs[b] + 1) * n * queryWidth), pq / 4);
    if (ks[b] !== lastKey) {
      lastKey = ks[b];
      f32.set(k.subarray(lastKey * m * keyWidth, (lastKey + 1) * m * keyWidth), pk / 4);
      for (let g = 0; g < keyValueHeads; g++)
        kernels.packKeys(pk + g * d * 4, keyWidth * 4, m, d, pKeys + g * keysSize);
    }
    if (vs[b] !== lastValue) {
      lastValue = vs[b];
      f32.set(v.subarray(lastValue * m * valueWidth, (lastValue + 1) * m * valueWidth), pv / 4);
      for (let g = 0; g < keyValueHeads; g++)
        kernels.packValues(pv + g * e * 4, valueWidth * 4, m, e, pValues + g * valuesSize);
    }
    for (let h = 0; h < heads; h++) {
      const index = b * heads + h;
      if (index === 0 || (masks && masks.offsets[index] !== hidden)) {
        if (masks && bits) {
          hidden = masks.offsets[index];
          masks.read(index, bits);
          u8.set(bits, pVisible);
        }
        const terms = rowTerms(n, m, attributes, bits);
        f32.set(terms.shift, pShift / 4);
        f32.set(terms.divisor, pDivisor / 4);
      }
      if (biases && biases.offsets[index] !== lastBias) {
        lastBias = biases.offsets[index];
        biases.read(index, f32.subarray(pBias / 4, pBias / 4 + n * m));
      }
      const g = Math.floor((h * keyValueHeads) / heads);
      kernels.attend32(
        n,
        m,
        d,
        e,
        pq + h * d * 4,
        queryWidth * 4,
        pKeys + g * keysSize,
        pValues + g * valuesSize,
        po + h * e * 4,
        outWidth * 4,
        code,
        parameter,
        scale,
        window,
        pShift,
        pDivisor,
        biases ? pBias : 0,
        m * 4,
        bits ? pVisible : 0,
        m,
        0,
        pWork,
      );
    }
    data.set(f32.subarray(po / 4, po / 4 + n * outWidth), b * n * outWidth);
  }
  return out;
}
