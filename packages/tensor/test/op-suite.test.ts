import { reference, reference32 } from "@splineformer/tensor";
import { runOpSuite } from "@splineformer/testing";
import { describe, expect, it } from "vitest";

runOpSuite({ describe, it, expect }, reference);
runOpSuite({ describe, it, expect }, reference32);
