/**
 * @file Whether a new model's residual stream explodes before anything is trained: measured on a few drawn tokens, where it
 * could. Not for given weights: those are trained, or somebody's intention. A typical input is for `checkResidual`.
 */
import { random, reference, type Tensor } from "@splineformer/tensor";
import type { DecoderConfig, EncoderConfig, ModelConfig } from "./config.ts";
import type { ParametersOf, StackParameters, TransformerParameters } from "./parameters.ts";
import { keeps, mostGrowth, rootMeanSquare } from "./residual-sizes.ts";
import { runStack } from "./stack.ts";

/** What creating a model can be told beside its options. */
export interface CreateOptions {
  /** Is told, in a sentence, that the residual stream explodes from the start. Default `console.warn`; it need not throw. */
  readonly warn?: (message: string) => void;
}

/** As many as show it; a token costs about what drawing the weights does. */
const tokens = 8;

/** Tells `warn` if standard normal tokens grow more than `mostGrowth` times from the first block to the last. */
export function warnOfExplosion<C extends ModelConfig>(
  where: string,
  config: C,
  parameters: ParametersOf<C, Tensor>,
  // biome-ignore lint/suspicious/noConsole: the documented channel
  { warn = console.warn }: CreateOptions,
): void {
  if (config.kind === "transformer") {
    const { encoder, decoder } = parameters as TransformerParameters<Tensor>;
    tell(`${where}: encoder`, config.encoder, encoder, warn);
    tell(`${where}: decoder`, config.decoder, decoder, warn);
  } else tell(where, config, parameters as StackParameters<Tensor>, warn);
}

function tell(
  where: string,
  config: EncoderConfig | DecoderConfig,
  { blocks }: StackParameters<Tensor>,
  warn: (message: string) => void,
): void {
  // what sublayers read is bounded, and so is what they add
  const bounded = config.clamp !== "none" || config.norm === "layer" || config.norm === "rms";
  if (bounded && Math.abs(config.residualScale) <= 1) return;
  const draw = random(0);
  let x: Tensor = draw.normal([tokens, config.width], { dtype: "float64" });
  const memory = config.kind === "decoder" ? draw.normal([tokens, config.memory], { dtype: "float64" }) : undefined;
  // positions that are added stand before the first block
  const { positions } = config;
  const told = positions === "rotary" || positions === "alibi" ? positions : "none";
  const alone = {
    ...config,
    positions: told,
    vocabulary: "none",
    patches: "none",
    tokens: "given",
    pool: "none",
  } as const;
  const sizes = [rootMeanSquare(x)];
  for (const [i, block] of blocks.entries()) {
    // block by block, so that no more than one of them is in float64
    x = runStack(reference, alone, { blocks: [block] }, x, memory);
    sizes.push(rootMeanSquare(x));
    if (sizes[i + 1] <= mostGrowth * sizes[0]) continue;
    const list = sizes.map((size) => size.toPrecision(2)).join(", ");
    warn(
      `${where}: the residual stream explodes from the start, ${list} up to block ${i} of ${blocks.length} for ${tokens} tokens of deviation 1; ${keeps}`,
    );
    return;
  }
}
