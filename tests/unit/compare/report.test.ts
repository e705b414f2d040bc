// The report: one file that loads nothing, runs nothing, and hides nothing.
import { describe, expect, it } from 'vitest';
import { compareEvaluations } from '#core/compare/comparison.ts';
import type { ReportData } from '#core/compare/report/data.ts';
import { renderReport } from '#core/compare/report/report.ts';
import type { TrainingCurve } from '#core/compare/types.ts';
import { expectBalanced } from './markupChecks.ts';
import { drawnEvaluation } from './samples.ts';

const HOSTILE = `</style><script>alert(1)</script><img src=x onerror="alert(2)">"'&\u202e\u0000`;

const run: ReportData['run'] = {
  what: 'A model was trained.',
  seed: 1,
  recipeHash: 'sha256:00',
  startedAt: '2026-01-31T10:00:00Z',
  finishedAt: '2026-01-31T10:12:30Z',
  machine: 'two cores',
  versions: { workbench: '0.1.0' },
  times: [{ stage: 'labelling', durationMs: 41_000 }],
};

function curve(arm: string, seed: number): TrainingCurve {
  const step = [0, 1, 2];
  const names = [
    'accuracy/mean',
    'length/mean',
    'length/easy/mean',
    'kl/inside',
    'kl/outside',
    'kappa/hard',
    'own/thing',
  ];
  const series = Object.fromEntries(names.map((name, i) => [name, { step, value: [i, i + seed, i + 2] }]));
  return { arm, label: arm.toUpperCase(), seed, steps: 3, series };
}

const token = (text: string, entropyNats: number, counted = false) => ({ text, entropyNats, counted });

const full: ReportData = {
  title: 'A run',
  run,
  grader: 'exact answer, version 1',
  comparison: compareEvaluations(
    [drawnEvaluation('base', [0.9, 0.6, 0.3], [50, 52, 55]), drawnEvaluation('aepo', [0.9, 0.9, 0.8], [38, 48, 66])],
    { resamples: 300 },
  ),
  coldStartCurves: [{ ...curve('cold', 1), series: { loss: { step: [0, 1, 2], value: [3, 2, 1] } } }],
  curves: [curve('base', 1), curve('aepo', 1), curve('aepo', 2)],
  difficulty: {
    brackets: [4, 2, 9].map((problems, c) => ({ problems, bucket: c === 2 ? ('easy' as const) : ('hard' as const) })),
    meanPassRate: 0.7,
    fewestSamples: 2,
    model: 'base',
    grader: 'exact answer, version 1',
    temperature: 1,
  },
  curation: {
    points: [0, 0.5, 1].map((passRate) => ({
      passRate,
      pool: { traces: 9, medianTokens: 50, lowTokens: 40, highTokens: 60 },
      chosen: passRate === 0 ? null : { traces: 3, medianTokens: 50, lowTokens: 48, highTokens: 52 },
      targetTokens: 64 - 16 * passRate,
    })),
    warnings: ['Pass rate 0/2 has no traces.'],
  },
  rewardShapes: [{ bucket: 'easy', target: 2, count: [0, 2, 4], right: [1, 1, 0.5], wrong: [0, 0, 0.3] }],
  traces: [
    {
      problemId: 'p-1',
      bucket: 'hard',
      question: 'How many?',
      answer: '42',
      responses: [
        { label: 'BASE', verdict: 'no_answer', tokens: [token('well', 0.01)] },
        { label: 'AEPO', verdict: 'correct', tokens: [token('wait', 2, true), token(' 42', 1), token('.', NaN)] },
      ],
    },
  ],
  deviations: {
    methods: [{ title: 'AEPO', source: '2510.08457', sentences: ['The target lags: else there is no signal.'] }],
    settings: [{ setting: 'target.rule', named: 'batchMean', here: 'laggedEma' }],
  },
  warnings: ['One seed.'],
  recipe: 'method: aepo',
};

const html = renderReport(full);

