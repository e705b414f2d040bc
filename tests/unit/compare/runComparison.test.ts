// What several runs ended with: paired by the problems' content, refused where they differ.
import { describe, expect, it } from 'vitest';
import { renderReport } from '#core/compare/report/report.ts';
import { compareRuns, reportOfComparison } from '#core/compare/runComparison.ts';
import { errorOf } from '../store/helpers.ts';
import { type Answers, type StoredRun, storedRun } from './storedRun.ts';

const right: Answers = () => ({ correct: true, hesitations: 1 });
const easyOnly: Answers = (id) => ({ correct: id.startsWith('easy'), hesitations: 3 });

function address(project: string, { store, runId }: StoredRun) {
  return { project, store, runId };
}

describe('compareRuns', () => {
  it('pairs the last arms by content, in whatever order the problems were imported', () => {
    const first = storedRun({ answers: [easyOnly, easyOnly, easyOnly] });
    const second = storedRun({ answers: [easyOnly, easyOnly, right], reversed: true });
    const { comparison } = compareRuns([address('one', first), address('two', second)]);
    expect(comparison.evaluations.map(({ label }) => label)).toEqual([
      'AEPO without KL, one, run 1',
      'AEPO without KL, two, run 1',
    ]);
    const differences = comparison.pairs.map(({ group, accuracy }) => [group, accuracy.value]);
    expect(differences).toEqual([
      ['easy', 0],
      ['medium', 1],
      ['hard', 1],
      ['all', expect.closeTo(4 / 6, 12)],
    ]);
  });

  it('uses the buckets of the first run for all', () => {
    const first = storedRun({ answers: [easyOnly], graded: false });
    const second = storedRun({ answers: [right], graded: false });
    const { comparison } = compareRuns([address('one', first), address('two', second)]);
    expect(comparison.groups).toEqual(['easy', 'hard', 'all']);
  });

  it('compares different arms under their plain names', () => {
    const first = storedRun({ finishedStages: 4 });
    const { comparison } = compareRuns([address('one', first), address('two', storedRun())]);
    expect(comparison.evaluations.map(({ label }) => label)).toEqual(['AdaCS', 'AEPO without KL']);
  });

  it('refuses other problems, and runs without evaluations', () => {
    const run = storedRun();
    const other = storedRun({ question: 'Something else?' });
    expect(errorOf(() => compareRuns([address('one', run), address('two', other)])).code).toBe('bad-data');
    const unfinished = storedRun({ finishedStages: 1 });
    const error = errorOf(() => compareRuns([address('one', run), address('two', unfinished)]));
    expect([error.code, error.where]).toEqual(['not-found', 'two, run 1']);
  });
});

describe('reportOfComparison', () => {
  it('says of every arm which run it is, and renders', () => {
    const runs = [storedRun({ answers: [easyOnly] }), storedRun()];
    const data = reportOfComparison(compareRuns(runs.map((run, i) => address(`p${i}`, run))), runs[0]!.facts);
    expect(data.curves!.map(({ arm }) => arm)).toEqual(['p0, run 1', 'p1, run 1']);
    const page = renderReport(data);
    expect(page).toContain('p1, run 1: “Small run”, seed 11, recipe');
    expect(page).not.toContain('undefined');
    expect(page).not.toContain('NaN');
  });
});
