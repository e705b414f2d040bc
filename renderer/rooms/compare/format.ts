/**
 * Words and marks of the Compare room.
 */
import type { ArmInfo, ComparisonResult, VerdictName } from '#core/contract/contract.ts';

type Interval = ComparisonResult['summaries'][number]['accuracy']['interval'];
type Test = ComparisonResult['differences'][number]['accuracy']['test'];

/** A letter behind a figure, and what it stands for; the usual way has none. */
export const intervalMarks: Readonly<Record<Interval, string>> = { bootstrap: '', wilson: 'w', none: '' };
export const testMarks: Readonly<Record<Test, string>> = { bootstrap: '', mcnemar: 'm', none: '' };
export const markLegend = [
  { mark: 'w', text: 'Wilson interval' },
  { mark: 'm', text: 'exact McNemar test' },
] as const;

export const verdictLabels: Readonly<Record<VerdictName, string>> = {
  correct: 'correct',
  wrong: 'wrong',
  no_answer: 'no answer',
  ungradable: 'ungradable',
};
/** Shapes, so that colour is never alone. */
export const verdictShapes: Readonly<Record<VerdictName, string>> = {
  correct: '●',
  wrong: '○',
  no_answer: '–',
  ungradable: '?',
};

/** What tells arms of one label apart in a list: `run 3 · seed 7`. */
export function originOf({ runId, runName, seed }: ArmInfo): string {
  return `run ${runId} · ${runName} · seed ${seed}`;
}
