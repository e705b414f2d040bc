// Aggregation over seeds, smoothing, and the study table.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregateSeeds } from '#core/compare/aggregateSeeds.ts';
import { svgFile } from '#core/compare/charts/drawing.ts';
import { aggregateSeries, curveLine, smooth } from '#core/compare/seedCurves.ts';
import { studyBars, studyCurves, studyTable, summariseStudy } from '#core/compare/study.ts';
import { tableToMarkdown } from '#core/compare/table.ts';
import { answers, drawnEvaluation, evaluationOf } from './samples.ts';

describe('aggregateSeeds', () => {
  it('gives mean, deviation and t-interval', () => {
    const summary = aggregateSeeds([0.8, 0.9, 1]);
    expect(summary).toMatchObject({ seeds: 3 });
    expect(summary.mean).toBeCloseTo(0.9, 12);
    expect(summary.deviation).toBeCloseTo(0.1, 12);
    // t(2) = 4.302653; 4.302653 · 0.1 / √3 = 0.248414.
    expect(summary.high - summary.mean).toBeCloseTo(0.248414, 6);
  });

  it('claims no spread from one seed', () => {
    expect(aggregateSeeds([0.7])).toEqual({ mean: 0.7, deviation: NaN, low: NaN, high: NaN, seeds: 1 });
  });
});

describe('aggregateSeries', () => {
  it('keeps the steps that every seed logged', () => {
    const curve = aggregateSeries([
      { step: [0, 1, 2, 3], value: [1, 2, 3, NaN] },
      { step: [1, 2, 3], value: [4, 5, 6] },
    ]);
    expect(curve).toEqual({ step: [1, 2], mean: [3, 4], low: [2, 3], high: [4, 5], seeds: 2 });
    expect(aggregateSeries([])).toEqual({ step: [], mean: [], low: [], high: [], seeds: 0 });
  });
});

describe('smooth', () => {
  it('leaves a constant alone from the first value on, whatever the weight', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (value, weight) => {
          for (const smoothed of smooth([value, value, value, value], weight)) expect(smoothed).toBeCloseTo(value, 6);
        },
      ),
    );
  });

  it('is a weighted mean of the values so far, and skips what was not measured', () => {
    expect(smooth([1, 2, 3], 0)).toEqual([1, 2, 3]);
    const [first, gap, third] = smooth([4, NaN, 8], 0.5);
    expect([first, gap]).toEqual([4, NaN]);
    expect(third).toBeCloseTo((0.25 * 4 + 0.5 * 8) / 0.75, 12);
  });

  it('draws a band only over several seeds', () => {
    const run = { step: [0, 1], value: [1, 2] };
    expect(curveLine([run], 'a', 'blue', 0.5)).not.toHaveProperty('low');
    expect(curveLine([run, run], 'a', 'blue', 0.5)).toHaveProperty('low');
    expect(curveLine([run], 'a', 'blue', 0)).not.toHaveProperty('raw');
  });
});

function run(arm: string, seed: number, pattern: string, length: number) {
  return {
    seed,
    evaluation: evaluationOf(arm, [
      { key: 'x', samples: answers(pattern, length) },
      { key: 'y', bucket: 'hard', samples: answers('1', length + 10) },
    ]),
  };
}

describe('study', () => {
  const runs = [
    run('grpo', 1, '1100', 20),
    run('grpo', 2, '1000', 22),
    run('aepo', 2, '1110', 12),
    run('aepo', 1, '1111', 11),
    run('aepo', 3, '1111', 10),
    run('base', 9, '0000', 30),
  ];
  const study = summariseStudy(runs, 'grpo');
  const cell = (arm: string, group: string) => study.cells.find((each) => each.arm === arm && each.group === group)!;

  it('averages over seeds and pairs differences by seed', () => {
    expect(cell('aepo', 'easy').accuracy).toMatchObject({ seeds: 3 });
    expect(cell('aepo', 'easy').accuracy.mean).toBeCloseTo((0.75 + 1 + 1) / 3, 12);
    // Seeds 1 and 2 are common: 1 − ½ and ¾ − ¼; 11 − 20 and 12 − 22.
    expect(cell('aepo', 'easy').accuracyDifference).toMatchObject({ mean: 0.5, deviation: 0, seeds: 2 });
    expect(cell('aepo', 'easy').lengthDifference).toMatchObject({ mean: -9.5, seeds: 2 });
    expect(cell('aepo', 'all').accuracy.mean).toBeCloseTo((0.875 + 1 + 1) / 3, 12);
  });

  it('has no difference for the reference, nor without a common seed', () => {
    expect(cell('grpo', 'easy').accuracyDifference).toBeNull();
    expect(cell('base', 'easy').lengthDifference).toBeNull();
  });

  it('refuses a missing reference, a repeated seed and other problems', () => {
    expect(() => summariseStudy(runs, 'dapo')).toThrow(/no run of "dapo"/);
    expect(() => summariseStudy([...runs, run('aepo', 3, '1', 9)], 'grpo')).toThrow(/two runs with seed 3/);
    const other = { seed: 4, evaluation: drawnEvaluation('aepo', [1, 1, 1], [1, 1, 1]) };
    expect(() => summariseStudy([...runs, other], 'grpo')).toThrow(/cannot be compared/);
  });

  it('writes a Markdown table with spread, number of seeds and differences', () => {
    const markdown = tableToMarkdown(studyTable(study));
    expect(markdown).toContain('| easy | GRPO | 2 | .375\u00a0±\u00a0.177 | 21.0\u00a0±\u00a01.4 |  |  |');
    expect(markdown).toMatch(/\| {2}\| BASE \| 1 \| \.000 \| 30\.0 \| {2}\| {2}\|/);
    const widths = markdown.split('\n').filter((line) => line.startsWith('|'));
    expect(new Set(widths.map((line) => line.split(/(?<!\\)\|/).length)).size).toBe(1);
  });

  it('draws bars and curves as files', () => {
    expect(svgFile(studyBars(study))).toContain('xmlns="http://www.w3.org/2000/svg"');
    const curves = ['grpo', 'aepo'].map((arm) => ({
      arm,
      label: arm,
      seed: 1,
      steps: 3,
      series: { 'accuracy/mean': { step: [0, 1, 2], value: [0.1, 0.2, 0.3] } },
    }));
    const svg = svgFile(studyCurves(study, curves));
    expect(svg.match(/class="line (neutral|blue)"/g)).toHaveLength(2);
    // No arm logged its length, and the second panel says so instead of vanishing.
    expect(svg).toContain('no data');
  });
});
