import { cpu } from "../src/index.ts";
import { tensor, toNested, registerActivation, attention } from "@splineformer/tensor";
import { test } from "vitest";
test("x", () => {
  const q = tensor([[0.4],[1]]), k = tensor([[1],[0]]);
  for (const activation of [{name:"entmax",alpha:1.5},{name:"entmax",alpha:1},{name:"entmax",alpha:2},{ name: "piecewise", knots: [0], pieces: [[0],[0,1]] }, registerActivation("sine",{value:Math.sin,derivative:Math.cos})] as const) {
    console.log(JSON.stringify(activation), toNested(cpu.weigh(tensor([[0.4,0]]), undefined, {activation, mask:"none", order:0, divide:"none"})),
      toNested(attention(cpu, q,k,k,undefined,undefined,{activation,mask:"none",heads:1,keyValueHeads:1,scale:1,divide:"none"})));
  }
});
