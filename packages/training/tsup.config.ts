export { default } from "@splineformer/build/tsup";
