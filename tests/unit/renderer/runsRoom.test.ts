// What the Runs room decides without a browser: charts, order of runs, groups of responses, recipes side by side.
import { describe, expect, it } from 'vitest';
import type { RunRow } from '#core/contract/contract.ts';
import { isMain, lineOf, planCharts } from '#renderer/rooms/runs/chartPlan.ts';
import { evaluationPoint } from '#renderer/rooms/runs/evaluationPoints.ts';
import { methodFacts, recipeChanges, settingsOf } from '#renderer/rooms/runs/recipeView.ts';
import { forShadowTree } from '#renderer/rooms/runs/reportDocument.ts';
import { actionsOf, filterRuns } from '#renderer/rooms/runs/runFilter.ts';
import { groupByProblem, nearestStep } from '#renderer/rooms/runs/sampleGroups.ts';
import { parseRecipe } from '#core/runs/recipe.ts';

describe('charts of a stage', () => {
  const logged = ['accuracy/mean', 'accuracy/hard/mean', 'loss', 'bins/easy/low/size', 'reward/mean', 'gradientNorm'];

  it('show every metric, and a reward chart only where rewards were logged', () => {
    const charts = planCharts(logged);
    expect(new Set(charts.flatMap(({ lines }) => lines.map(({ metric }) => metric)))).toEqual(new Set(logged));
    expect(planCharts(['accuracy/mean']).map(({ key }) => key)).toEqual(['accuracy']);
    expect(charts.find(({ key }) => key === 'reward')?.lines.map(({ label }) => label)).toEqual(['total', 'accuracy']);
  });

  it('put what no chart names behind the named ones', () => {
    const charts = planCharts(logged);
    expect(charts.filter((chart) => !isMain(chart)).map(({ key }) => key)).toEqual(['bins/easy/low/size']);
    expect(charts.at(-1)!.key).toBe('bins/easy/low/size');
  });

  it('take the line of a bucket for several runs, the only one where a chart has no buckets', () => {
    const charts = planCharts(logged);
    const of = (key: string) => charts.find((chart) => chart.key === key)!;
    expect(lineOf(of('accuracy'), 'hard')?.metric).toBe('accuracy/hard/mean');
    expect(lineOf(of('accuracy'), 'easy')).toBeUndefined();
    expect(lineOf(of('gradient'), 'easy')?.metric).toBe('gradientNorm');
  });
});

function run(changes: Partial<RunRow>): RunRow {
  return {
    runId: 1,
    name: 'First',
    kind: 'pipeline',
    state: 'finished',
    stage: null,
    fraction: 1,
    remainingMs: null,
    seed: 1,
    recipeHash: '',
    method: 'AEPO',
    model: 'base',
    dataset: 'sums',
    parentId: null,
    queuePosition: null,
    createdMs: 1,
    startedMs: null,
    endedMs: null,
    error: null,
    ...changes,
  };
}

describe('the list of runs', () => {
  const runs = [
    run({ runId: 5, state: 'queued', queuePosition: 2 }),
    run({ runId: 4, state: 'finished', method: 'GRPO' }),
    run({ runId: 3, state: 'running' }),
    run({ runId: 2, state: 'queued', queuePosition: 1, seed: 7 }),
    run({ runId: 1, state: 'failed' }),
  ];
  const ids = (search: string, state: Parameters<typeof filterRuns>[2] = 'all') =>
    filterRuns(runs, search, state).map(({ runId }) => runId);

  it('begins with what is at work, then the queue as it will be worked off', () => {
    expect(ids('')).toEqual([3, 2, 5, 4, 1]);
  });

  it('is filtered by all words and by state', () => {
    expect(ids('grpo sums')).toEqual([4]);
    expect(ids('seed 7')).toEqual([2]);
    expect(ids('grpo', 'active')).toEqual([]);
    expect(ids('', 'halted')).toEqual([1]);
  });

  it('offers nothing that the life of a run forbids', () => {
    expect(actionsOf('finished')).toEqual({ pause: false, resume: false, stop: false });
    expect(actionsOf('interrupted')).toEqual({ pause: false, resume: true, stop: true });
    expect(actionsOf('failed').stop).toBe(false);
  });
});

describe('the samples of a step', () => {
  it('are summed up per problem; what was not counted is no zero', () => {
    const groups = groupByProblem({
      problemId: Int32Array.of(7, 9, 7, 7),
      verdict: Uint8Array.of(0, 1, 2, 0),
      lengthTokens: Int32Array.of(10, 5, 20, 30),
      highEntropyCount: Int32Array.of(2, -1, -1, 4),
    });
    expect(groups).toEqual([
      { problemId: 7, samples: 3, correct: 2, meanLengthTokens: 20, meanHighEntropyCount: 3 },
      { problemId: 9, samples: 1, correct: 0, meanLengthTokens: 5, meanHighEntropyCount: null },
    ]);
  });

  it('are those of the stored step nearest to the one that is wanted', () => {
    const steps = Int32Array.of(0, 10, 24);
    expect([null, 0, 6, 18, 99].map((wanted) => nearestStep(steps, wanted))).toEqual([2, 0, 1, 2, 2]);
  });
});

it('an evaluation is the mean over all its responses, not over its parts', () => {
  const part = (verdicts: number[], length: number) => ({
    verdict: Uint8Array.from(verdicts),
    lengthTokens: Int32Array.from(verdicts, () => length),
    truncated: Uint8Array.from(verdicts, () => 0),
  });
  const point = evaluationPoint(3, 'evaluate cold-start', [part([0, 0, 0], 10), part([1], 50)])!;
  expect(point).toMatchObject({ arm: 'cold-start', responses: 4, accuracy: 0.75, meanLengthTokens: 20 });
  expect(point.low).toBeLessThan(0.75);
  expect(evaluationPoint(3, 'evaluate base', [])).toBeNull();
});

describe('a recipe', () => {
  const recipe = parseRecipe('version: 1\npolicy: { preset: aepo-no-kl, method: { threshold: { scale: 0.8 } } }', 'r');

  it('names what it changes of its method, and what that method and its base deviate in', () => {
    const facts = methodFacts(recipe)!;
    expect(facts.changes).toEqual([{ path: 'threshold.scale', from: 1, to: 0.8 }]);
    expect(facts.deviations.length).toBeGreaterThan(1);
    expect(methodFacts({ policy: { enabled: false } })).toBeNull();
  });

  it('differs from another in its settings, not in its name', () => {
    const other = parseRecipe('version: 1\nname: Other\nseed: 2\npolicy: { preset: aepo-no-kl }', 'r');
    expect(recipeChanges(recipe, other).map(({ path }) => path)).toEqual(['seed', 'policy.method.threshold.scale']);
  });

  it('is listed leaf by leaf', () => {
    expect(settingsOf({ a: { b: [1, 2], c: null }, d: true })).toEqual([
      { path: 'a.b', value: '1, 2' },
      { path: 'a.c', value: 'none' },
      { path: 'd', value: 'true' },
    ]);
  });
});

it('the style of a report keeps to the report', () => {
  expect(
    forShadowTree(':root{--a:1}\nhtml{color:red}\nbody{margin:0}\n.body p{x:y}@media print{body{padding:0}}'),
  ).toBe(':host{--a:1}\n:host{color:red}\n.page-body{margin:0}\n.body p{x:y}@media print{.page-body{padding:0}}');
});
