/**
 * How many responses a second are graded, on answers like those of MATH-500.
 *
 * Owns: one measurement, printed as one line of JSON: every gold in turn against a right response of some
 * hundred words, one with another gold, and one without a box. The time is that of the common path: computer
 * algebra is not asked.
 */
import { readFileSync } from 'node:fs';
import { gradeBatch } from '#core/grading/grade.ts';
import { sharedPath } from '../shared.ts';

const ROUNDS = 5;

const golds = readFileSync(sharedPath('data', 'math500.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => (JSON.parse(line) as { answer: string }).answer);
const reasoning = 'Let $x = \\frac{a}{b}$ and note that 3 + 4 = 7, so the sum is {small}. '.repeat(40);
const requests = golds.flatMap((gold, i) => [
  { gold, response: `${reasoning}\\boxed{${gold}}` },
  { gold, response: `${reasoning}\\boxed{${golds[(i + 1) % golds.length]!}}` },
  { gold, response: `${reasoning}Therefore, the answer is $${gold}$.` },
]);

gradeBatch(requests);
const perSecond = Array.from({ length: ROUNDS }, () => {
  const startMs = performance.now();
  gradeBatch(requests);
  return (requests.length / (performance.now() - startMs)) * 1_000;
}).sort((a, b) => a - b);
process.stdout.write(
  `${JSON.stringify({ bench: 'grading', responses: requests.length, gradesPerSecond: Math.round(perSecond[ROUNDS >> 1]!) })}\n`,
);
