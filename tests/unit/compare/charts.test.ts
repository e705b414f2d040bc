// Charts stay finite and in their frame for any finite data.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barChart } from '#core/compare/charts/barChart.ts';
import { type Bracket, curationChart, difficultyHistogram } from '#core/compare/charts/difficultyCharts.ts';
import { type Drawing, arrange, inlineSvg, svgFile } from '#core/compare/charts/drawing.ts';
import { intervalChart } from '#core/compare/charts/intervalChart.ts';
import { type LineSeries, lineChart } from '#core/compare/charts/lineChart.ts';
import { rewardChart } from '#core/compare/charts/rewardChart.ts';
import { formatTick, linearScale } from '#core/compare/charts/scale.ts';
import { radarChart } from '#core/compare/charts/radarChart.ts';
import { scatterChart } from '#core/compare/charts/scatterChart.ts';
import { stageChart } from '#core/compare/charts/stageChart.ts';
import { linearRegression } from '#core/util/regression.ts';
import { expectBalanced } from './markupChecks.ts';

const text = { title: 'A & B', description: 'what <it> shows', xLabel: 'x', yLabel: 'y' };
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const measured = fc.oneof({ weight: 6, arbitrary: finite }, { weight: 1, arbitrary: fc.constant(NaN) });
const column = fc.array(measured, { maxLength: 12 });

/** Every coordinate is a number, and none lies far outside the picture. */
function expectSound(drawing: Drawing): void {
  const svg = inlineSvg(drawing);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expectBalanced(svg);
  const reach = Math.max(drawing.widthPx, drawing.heightPx) + 60;
  for (const [, value] of svg.matchAll(/ (?:x|y|cx|cy|x1|x2|y1|y2|r|width|height)="([^"]*)"/g)) {
    expect(Math.abs(Number(value))).toBeLessThan(reach);
  }
  for (const [, path] of svg.matchAll(/ d="([^"]*)"/g)) {
    for (const number of path!.match(/-?[\d.]+(e-?\d+)?/g) ?? []) expect(Math.abs(Number(number))).toBeLessThan(reach);
  }
}

describe('linearScale', () => {
  it('maps the domain onto the range, with round ticks inside it', () => {
    const scale = linearScale([12, 43], { range: [0, 100], ticks: 4, round: true });
    expect(scale.ticks).toEqual([10, 20, 30, 40]);
    expect([scale.low, scale.high]).toEqual([10, 45]);
    expect(scale.at(10)).toBe(0);
    expect(scale.at(27.5)).toBe(50);
  });

  it('keeps to the bounds of a quantity when it rounds', () => {
    const scale = linearScale([0.62, 0.99], { range: [0, 1], ticks: 3, round: true, within: [0, 1] });
    expect(scale.high).toBe(1);
  });

  it('is finite and monotone for any finite values', () => {
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 6 }), fc.boolean(), fc.boolean(), (values, round, zero) => {
        const scale = linearScale(values, { range: [0, 300], ticks: 5, round, zero });
        expect(scale.ticks.length).toBeLessThan(30);
        const sorted = [...values].sort((a, b) => a - b).map(scale.at);
        sorted.forEach((position, i) => {
          expect(position).toBeGreaterThanOrEqual(sorted[i - 1] ?? 0);
          expect(position).toBeLessThanOrEqual(300);
        });
        for (const tick of scale.ticks) expect(formatTick(tick, scale.step)).not.toMatch(/NaN|Infinity/);
      }),
    );
  });

  it('labels ticks with the digits their step needs', () => {
    expect([0, 0.2, 0.4].map((tick) => formatTick(tick, 0.2))).toEqual(['0', '0.2', '0.4']);
    expect(formatTick(-0.05, 0.05)).toBe('−0.05');
    expect(formatTick(20_000, 5000)).toBe('20\u202f000');
    expect(formatTick(2e12, 1e12)).toBe('2e12');
  });
});

