// Curation for the cold start: target lengths, uniform brackets, guards, the control.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Trace, curate, targetLength } from '#core/ares/adacs.ts';
import { passRateBracket } from '#core/ares/difficulty.ts';
import { type AdacsOptions, defaultAdacsOptions } from '#core/ares/options.ts';

function options(patch: Partial<AdacsOptions> = {}): AdacsOptions {
  return { ...defaultAdacsOptions, ...patch };
}

/** Eight traces for every count of right answers, lengths falling with the pass rate but spread. */
function pool(source: string, perBracket = 8, base = 100): Trace[] {
  const traces: Trace[] = [];
  for (let right = 0; right <= 8; right++) {
    for (let i = 0; i < perBracket; i++) {
      traces.push({
        problem: `${source}/${right}/${i}`,
        source,
        lengthTokens: base + 20 * (8 - right) + 7 * i,
        correct: true,
        problemCorrect: right,
        problemSamples: 8,
      });
    }
  }
  return traces;
}

describe('target lengths', () => {
  it('are the medians at the ends and a straight line between', () => {
    const { sources } = curate(pool('s'), options(), 1);
    const lengths = sources[0]!;
    expect(lengths).toEqual({ source: 's', hardTokens: 284.5, easyTokens: 124.5, hardBracket: 0, easyBracket: 8 });
    expect(targetLength(lengths, 0)).toBe(284.5);
    expect(targetLength(lengths, 1)).toBe(124.5);
    expect(targetLength(lengths, 0.25)).toBe(244.5);
  });

  it('lie between the ends and fall with the pass rate', () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    const tokens = fc.integer({ min: 1, max: 30_000 });
    fc.assert(
      fc.property(tokens, tokens, rate, rate, (easy, more, p, q) => {
        const ends = { source: 's', hardTokens: easy + more, easyTokens: easy, hardBracket: 0, easyBracket: 8 };
        const [low, high] = [Math.min(p, q), Math.max(p, q)];
        expect(targetLength(ends, low)).toBeGreaterThanOrEqual(targetLength(ends, high) - 1e-9);
        expect(targetLength(ends, p)).toBeGreaterThanOrEqual(easy - 1e-9);
        expect(targetLength(ends, p)).toBeLessThanOrEqual(easy + more + 1e-9);
      }),
    );
  });

  it('take the quantiles they are told, of correct traces or of all', () => {
    const quarter = curate(pool('s'), options({ easyQuantile: 0.25, hardQuantile: 0.75 }), 1).sources[0]!;
    expect([quarter.easyTokens, quarter.hardTokens]).toEqual([112.25, 296.75]);
    const withWrong = [...pool('s'), { ...pool('s')[0]!, problem: 'w', correct: false, lengthTokens: 10_000 }];
    expect(curate(withWrong, options(), 1).sources[0]!.hardTokens).toBe(284.5);
    expect(curate(withWrong, options({ lengthsFrom: 'all' }), 1).sources[0]!.hardTokens).toBe(288);
  });

  it('are kept apart by source', () => {
    const { sources } = curate([...pool('a'), ...pool('b', 8, 1000)], options(), 1);
    expect(sources.map(({ source, easyTokens }) => [source, easyTokens])).toEqual([
      ['a', 124.5],
      ['b', 1024.5],
    ]);
  });
});

describe('guards', () => {
  it('leaves out a source whose hard problems are not longer', () => {
    const reversed = pool('r').map((trace) => ({ ...trace, lengthTokens: 1000 - trace.lengthTokens }));
    const result = curate([...reversed, ...pool('s')], options(), 1);
    expect(result.sources.map(({ source }) => source)).toEqual(['s']);
    expect(result.chosen.every(({ index }) => index >= reversed.length)).toBe(true);
    expect(result.warnings).toEqual([
      { kind: 'notLonger', source: 'r', text: expect.stringContaining('"r" is left out') as string },
    ]);
  });

  it('falls back to the nearest bracket when an end is empty', () => {
    const cut = pool('s').filter(({ problemCorrect }) => problemCorrect >= 2 && problemCorrect <= 7);
    const { sources, warnings } = curate(cut, options(), 1);
    expect(sources[0]).toMatchObject({ hardBracket: 2, easyBracket: 7 });
    expect(warnings[0]).toMatchObject({ kind: 'standIn', source: 's' });
  });

  it('chooses nothing, and says so, from one bracket or from nothing', () => {
    const single = curate(
      pool('s').filter(({ problemCorrect }) => problemCorrect === 4),
      options(),
      1,
    );
    expect(single.chosen).toEqual([]);
    expect(single.warnings[0]).toMatchObject({ kind: 'oneBracket', source: 's' });
    expect(curate([], options(), 1)).toMatchObject({ chosen: [], sources: [], warnings: [] });
  });

  it('never chooses a wrong trace', () => {
    const half = pool('s').map((trace, i) => ({ ...trace, correct: i % 2 === 0 }));
    for (const selection of ['adacs', 'vanilla'] as const) {
      const { chosen } = curate(half, options({ selection }), 1);
      expect(chosen.length).toBeGreaterThan(0);
      expect(chosen.every(({ index }) => half[index]!.correct)).toBe(true);
    }
  });
});

