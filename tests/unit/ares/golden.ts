/** The eleven decoding steps of METHOD §8.2, shared by the tests that check its numbers. */
import { entropyFromLogprobs } from '#core/ares/entropy.ts';
import type { EntropyEstimator } from '#core/ares/options.ts';

const words = ['the', 'wait', 'the', '2', 'the', 'but', 'the', '2', 'hence', 'x', 'the'];
const probabilities = [
  [0.9, 0.05],
  [0.6, 0.3],
  [0.4, 0.3, 0.2],
  [0.5, 0.5],
  [0.25, 0.25, 0.25, 0.25],
  [0.7, 0.2],
  [0.99],
  [0.98, 0.01],
  [0.5, 0.4],
  [1],
  [0.8, 0.1],
];

export const goldenSteps = words.map((word, i) => ({ word, probabilities: probabilities[i]! }));

export const goldenTriggers = Uint8Array.from(words, (word) => (['wait', 'but', 'hence'].includes(word) ? 1 : 0));

export function goldenEntropies(estimator: EntropyEstimator): Float64Array {
  return Float64Array.from(goldenSteps, (step) => entropyFromLogprobs(step.probabilities.map(Math.log), estimator));
}
