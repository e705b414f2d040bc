// Whole comparisons: symmetry, repeatability, honesty of the conclusions.
import { describe, expect, it } from 'vitest';
import { compareEvaluations, overallOf, summaryOf } from '#core/compare/comparison.ts';
import { conclusionsOf, isShown } from '#core/compare/conclusions.ts';
import { holm } from '#core/compare/exactTests.ts';
import { comparisonNotes, pairOf } from '#core/compare/resultTable.ts';
import type { Evaluation } from '#core/compare/types.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { answers, drawnEvaluation, evaluationOf } from './samples.ts';

const base = drawnEvaluation('base', [0.95, 0.6, 0.4], [50, 52, 55]);
const better = drawnEvaluation('better', [0.95, 0.9, 0.9], [38, 50, 70]);
const options = { resamples: 2000, seed: 3 };

/** The same evaluation with its problems, and its samples, in reverse. */
function reversed(evaluation: Evaluation): Evaluation {
  const last = evaluation.problems.length - 1;
  const { outcomes } = evaluation;
  return {
    ...evaluation,
    problems: [...evaluation.problems].reverse(),
    outcomes: {
      problemIndex: outcomes.problemIndex.map((index) => last - index).reverse(),
      correct: outcomes.correct.slice().reverse(),
      lengthTokens: outcomes.lengthTokens.slice().reverse(),
      verdict: outcomes.verdict.slice().reverse(),
      truncated: outcomes.truncated.slice().reverse(),
    },
  };
}

describe('compareEvaluations', () => {
  it('repeats with its seed', () => {
    expect(compareEvaluations([base, better], options)).toEqual(compareEvaluations([base, better], options));
    const other = compareEvaluations([base, better], { ...options, seed: 4 });
    expect(other.pairs).not.toEqual(compareEvaluations([base, better], options).pairs);
  });

  it('does not depend on the order of problems or samples of the second arm', () => {
    const straight = compareEvaluations([base, better], options);
    const shuffled = compareEvaluations([base, reversed(better)], options);
    expect(shuffled.pairs).toEqual(straight.pairs);
    expect(shuffled.summaries).toEqual(straight.summaries);
    expect(shuffled.flips).toEqual(straight.flips);
  });

  it('changes sign, and nothing else, when the arms change places', () => {
    const forth = compareEvaluations([base, better], options);
    const back = compareEvaluations([base, better], { ...options, reference: 'better' });
    forth.pairs.forEach((pair, i) => {
      const mirrored = back.pairs[i]!;
      expect(mirrored.accuracy.value).toBeCloseTo(-pair.accuracy.value, 12);
      expect(mirrored.accuracy.low).toBeCloseTo(-pair.accuracy.high, 12);
      expect(mirrored.lengthTokens.high).toBeCloseTo(-pair.lengthTokens.low, 12);
      expect(mirrored.lengthTokens.p).toBe(pair.lengthTokens.p);
    });
  });

  it('corrects all its p-values as one family', () => {
    const comparison = compareEvaluations([base, better], options);
    const tests = comparison.pairs.flatMap(({ accuracy, lengthTokens }) => [accuracy, lengthTokens]);
    expect(tests.map((test) => test.pHolm)).toEqual(holm(tests.map((test) => test.p)));
    expect(comparison.tests).toBe(8);
    expect(compareEvaluations([base, better], { ...options, furtherPairs: [['better', 'base']] }).tests).toBe(8);
  });

  it('measures allocation as hard minus easy length', () => {
    const { allocations, summaries } = compareEvaluations([base, better], options);
    const lengthOf = (group: string): number =>
      summaries.find((summary) => summary.arm === 'better' && summary.group === group)!.lengthTokens.value;
    const { tokens } = allocations[1]!;
    expect(tokens.value).toBeCloseTo(lengthOf('hard') - lengthOf('easy'), 12);
    expect(tokens.low).toBeLessThan(tokens.value);
    expect(tokens.high).toBeGreaterThan(tokens.value);
    expect(tokens.low).toBeGreaterThan(25);
  });

  it('counts what a mean hides', () => {
    const comparison = compareEvaluations([
      evaluationOf('a', [
        { key: 'x', samples: [{ truncated: true, verdict: 'no_answer' }, { verdict: 'ungradable' }] },
        { key: 'y', bucket: 'hard', samples: answers('10', 30) },
      ]),
    ]);
    expect(overallOf(comparison, 'a')).toMatchObject({ samples: 4, truncated: 1, noAnswer: 1, ungradable: 1 });
    expect(summaryOf(comparison, 'a', 'hard')).toMatchObject({ samples: 2, truncated: 0 });
    // Accuracy (0 + 1/2) / 2, mean length (10 + 30) / 2.
    expect(overallOf(comparison, 'a').accuracyPer1000Tokens).toBeCloseTo((1000 * 0.25) / 20, 12);
  });

  it('refuses what cannot be compared', () => {
    expect(() => compareEvaluations([])).toThrow(/no evaluation/);
    expect(() => compareEvaluations([base, base])).toThrow(/same arm/);
    expect(() => compareEvaluations([base], { reference: 'nobody' })).toThrow(/no evaluation of "nobody"/);
    expect(() => compareEvaluations([base], { furtherPairs: [['base', 'x']] })).toThrow(/no pair/);
    expect(() => compareEvaluations([base], { furtherPairs: [['base', 'base']] })).toThrow(/no pair/);
    const elsewhere = drawnEvaluation('other', [1, 1, 1], [5, 5, 5], { perBucket: 5 });
    expect(() => compareEvaluations([base, elsewhere])).toThrow(/cannot be compared/);
  });
});