describe('charts of any data', () => {
  it('lineChart', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(column, column, column), { maxLength: 4 }), (lines) => {
        const series = lines.map(([x, y, low], i): LineSeries => {
          return { label: `line ${i}`, colour: 'blue', x, y, raw: low, low, high: y };
        });
        expectSound(lineChart(series, { ...text, references: [{ axis: 'x', value: 0, label: 'here' }] }));
      }),
    );
  });

  it('barChart', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(measured, measured, measured), { maxLength: 4 }), { maxLength: 4 }),
        (groups) => {
          const bars = groups.map((group, i) => ({
            label: `group ${i}`,
            bars: group.map(([value, low, high], j) => ({
              label: `arm ${j}`,
              colour: 'green' as const,
              value,
              low,
              high,
            })),
          }));
          expectSound(barChart(bars, { ...text, quantity: 'number' }));
        },
      ),
    );
  });

  it('intervalChart', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(measured, measured, measured), { maxLength: 5 }), (marks) => {
        const rows = marks.map(([value, low, high], i) => {
          return { label: `arm ${i}`, colour: 'sky' as const, marks: [{ value, low, high }, null] };
        });
        expectSound(intervalChart(rows, { ...text, panels: ['easy', 'hard'], quantity: 'number' }));
      }),
    );
  });

  it('scatterChart', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(column, column), { maxLength: 3 }), (groups) => {
        const points = groups.map(([x, y], i) => ({ label: `group ${i}`, colour: 'orange' as const, x, y }));
        expectSound(scatterChart(points, text));
      }),
    );
  });

  it('difficulty charts', () => {
    const spread = fc.record({ traces: fc.nat(), medianTokens: measured, lowTokens: measured, highTokens: measured });
    const point = fc.record({
      passRate: fc.double({ min: 0, max: 1, noNaN: true }),
      pool: fc.option(spread),
      chosen: fc.option(spread),
      targetTokens: fc.option(measured),
    });
    fc.assert(fc.property(fc.array(point, { maxLength: 9 }), (points) => expectSound(curationChart(points, text))));
    const bracket = fc.record({ problems: fc.nat(), bucket: fc.constantFrom('easy' as const, 'hard' as const) });
    fc.assert(
      fc.property(fc.array(bracket, { maxLength: 9 }), (brackets) => expectSound(difficultyHistogram(brackets, text))),
    );
  });

  it('rewardChart', () => {
    fc.assert(
      fc.property(column, finite, (values, target) => {
        const count = values.map((_, i) => i);
        expectSound(rewardChart([{ bucket: 'easy', target, count, right: values, wrong: values }]));
      }),
    );
  });
});

describe('what a chart shows', () => {
  it('says where there is nothing to draw, and draws a single point as a dot', () => {
    expect(lineChart([], text).body).toContain('no data');
    const one = lineChart([{ label: 'a', colour: 'blue', x: [3], y: [4] }], text).body;
    expect(one).not.toContain('no data');
    expect(one).toMatch(/<circle [^>]*class="dot blue"/);
  });

  it('breaks a line at a missing value', () => {
    const { body } = lineChart([{ label: 'a', colour: 'blue', x: [0, 1, 2, 3, 4], y: [1, 2, NaN, 2, 1] }], text);
    expect(body.match(/class="line blue"/g)).toHaveLength(2);
  });

  it('keeps the peak of a long series when it thins it', () => {
    const y = Array.from({ length: 20_000 }, (_, i) => Math.sin(i / 900));
    y[12_345] = 9;
    const drawing = lineChart([{ label: 'a', colour: 'blue', x: y.map((_, i) => i), y }], { ...text, heightPx: 200 });
    const path = /d="([^"]*)" class="line blue"/.exec(drawing.body)![1]!;
    expect(path.split('L').length).toBeLessThan(1000);
    const heights = path
      .split(/[ML]/)
      .slice(1)
      .map((point) => Number(point.split(' ')[1]));
    const usual = heights.toSorted((a, b) => a - b);
    // The peak is nine times as high as anything else: one point stands far above the next.
    expect(usual[1]! - usual[0]!).toBeGreaterThan(80);
  });

  it('keeps end labels apart', () => {
    const series = ['a', 'b', 'c', 'd'].map((label, i): LineSeries => {
      return { label, colour: 'blue', x: [0, 1], y: [0, 5 + i * 0.001] };
    });
    const { body } = lineChart(series, text);
    const places = [...body.matchAll(/y="([\d.]+)">[abcd]</g)].map(([, y]) => Number(y)).sort((a, b) => a - b);
    expect(places).toHaveLength(4);
    places.forEach((y, i) => expect(y - (places[i - 1] ?? -99)).toBeGreaterThanOrEqual(12.9));
  });

  it('keeps the plot when labels are long, and the whole label in the table', () => {
    const long = 'a-model-with-a-very-long-name-'.repeat(8);
    const drawing = lineChart([{ label: long, colour: 'blue', x: [0, 1], y: [0, 1] }], { ...text, widthPx: 300 });
    const [, from, to] = /d="M([\d.]+) [\d.]+L([\d.]+) [\d.]+" class="line blue"/.exec(drawing.body)!;
    expect(Number(to) - Number(from)).toBeGreaterThan(130);
    expect(drawing.body).not.toContain(long);
    expect(drawing.tables[0]!.header).toContain(long);
    expectSound(
      intervalChart([{ label: long, colour: 'blue', marks: [null] }], { ...text, panels: [''], quantity: 'share' }),
    );
  });

  it('starts bars at zero', () => {
    const bars = [
      { label: 'g', bars: [1000, 1001].map((value, i) => ({ label: `${i}`, colour: 'blue' as const, value })) },
    ];
    const { body } = barChart(bars, { ...text, quantity: 'tokens' });
    const heights = [...body.matchAll(/height="([\d.]+)" class="bar blue"/g)].map(([, height]) => Number(height));
    expect(heights[0]! / heights[1]!).toBeCloseTo(1000 / 1001, 2);
  });

  it('merges coinciding points into one dot of larger area', () => {
    const x = [1, 1, 1, 1, 2];
    const { body } = scatterChart([{ label: 'g', colour: 'sky', x, y: x }], text);
    const radii = [...body.matchAll(/r="([\d.]+)" class="point sky"/g)].map(([, r]) => Number(r));
    expect(radii).toHaveLength(2);
    expect(radii[0]! / radii[1]!).toBeCloseTo(2, 1);
  });

  it('describes itself in words and in a table, with foreign text escaped', () => {
    const brackets: Bracket[] = [
      { problems: 3, bucket: 'hard' },
      { problems: 5, bucket: 'easy' },
    ];
    const drawing = difficultyHistogram(brackets, text);
    expect(inlineSvg(drawing)).toContain('role="img"');
    expect(inlineSvg(drawing)).toContain('<title>A &amp; B</title><desc>what &lt;it&gt; shows</desc>');
    expect(drawing.tables[0]!.rows).toEqual([
      ['0', 'hard', '3'],
      ['1', 'easy', '5'],
    ]);
    const hostile = lineChart([{ label: '</svg><script>', colour: 'blue', x: [0, 1], y: [0, 1] }], text);
    expect(inlineSvg(hostile)).not.toContain('<script');
  });

  it('sets drawings side by side, and saves them as a file with its own style', () => {
    const one = lineChart([], { ...text, widthPx: 200, heightPx: 100 });
    const three = arrange([one, one, one], 2, { title: 't', description: 'd' });
    expect([three.widthPx, three.heightPx]).toEqual([418, 218]);
    expect(three.tables).toHaveLength(3);
    const file = svgFile(three);
    expectBalanced(file);
    expect(file).toContain('<style>');
    expect(file).toContain('prefers-color-scheme:dark');
    expect(arrange([], 2, { title: 't', description: 'd' })).toMatchObject({ widthPx: 0, heightPx: 0 });
  });
});

