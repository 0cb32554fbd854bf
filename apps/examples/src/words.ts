/**
 * @file A causal model of letters learns the spelling of English words and names, predicts unseen ones in fewer bits than
 * counting triples of letters does, and makes up words. It is a spline: ReLU attention, no norm.
 */
import { dictionary } from "cmu-pronouncing-dictionary";
import {
  adam,
  cosine,
  cpu,
  createLanguageModel,
  crossEntropy,
  type Dataset,
  type Encoder,
  fit,
  forward,
  generate,
  random,
  tensor,
} from "splineformer";
import { trigram, trigramBits } from "./trigram.ts";

export interface WordsSettings {
  /** Words to learn from, at most; the rest but a tenth. */
  readonly training: number;
  readonly testing: number;
  readonly steps: number;
  readonly width: number;
  readonly layers: number;
  /** How many words to make up. */
  readonly made: number;
}

export interface WordsFact {
  readonly words: number;
  /** Bits for each letter and each end of a word, of words that were not learnt from. */
  readonly bits: number;
  readonly trigramBits: number;
  /** Made-up words that are in no part of the dictionary. */
  readonly made: readonly string[];
}

/** 0 stands before a word and after it. */
const letters = "|abcdefghijklmnopqrstuvwxyz'";
const longest = 15;

type Word = readonly number[];
const idsOf = (word: string): Word => Array.from(word, (letter) => letters.indexOf(letter));

export async function words(settings: WordsSettings, print: (line: string) => void = () => {}): Promise<WordsFact> {
  const { testing, steps, width, layers, made } = settings;
  const known = Object.keys(dictionary).filter((word) => /^[a-z][a-z']*$/.test(word) && word.length <= longest);
  const order = random(1).permutation(known.length);
  const some = (from: number, to: number): Word[] => order.slice(from, to).map((i) => idsOf(known[i]));
  const test = some(0, testing);
  const learnt = some(testing, testing + settings.training);
  const untrained = createLanguageModel({
    vocabulary: letters.length,
    layers,
    width,
    heads: 4,
    positions: { learned: longest + 1 },
    seed: 1,
  });
  const counted = trigramBits(trigram(learnt, letters.length), test);
  print(
    `${learnt.length} words to learn from, ${test.length} others to test with; counted triples: ${counted.toFixed(3)} bits`,
  );

  const optimizer = adam({ learningRate: 8e-3, beta2: 0.98 });
  const options = { loss: crossEntropy, optimizer, schedule: cosine({ warmUp: 0.1 }), clip: 1, batch: 1, seed: 1 };
  let model = untrained;
  let mean = 0;
  for await (const { step, loss, model: now } of fit(untrained, batches(learnt, steps), options)) {
    model = now;
    mean += loss / Math.LN2;
    if (step % Math.ceil(steps / 10) !== 0) continue;
    print(`step ${step}: ${(mean / Math.ceil(steps / 10)).toFixed(3)} bits`);
    mean = 0;
  }
  const bits = modelBits(model, test);
  print(`unseen words: ${bits.toFixed(3)} bits for a letter, counted triples ${counted.toFixed(3)}`);
  const found = await makeUp(model, new Set(known), made);
  print(`made up: ${found.join(" ")}`);
  return { words: learnt.length, bits, trigramBits: counted, made: found };
}

/**
 * Batches of 64 words of one length each, so that nothing is padded; a length comes as often as its letters do.
 * One example of this data is such a batch, so `fit` takes them one at a time.
 */
function batches(all: readonly Word[], steps: number): Dataset<"x"> {
  const byLength = new Map<number, Word[]>();
  for (const word of all) byLength.set(word.length, [...(byLength.get(word.length) ?? []), word]);
  return {
    length: steps,
    batch(_, draw) {
      const group = byLength.get(all[draw.integer(all.length)].length) as Word[];
      const chosen = Array.from({ length: 64 }, () => group[draw.integer(group.length)]);
      return pairs(chosen);
    },
  };
}

/** Each word's letters, and what follows each; words of one length. */
function pairs(chosen: readonly Word[]): {
  readonly inputs: ReturnType<typeof tensor>;
  readonly targets: ReturnType<typeof tensor>;
} {
  const of = (rows: readonly Word[]) => tensor(Int32Array.from(rows.flat()), [rows.length, rows[0].length]);
  return { inputs: of(chosen.map((word) => [0, ...word])), targets: of(chosen.map((word) => [...word, 0])) };
}

/** Mean bits for each letter and each end of a word. */
function modelBits(model: Encoder, test: readonly Word[]): number {
  let bits = 0;
  let count = 0;
  for (let length = 1; length <= longest; length++) {
    const group = test.filter((word) => word.length === length);
    if (group.length === 0) continue;
    const { inputs, targets } = pairs(group);
    bits += (crossEntropy(cpu, forward(model, inputs), targets).data[0] / Math.LN2) * targets.data.length;
    count += targets.data.length;
  }
  return bits / count;
}

/** Words that are not in the dictionary, letter by letter. */
async function makeUp(model: Encoder, known: ReadonlySet<string>, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let seed = 1; found.length < count; seed++) {
    let word = "";
    for await (const id of generate(model, [0], { temperature: 0.8, seed, stop: [0], on: cpu })) word += letters[id];
    if (word.length > 3 && !known.has(word) && !found.includes(word)) found.push(word);
  }
  return found;
}
