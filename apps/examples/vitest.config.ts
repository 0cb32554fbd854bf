export { default } from "@splineformer/build/vitest";
