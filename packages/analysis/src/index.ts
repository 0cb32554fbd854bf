export type { Cause, FlatUnit, HiddenUnit, ScoreUnit, Unit } from "./causes.ts";
export type { Path, PathPiece } from "./path.ts";
export { type LineOptions, restrictToLine } from "./restrict-to-line.ts";
