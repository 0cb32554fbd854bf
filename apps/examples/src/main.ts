/** @file `pnpm start <example> [--short]`: runs an example and prints what it finds. */
import { digits } from "./digits.ts";
import { fineTune } from "./fine-tune.ts";
import { resume } from "./resume.ts";
import { long, short } from "./settings.ts";
import { words } from "./words.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const form = process.argv.includes("--short") ? short : long;
const examples: Readonly<Record<string, () => Promise<unknown>>> = {
  digits: () => digits(form.digits, print),
  resume: () => resume(form.resume, print),
  "fine-tune": () => fineTune(form.fineTune, print),
  words: () => words(form.words, print),
};
const [name = ""] = process.argv.slice(2).filter((word) => !word.startsWith("-"));
if (Object.hasOwn(examples, name)) await examples[name]();
else {
  process.stderr.write(`expected one of ${Object.keys(examples).join(", ")}, got ${JSON.stringify(name)}\n`);
  process.exitCode = 2;
}
