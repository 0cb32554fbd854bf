export { cpu, cpu64 } from "./cpu.ts";
export type { CpuDevice } from "./device.ts";
export { type AttentionGradients, type DifferentiableAttention, differentiateAttention } from "./gradient.ts";
export { type AttentionStream, createAttentionStream } from "./scan.ts";