describe('selection', () => {
  it('takes the same number per bracket: those nearest to the target', () => {
    const traces = pool('s');
    const { chosen, chosenPerBracket } = curate(traces, options({ perBracket: 3 }), 1);
    expect(chosenPerBracket).toEqual(Array(9).fill(3));
    for (const { index, bracket, targetTokens } of chosen) {
      const distance = Math.abs(traces[index]!.lengthTokens - targetTokens!);
      const skipped = traces.filter(
        (trace, i) => trace.problemCorrect === bracket && !chosen.some((one) => one.index === i),
      );
      for (const trace of skipped) {
        expect(Math.abs(trace.lengthTokens - targetTokens!)).toBeGreaterThanOrEqual(distance);
      }
    }
  });

  it('without a number takes the size of the smallest non-empty bracket', () => {
    const thin = pool('s').filter(({ problem }) => !/^s\/3\/[2-7]$/.test(problem) && !problem.startsWith('s/5/'));
    const { chosenPerBracket, warnings } = curate(thin, options(), 1);
    expect(chosenPerBracket).toEqual([2, 2, 2, 2, 2, 0, 2, 2, 2]);
    expect(warnings).toEqual([
      { kind: 'tooFew', source: null, text: expect.stringContaining('5/8 has 0 traces') as string },
    ]);
  });

  it('keeps at most tracesPerProblem of a problem, the nearest ones', () => {
    const doubled = pool('s').flatMap((trace) => [{ ...trace, lengthTokens: trace.lengthTokens + 5000 }, trace]);
    const { chosen } = curate(doubled, options({ perBracket: 16, easyQuantile: 0.25, hardQuantile: 0.25 }), 1);
    expect(chosen.map(({ index }) => index % 2)).toEqual(Array(72).fill(1));
    expect(new Set(chosen.map(({ index }) => doubled[index]!.problem)).size).toBe(72);
    const two = curate(doubled, options({ perBracket: 16, tracesPerProblem: 2 }), 1);
    expect(two.chosen).toHaveLength(doubled.length);
  });

  it('fills a bracket from its sources in turn', () => {
    const traces = [...pool('a', 20), ...pool('b', 4, 300)];
    const { chosen } = curate(traces, options({ perBracket: 10 }), 1);
    for (let bracket = 0; bracket <= 8; bracket++) {
      const own = chosen.filter((one) => one.bracket === bracket).map(({ index }) => traces[index]!.source);
      expect([own.filter((s) => s === 'a').length, own.filter((s) => s === 'b').length]).toEqual([6, 4]);
    }
  });

  it('reports brackets as difficulty does', () => {
    const traces = pool('s').map((trace) => ({ ...trace, problemSamples: 10 }));
    for (const { index, bracket } of curate(traces, options({ perBracket: 2 }), 1).chosen) {
      expect(bracket).toBe(passRateBracket(traces[index]!.problemCorrect, 10, 8));
    }
  });
});

describe('the control', () => {
  it('has the same brackets, does not look at length, and repeats with its seed', () => {
    const traces = pool('s', 40);
    const adacs = curate(traces, options({ perBracket: 6 }), 7);
    const vanilla = curate(traces, options({ perBracket: 6, selection: 'vanilla' }), 7);
    const spread = (chosen: typeof adacs.chosen): number =>
      chosen.reduce((sum, { index, targetTokens }) => sum + Math.abs(traces[index]!.lengthTokens - targetTokens!), 0);
    expect(vanilla.chosenPerBracket).toEqual(adacs.chosenPerBracket);
    expect(spread(vanilla.chosen)).toBeGreaterThan(3 * spread(adacs.chosen));
    expect(curate(traces, options({ perBracket: 6, selection: 'vanilla' }), 7)).toEqual(vanilla);
    expect(curate(traces, options({ perBracket: 6, selection: 'vanilla' }), 8).chosen).not.toEqual(vanilla.chosen);
    const longer = traces.map((trace, i) => ({ ...trace, lengthTokens: trace.lengthTokens + (i % 3) * 100 }));
    const again = curate(longer, options({ perBracket: 6, selection: 'vanilla' }), 7);
    expect(again.chosen.map(({ index }) => index)).toEqual(vanilla.chosen.map(({ index }) => index));
  });
});