describe('linearRegression', () => {
  it('finds an exact line and its sign', () => {
    const fit = linearRegression([0, 1, 2, 3], [7, 5, 3, 1]);
    expect(fit.slope).toBeCloseTo(-2, 12);
    expect(fit.intercept).toBeCloseTo(7, 12);
    expect(fit.correlation).toBeCloseTo(-1, 12);
  });

  it('has no slope where x does not vary', () => {
    expect(linearRegression([2, 2], [1, 5]).slope).toBeNaN();
    expect(linearRegression([], []).slope).toBeNaN();
  });
});

describe('stageChart', () => {
  const interval = fc.record({ value: measured, low: measured, high: measured });
  const arms = [
    { label: 'Base', colour: 'neutral' },
    { label: 'AEPO & co', colour: 'blue' },
  ] as const;

  it('stays sound for any data', () => {
    const group = fc.record({
      label: fc.string(),
      marks: fc.array(fc.record({ accuracy: interval, lengthTokens: interval }), { minLength: 2, maxLength: 2 }),
    });
    fc.assert(fc.property(fc.array(group, { maxLength: 4 }), (groups) => expectSound(stageChart(arms, groups, text))));
  });

  it('draws accuracy and length from zero, each on its own axis', () => {
    const mark = (accuracy: number, tokens: number) => ({
      accuracy: { value: accuracy, low: NaN, high: NaN },
      lengthTokens: { value: tokens, low: NaN, high: NaN },
    });
    const { body } = stageChart(arms, [{ label: 'easy', marks: [mark(0.5, 100), mark(1, 50)] }], text);
    const heights = (name: string) =>
      [...body.matchAll(new RegExp(`<rect x="[^"]*" y="([^"]*)" width="[^"]*" height="([^"]*)" class="${name} `, 'g'))]
        .map(([, top, height]) => ({ foot: Number(top) + Number(height), height: Number(height) }))
        .filter(({ height }) => height !== 9);
    const [half, whole] = heights('bar');
    const [long, short] = heights('hatched');
    expect(half!.height * 2).toBeCloseTo(whole!.height, 1);
    expect(short!.height * 2).toBeCloseTo(long!.height, 1);
    for (const { foot } of [half!, whole!, long!, short!]) expect(foot).toBeCloseTo(half!.foot, 1);
  });
});

describe('radarChart', () => {
  it('stays sound for any data', () => {
    fc.assert(
      fc.property(fc.array(fc.array(measured, { minLength: 4, maxLength: 4 }), { maxLength: 3 }), (rows) => {
        const arms = rows.map((values, i) => ({ label: `arm ${i}`, colour: 'green' as const, values }));
        expectSound(radarChart(['a', 'b', 'c', 'd'], arms, { ...text, quantity: 'number' }));
      }),
    );
  });

  it('claims no area across an axis without a value', () => {
    const of = (values: number[]) =>
      radarChart(['a', 'b', 'c'], [{ label: 'x', colour: 'blue', values }], { ...text, quantity: 'share' }).body;
    expect(of([1, 0.5, 0.2])).toContain('class="area blue"');
    expect(of([1, NaN, 0.2])).not.toContain('class="area blue"');
  });
});
