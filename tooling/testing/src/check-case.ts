/**
 * @file One case on one device: what came out, next to what had to come out.
 */
import {
  type Attributes,
  type Device,
  isComposite,
  type Operands,
  type OpName,
  type Ops,
  openAttention,
  openLinear,
  reference,
  reference32,
  type Shaped,
  type SynchronousDevice,
  sameShape,
  showShape,
  type Tensor,
} from "@splineformer/tensor";
import { type Agreement, againstRounded, float64Tolerance, judged } from "./agreement.ts";
import { stackings, stackTensors } from "./batch.ts";
import { call, movesNumbers, type OpCase, operandsIn } from "./op-case.ts";

/** The result of one check of one operation. */
export interface Finding {
  readonly op: OpName;
  readonly title: string;
  /** Largest error relative to the largest entry; 0 where there is nothing to measure, infinite if it failed otherwise. */
  readonly error: number;
  /** What the error may be. */
  readonly allowed: number;
  readonly passed: boolean;
  /** What went wrong; empty if nothing did. */
  readonly problem: string;
}

type Formula = <T extends Shaped>(ops: Ops<T>, operands: readonly (T | undefined)[]) => T;

/** Shape, dtype and values of a case. */
export async function checkValues<T extends Shaped>(device: Device<T>, given: OpCase): Promise<Finding> {
  return checkResult(device, given, given.title, given.operands, (ops, operands) => call(ops, given, operands));
}

/** op(stack) = stack(op): the device computes the stack, the reference the parts. */
export async function checkBatch<T extends Shaped>(device: Device<T>, given: OpCase): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { title, stack, parts } of stackings(given)) {
    const byParts = (ops: SynchronousDevice): Tensor =>
      stackTensors(
        parts.map((part) => {
          const result = call<Tensor>(ops, part, operandsIn(device.dtype, part.operands));
          return { ...result, data: result.data.slice() };
        }),
      );
    findings.push(
      await checkResult(device, given, title, stack.operands, (ops, operands) => call(ops, stack, operands), byParts),
    );
  }
  return findings;
}

/** A composite's decomposition into primitives, on the same device; undefined for a primitive. */
export async function checkDecomposition<T extends Shaped>(
  device: Device<T>,
  given: OpCase,
): Promise<Finding | undefined> {
  if (!isComposite(given.op)) return undefined;
  const opened: Formula = (ops, operands) =>
    given.op === "linear"
      ? openLinear(ops, ...(operands as Operands<never>["linear"]), given.attributes as Attributes["linear"])
      : openAttention(ops, ...(operands as Operands<never>["attention"]), given.attributes as Attributes["attention"]);
  return checkResult(device, given, `${given.title}, by its primitives`, given.operands, opened);
}

/** The device must refuse the case's call, and the message must name the operation first. */
export async function checkRefusal<T extends Shaped>(device: Device<T>, given: OpCase): Promise<Finding> {
  let problem = `${given.op}: expected a refusal, got a result`;
  try {
    await device.read(call(device, given, lifted(device, given.operands)));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    problem = message.startsWith(`${given.op}: expected `)
      ? ""
      : `${given.op}: expected a message "${given.op}: expected …, got …", got "${message}"`;
  }
  const passed = problem === "";
  return {
    op: given.op,
    title: given.title,
    error: passed ? 0 : Number.POSITIVE_INFINITY,
    allowed: 0,
    passed,
    problem,
  };
}

const lifted = <T extends Shaped>(device: Device<T>, operands: OpCase["operands"]): (T | undefined)[] =>
  operands.map((x) => x && device.constant(x));

async function checkResult<T extends Shaped>(
  device: Device<T>,
  { op }: OpCase,
  title: string,
  given: OpCase["operands"],
  formula: Formula,
  expectedBy: (ops: SynchronousDevice) => Tensor = (ops) => formula(ops, operandsIn(device.dtype, given)),
): Promise<Finding> {
  const failed = (problem: string): Finding => ({
    op,
    title,
    error: Number.POSITIVE_INFINITY,
    allowed: 0,
    passed: false,
    problem: `${title}: ${problem}`,
  });
  let result: Tensor;
  try {
    const value = formula(device, lifted(device, operandsIn(device.dtype, given)));
    result = await device.read(value);
    const expected = expectedBy(reference);
    if (!sameShape(value.shape, expected.shape))
      return failed(`expected a value of shape ${showShape(expected.shape)}, got ${showShape(value.shape)}`);
    if (!sameShape(result.shape, expected.shape))
      return failed(`expected a tensor of shape ${showShape(expected.shape)}, got ${showShape(result.shape)}`);
    if (result.dtype !== device.dtype) return failed(`expected dtype ${device.dtype}, got ${result.dtype}`);
    if (result.data.length !== expected.data.length)
      return failed(`expected ${expected.data.length} entries, got ${result.data.length}`);
    const { error, allowed, agrees } = compare(op, result, expected, expectedBy);
    device.release?.(value);
    return {
      op,
      title,
      error,
      allowed,
      passed: agrees,
      problem: agrees ? "" : `${title}: expected an error of at most ${allowed} of the largest entry, got ${error}`,
    };
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

function compare(
  op: OpName,
  result: Tensor,
  expected: Tensor,
  expectedBy: (ops: SynchronousDevice) => Tensor,
): Agreement {
  if (movesNumbers.has(op)) return judged(result, expected, 0);
  if (result.dtype === "float64") return judged(result, expected, float64Tolerance);
  return againstRounded(result, expected, expectedBy(reference32));
}