describe('calibration', () => {
  it('covers the truth, and finds differences between equals, about as often as it claims', () => {
    const random = new RandomSequence(99, Stream.problems);
    const studies = 200;
    let covered = 0;
    let alarms = 0;
    for (let study = 0; study < studies; study++) {
      // Pass rates of a population with mean 1/2; two arms that solve each problem equally often.
      const rates = Array.from({ length: 40 }, () => random.uniform());
      const arm = (name: string): Evaluation =>
        evaluationOf(
          name,
          rates.map((rate, i) => ({
            key: `${i}`,
            samples: answers(Array.from({ length: 4 }, () => (random.uniform() < rate ? '1' : '0')).join('')),
          })),
        );
      const { summaries, pairs } = compareEvaluations([arm('a'), arm('b')], { resamples: 300, seed: study });
      const { low, high } = summaries[0]!.accuracy;
      if (low <= 0.5 && high >= 0.5) covered += 1;
      if (pairs[0]!.accuracy.p < 0.05) alarms += 1;
    }
    // Claimed: 190 and 10 of 200; four binomial standard deviations around them.
    expect(covered).toBeGreaterThan(190 - 4 * 3.1);
    expect(alarms).toBeLessThan(10 + 4 * 3.1);
    expect(alarms).toBeGreaterThan(0);
  });
});

describe('conclusionsOf', () => {
  it('shows large differences, in their direction', () => {
    const comparison = compareEvaluations([base, better], options);
    expect(isShown(pairOf(comparison, 'better', 'base', 'hard')!.accuracy)).toBe(true);
    const [against, allocation] = conclusionsOf(comparison);
    expect(against!.heading).toBe('BETTER against BASE');
    const text = against!.sentences.join(' ');
    expect(text).toMatch(/Accuracy was higher on .*hard problems/);
    expect(text).toMatch(/Responses were longer on hard problems .*shorter on easy problems/);
    expect(text).toMatch(/No difference in accuracy was shown on easy problems/);
    expect(allocation!.heading).toBe('Allocation');
  });

  it('shows nothing between an arm and itself', () => {
    const twin = { ...base, arm: 'twin', label: 'Twin' };
    const comparison = compareEvaluations([base, twin], options);
    for (const { accuracy, lengthTokens } of comparison.pairs) {
      expect(isShown(accuracy)).toBe(false);
      expect(isShown(lengthTokens)).toBe(false);
    }
    const text = conclusionsOf(comparison)[0]!.sentences.join(' ');
    expect(text).not.toMatch(/higher|lower|longer|shorter/);
    expect(text).toMatch(/0 were solved by Twin but not by BASE/);
  });

  it('says so when an interval excludes zero but the corrected p-value does not convince', () => {
    const comparison = compareEvaluations([base, better], options);
    const pair = pairOf(comparison, 'better', 'base', 'all')!;
    Object.assign(pair.lengthTokens, { value: -1.5, low: -2.8, high: -0.3, p: 0.01, pHolm: 0.08 });
    const text = conclusionsOf(comparison)[0]!.sentences.join(' ');
    expect(text).toMatch(
      /No difference in response length was shown on all problems \(−1\.5 .*p\s=\s\.080 once corrected/,
    );
  });

  it('admits that single problems prove nothing, and that cut-off lengths are lower bounds', () => {
    const failed = evaluationOf('a', [{ key: 'x', samples: [{ verdict: 'wrong', truncated: true }] }]);
    const solved = evaluationOf('b', [{ key: 'x', samples: [{ verdict: 'correct' }] }]);
    const text = conclusionsOf(compareEvaluations([failed, solved]))[0]!.sentences.join(' ');
    expect(text).toMatch(/Too few problems to compare accuracy on easy problems/);
    expect(text).toMatch(/lengths of A are lower bounds: 100 %/);
  });
});

describe('groups beside buckets', () => {
  const problem = (key: string, source: string, pattern: string) => ({ key, source, samples: answers(pattern) });
  const first = evaluationOf('a', [problem('1', 'x', '11'), problem('2', 'y', '00'), problem('3', 'y', '10')]);
  const second = evaluationOf('b', [problem('3', 'y', '11'), problem('2', 'y', '11'), problem('1', 'x', '11')]);

  it('are summarised and tested like buckets, and leave those as they were', () => {
    const plain = compareEvaluations([first, second], { resamples: 200 });
    const wide = compareEvaluations([first, second], { resamples: 200, groupBy: ['source', 'dataset'] });
    // All problems are of one bucket and one dataset, so only the sources are worth a row.
    expect(plain.groups).toEqual(['easy']);
    expect(wide.groups).toEqual(['easy', 'source x', 'source y', 'all']);
    expect(summaryOf(wide, 'a', 'source y')!.accuracy.value).toBe(0.25);
    expect(summaryOf(wide, 'b', 'source y')!.samples).toBe(4);
    expect(summaryOf(wide, 'a', 'easy')).toEqual(summaryOf(plain, 'a', 'easy'));
    expect(wide.tests).toBeGreaterThan(plain.tests);
  });

  it('are named in sentences', () => {
    const wide = compareEvaluations([first, second], { resamples: 200, groupBy: ['source'] });
    expect(
      conclusionsOf(wide)
        .flatMap(({ sentences }) => sentences)
        .join(' '),
    ).toMatch(/problems of y/);
  });

  it('are the largest where there are very many, and the notes say so', () => {
    const many = evaluationOf(
      'a',
      Array.from({ length: 25 }, (_, i) => problem(String(i), `s${i % 24}`, '1')),
    );
    const wide = compareEvaluations([many], { resamples: 200, groupBy: ['source'] });
    expect(wide.groups.filter((group) => group.startsWith('source'))).toHaveLength(20);
    expect(wide.groups).toContain('source s0');
    expect(comparisonNotes(wide).join(' ')).toContain('left out: 4 sources');
  });
});