/** Text between tags. */
function words(markup: string): string {
  return markup
    .replace(/<style>[\s\S]*?<\/style>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}

/** Headings of the panels about the KL divergence. */
function klPanels(page: string): string[] {
  const headings = [...page.matchAll(/class="heading">([^<]*)</g)].map(([, heading]) => heading!);
  return headings.filter((heading) => heading.startsWith('KL'));
}

describe('renderReport', () => {
  it('loads nothing and runs nothing', () => {
    expect(html).toContain(`content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;;`);
    expect(html).not.toMatch(/https?:|<script|<link|<iframe|<img|<object|<base|@import|url\(|\ssrc=|\shref=|\son\w+=/i);
  });

  it('is one well-formed page', () => {
    expect(html.startsWith('<!doctype html>')).toBe(true);
    expectBalanced(html);
    expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  it('has every section it was given data for, in order', () => {
    const headings = [...html.matchAll(/<h2>([^<]*)<\/h2>/g)].map(([, heading]) => heading);
    expect(headings).toEqual([
      'Result',
      'What the numbers show',
      'Accuracy and length by difficulty',
      'At an equal token budget',
      'Length follows high-entropy tokens',
      'How hard the problems are',
      'Cold-start data',
      'Cold-start training',
      'Training',
      'The reward',
      'Sample traces',
      'Where this differs from the published method',
      'How this was measured',
      'Recipe',
    ]);
  });

  it('says what was run, on what, for how long', () => {
    expect(words(html)).toMatch(/Finished 2026-01-31 10:12 UTC, after 12 min 30 s/);
    expect(words(html)).toMatch(/labelling 41 s/);
    expect(words(html)).toMatch(/Grader exact answer, version 1/);
    expect(words(html)).toMatch(/Training seeds 1, 2\. The intervals above do not cover/);
  });

  it('leaves out what it has no data for', () => {
    const bare = renderReport({ title: 'Bare', run: { ...run, times: [], startedAt: 'unknown' } });
    expect(bare).not.toContain('<h2>');
    expect(bare).not.toContain('Time spent');
    expectBalanced(bare);
    const alone = renderReport({
      title: 'Alone',
      run,
      comparison: compareEvaluations([full.comparison!.evaluations[0]!], { resamples: 50 }),
    });
    expect(alone).not.toContain('Δ accuracy');
    expect(renderReport({ title: 'No metric known', run, curves: [] })).not.toContain('Training');
  });

  it('escapes hostile text wherever text comes in', () => {
    const evaluations = full.comparison!.evaluations.map((evaluation) => ({
      ...evaluation,
      arm: evaluation.arm + HOSTILE,
      label: HOSTILE,
      problems: evaluation.problems.map((problem) => ({ ...problem, id: HOSTILE, source: HOSTILE })),
    }));
    const page = renderReport({
      title: HOSTILE,
      run: {
        ...run,
        what: HOSTILE,
        recipeHash: HOSTILE,
        machine: HOSTILE,
        startedAt: HOSTILE,
        versions: { [HOSTILE]: HOSTILE },
      },
      grader: HOSTILE,
      comparison: compareEvaluations(evaluations, { resamples: 50 }),
      curves: [{ ...curve('a', 1), label: HOSTILE }],
      difficulty: { ...full.difficulty!, model: HOSTILE, grader: HOSTILE },
      curation: { points: [], warnings: [HOSTILE] },
      traces: [
        {
          ...full.traces![0]!,
          problemId: HOSTILE,
          question: HOSTILE,
          answer: HOSTILE,
          responses: [{ label: HOSTILE, verdict: 'wrong', tokens: [token(HOSTILE, 1)] }],
        },
      ],
      deviations: {
        methods: [{ title: HOSTILE, source: HOSTILE, sentences: [HOSTILE] }],
        settings: [{ setting: HOSTILE, named: HOSTILE, here: HOSTILE }],
      },
      coldStartCurves: [{ ...curve('b', 1), label: HOSTILE }],
      measurement: [[HOSTILE, HOSTILE]],
      warnings: [HOSTILE],
      recipe: HOSTILE,
    });
    expect(page).not.toMatch(/<script|<img|\u202e|\p{Cc}(?<!\n)/u);
    expectBalanced(page);
  });

  it('colours every token by its entropy on one scale, and underlines the counted ones', () => {
    expect(html).toContain('<span class="h7 counted" title="2.000 nats">wait</span>');
    expect(html).toContain('<span class="h4" title="1.000 nats"> 42</span>');
    expect(html).toContain('<span class="h0" title="0.010 nats">well</span>');
    expect(html).toContain('<span class="h0">.</span>');
    expect(words(html)).toMatch(/no answer, 1 token/);
  });

  it('cuts the middle out of a trace too long for a page, and says so', () => {
    const tokens = Array.from({ length: 5000 }, (_, i) => token(`t${i} `, 0.5));
    const page = renderReport({
      title: 'Long',
      run,
      traces: [{ ...full.traces![0]!, responses: [{ label: 'a', verdict: 'wrong', tokens }] }],
    });
    expect(page).toContain('>t0 <');
    expect(page).toContain('>t4999 <');
    expect(page).not.toContain('>t2500 <');
    expect(page).toContain('3800 tokens not shown');
  });

  it('draws one panel per metric for one arm, one per part for several', () => {
    expect(klPanels(html)).toEqual(['KL to reference, in windows', 'KL to reference, outside', 'KL weight κ, hard']);
    const single = renderReport({ title: 'One', run, curves: [curve('aepo', 1)] });
    expect(klPanels(single)).toEqual(['KL to reference', 'KL weight κ']);
    expect(single).not.toContain('own/thing');
  });

  it('gives the figures of every drawing as a table', () => {
    expect(html.match(/<figure>/g)!.length).toBe(html.match(/The figures as a table/g)!.length);
    expect(words(html)).toMatch(/Problems by pass rate right out of 2 bucket problems 0 hard 4 1 hard 2 2 easy 9/);
  });
});
