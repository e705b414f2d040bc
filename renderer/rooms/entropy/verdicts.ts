/**
 * Verdicts as words and shapes, so that colour is never alone.
 */
import type { VerdictName } from '#core/contract/contract.ts';

export const verdictLabels: Readonly<Record<VerdictName, string>> = {
  correct: 'correct',
  wrong: 'wrong',
  no_answer: 'no answer',
  ungradable: 'ungradable',
};

export const verdictShape: Readonly<Record<VerdictName, string>> = {
  correct: '●',
  wrong: '○',
  no_answer: '–',
  ungradable: '?',
};
