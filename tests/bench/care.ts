/**
 * How fast a dataset is checked for duplicates and contamination, and in how much memory.
 *
 *   node tests/bench/care.ts [--problems 100000] [--against 5000]
 *
 * Problems are word problems of 40 to 90 words from a fixed vocabulary with Zipf's frequencies, with 4 % exact and 4 %
 * near duplicates, and 1 % copies of the evaluation. It prints one line of JSON and appends it to
 * results/care.jsonl; the clusters it finds must be those that were planted.
 */
import { appendFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CheckedProblem, DEFAULT_THRESHOLD, DatasetCheck } from '#core/data/care/check.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

const { values } = parseArgs({
  options: {
    problems: { type: 'string', default: '100000' },
    against: { type: 'string', default: '5000' },
  },
});
const count = Number(values.problems);
const againstCount = Number(values.against);

const VOCABULARY = 8000;
const random = new RandomSequence(1, Stream.problems);

function word(): string {
  // Zipf: the frequency of a word falls with its rank.
  const rank = Math.floor(Math.exp(random.uniform() * Math.log(VOCABULARY)));
  return `w${rank.toString(26).replaceAll(/\d/g, (digit) => 'klmnopqrst'[Number(digit)]!)}`;
}

function problem(): string[] {
  const words = Array.from({ length: 40 + random.integer(51) }, word);
  for (let i = 0; i < 3; i++) words[random.integer(words.length)] = String(random.integer(1000));
  return words;
}

const evaluation = Array.from({ length: againstCount }, problem);
const planted = { exact: 0, near: 0, contaminated: 0 };
const texts: string[] = [];
const bases: string[][] = [];
for (let i = 0; i < count; i++) {
  const draw = random.uniform();
  if (draw < 0.04 && bases.length > 0) {
    planted.exact++;
    texts.push(random.pick(bases).join(' ').toUpperCase());
  } else if (draw < 0.08 && bases.length > 0) {
    planted.near++;
    const words = [...random.pick(bases)];
    const at = words.findIndex((each) => !/^\d/.test(each));
    words[at] = `changed${'abcdefghij'[random.integer(10)]!}`;
    texts.push(words.join(' '));
  } else if (draw < 0.09 && evaluation.length > 0) {
    planted.contaminated++;
    texts.push(`so ${random.pick(evaluation).slice(5, 30).join(' ')} ${problem().join(' ')}`);
  } else {
    const words = problem();
    bases.push(words);
    texts.push(words.join(' '));
  }
}

const rssBefore = process.memoryUsage.rss();
let peakRss = rssBefore;
const look = () => (peakRss = Math.max(peakRss, process.memoryUsage.rss()));
const started = performance.now();
const check = new DatasetCheck(DEFAULT_THRESHOLD);
for (const words of evaluation) check.addAgainst({ prompt: words.join(' ') });
const indexedMs = performance.now() - started;
texts.forEach((prompt, i) => {
  check.add({ prompt, answer: '1', images: [] } satisfies CheckedProblem, false);
  if (i % 1000 === 0) look();
});
const readMs = performance.now() - started - indexedMs;
const { summary } = check.finish(look);
const totalMs = performance.now() - started;

const result = {
  when: new Date().toISOString(),
  bench: 'care',
  problems: count,
  against: againstCount,
  seconds: Number((totalMs / 1000).toFixed(2)),
  readSeconds: Number((readMs / 1000).toFixed(2)),
  rowsPerSecond: Math.round(count / (totalMs / 1000)),
  peakRssMiB: Math.round(peakRss / 2 ** 20),
  rssBeforeMiB: Math.round(rssBefore / 2 ** 20),
  planted,
  found: summary,
  load: loadavg()[0],
};
process.stdout.write(`${JSON.stringify(result)}\n`);
appendFileSync(join(import.meta.dirname, 'results', 'care.jsonl'), `${JSON.stringify(result)}\n`);
