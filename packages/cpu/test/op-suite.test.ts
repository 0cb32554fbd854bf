import { runOpSuite } from "@splineformer/testing";
import * as vitest from "vitest";
import { cpu, cpu64 } from "../src/index.ts";

for (const device of [cpu, cpu64]) runOpSuite(vitest, device);
