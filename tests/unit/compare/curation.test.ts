// What a curation did, per pass rate.
import { describe, expect, it } from 'vitest';
import { type Trace, curate } from '#core/ares/adacs.ts';
import { defaultAdacsOptions } from '#core/ares/options.ts';
import { curationPoints } from '#core/compare/curation.ts';

function trace(problem: string, passed: number, lengthTokens: number, correct = true): Trace {
  return { problem, source: 's', lengthTokens, correct, problemCorrect: passed, problemSamples: 2 };
}

describe('curationPoints', () => {
  const options = { ...defaultAdacsOptions, brackets: 2, perBracket: 1 };
  const traces = [
    trace('hard-1', 0, 90),
    trace('hard-2', 0, 110),
    trace('hard-3', 0, 500, false),
    trace('middle-1', 1, 58),
    trace('middle-2', 1, 80),
    trace('easy-1', 2, 20),
  ];

  it('describes pool, choice and target of every pass rate', () => {
    const points = curationPoints(traces, curate(traces, options, 1), 2);
    expect(points.map(({ passRate }) => passRate)).toEqual([0, 0.5, 1]);
    expect(points.map(({ pool }) => pool?.traces)).toEqual([2, 2, 1]);
    expect(points.map(({ pool }) => pool?.medianTokens)).toEqual([100, 69, 20]);
    // Target from 100 tokens (median of unsolved) to 20 (solved): 60 halfway, where 58 is nearest.
    expect(points.map(({ targetTokens }) => targetTokens)).toEqual([100, 60, 20]);
    expect(points.map(({ chosen }) => chosen?.traces)).toEqual([1, 1, 1]);
    expect(points[1]!.chosen!.medianTokens).toBe(58);
  });

  it('leaves a pass rate without traces empty', () => {
    const few = traces.filter(({ problemCorrect }) => problemCorrect !== 1);
    const [, middle] = curationPoints(few, curate(few, options, 1), 2);
    expect(middle).toEqual({ passRate: 0.5, pool: null, chosen: null, targetTokens: null });
  });
});
