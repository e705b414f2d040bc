// Calls about comparisons, on runs written out by hand, every answer checked against the contract.
import * as z from 'zod/mini';
import { describe, expect, it } from 'vitest';
import { type CallName, type Handlers, type RequestOf, type ResponseOf, calls } from '#core/contract/contract.ts';
import { compareHandlers } from '#core/host/handlers/compare.ts';
import { recipeDiffHandlers } from '#core/host/handlers/recipeDiff.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { createJobs } from '#core/host/jobs.ts';
import { writeRunFile } from '#core/host/runFile.ts';
import type { Store } from '#core/store/store.ts';
import { type StoredRun, type StoredRunOptions, addStoredRun, storedRun } from '../compare/storedRun.ts';

type Calls = ReturnType<typeof compareHandlers> & ReturnType<typeof recipeDiffHandlers>;

function openCalls(store: Store, folder: string) {
  // Sound: these handlers use nothing but the project and jobs.
  const jobs = createJobs({ announce: () => undefined });
  const host = { project: () => ({ folder, store }), jobs } as unknown as HostContext;
  const handlers: Calls = { ...compareHandlers(host), ...recipeDiffHandlers(host) };
  return async <N extends keyof Calls & CallName>(name: N, request: RequestOf<N>): Promise<ResponseOf<N>> => {
    z.parse(calls[name].request, request);
    const answer = await (handlers[name] as unknown as Handlers[N])(request);
    return z.parse(calls[name].response, answer) as ResponseOf<N>;
  };
}

/** A first run in which base and cold start fail on hard problems and the policy does not, and a second one. */
function twoRuns(second: StoredRunOptions = {}) {
  const improving: StoredRunOptions = {
    answers: [
      (problem) => ({ correct: problem.startsWith('easy'), hesitations: 3 }),
      (problem) => ({ correct: !problem.startsWith('hard'), hesitations: 2 }),
      (problem) => ({ correct: true, hesitations: problem.startsWith('hard') ? 5 : 0 }),
    ],
  };
  const first = storedRun(improving);
  const other = addStoredRun(first, { seed: 12, ...second });
  return { first, other, ask: openCalls(first.store, first.folder) };
}

/** The file that says which model a run started from. */
function writeBaseModel(store: Store, runId: number, folder: string): void {
  const baseModelId = store.models.add({ folder, weightsHash: 'abc', parentId: null, createdMs: 1 });
  writeRunFile(store.runs.get(runId)!.folder, {
    kind: 'pipeline',
    baseModelId,
    train: null,
    heldout: null,
    engine: { threads: 1, tokenBudget: 1, checkpointBlocks: false, maxRows: 1, chunkTokens: 1 },
    triggerWords: [],
  });
}

const request = (armIds: string[], reference = armIds[0]!) => ({
  armIds,
  reference,
  groupBy: [] as ('source' | 'dataset')[],
  pairs: 'every' as const,
  resamples: 200,
});
const stages = { base: 1, coldStart: 3, policy: 5 };
const arm = ({ runId }: Pick<StoredRun, 'runId'>, stage: number) => `${runId}:${stage}`;

describe('compare.arms', () => {
  it('lists every finished evaluation, newest run first, and who answered the same problems', async () => {
    const { first, other, ask } = twoRuns({ heldoutName: 'other sums', question: 'Something else?' });
    const { arms, unreadable } = await ask('compare.arms', { against: arm(first, stages.base) });
    expect(unreadable).toEqual([]);
    expect(arms.map(({ armId }) => armId)).toEqual([
      ...[1, 3, 5].map((stage) => arm(other, stage)),
      ...[1, 3, 5].map((stage) => arm(first, stage)),
    ]);
    const [theirs, ours] = [arms[0]!, arms[5]!];
    expect(ours).toMatchObject({ arm: 'policy', runName: 'Small run', seed: 11, problems: 6, samples: 12, shared: 6 });
    expect(theirs).toMatchObject({ dataset: 'other sums', shared: 5 });
    expect(theirs.problemsHash).not.toBe(ours.problemsHash);
    expect(arms[3]!.problemsHash).toBe(ours.problemsHash);
  });

  it('does not offer an evaluation that is not finished', async () => {
    const { store, folder, runId } = storedRun({ finishedStages: 3 });
    const { arms } = await openCalls(store, folder)('compare.arms', { against: null });
    expect(arms.map(({ armId, shared }) => [armId, shared])).toEqual([[`${runId}:1`, null]]);
  });

  it('knows equal weights by their hash, and says so where the run’s folder is gone', async () => {
    const { store, folder, runId } = storedRun();
    const ask = openCalls(store, folder);
    expect((await ask('compare.arms', { against: null })).arms[0]).toMatchObject({
      modelKey: null,
      model: 'unknown model',
    });
    writeBaseModel(store, runId, '/models/tiny');
    expect((await ask('compare.arms', { against: null })).arms[0]).toMatchObject({ modelKey: 'abc', model: 'tiny' });
  });

  it('lists the other runs where one cannot be read', async () => {
    const { first, ask } = twoRuns();
    const broken = first.store.runs.create(
      { ...first.store.runs.get(first.runId)!, recipe: '{"version":99}', folder: '/gone' },
      [{ name: 'evaluate base', plannedUnits: 1 }],
    );
    const { arms, unreadable } = await ask('compare.arms', { against: null });
    expect(arms).toHaveLength(6);
    expect(unreadable.map(({ runId }) => runId)).toEqual([broken]);
    // Also where the one it was asked to compare with is that one.
    const again = await ask('compare.arms', { against: `${broken}:0` });
    expect(again.arms.map(({ shared }) => shared)).toEqual(arms.map(() => null));
  });
});

describe('compare.compute', () => {
  it('compares arms of different runs against the chosen reference, in its buckets', async () => {
    const { first, other, ask } = twoRuns();
    const armIds = [arm(first, stages.base), arm(first, stages.policy), arm(other, stages.policy)];
    const result = await ask('compare.compute', request(armIds, armIds[1]));
    expect(result.reference).toBe(armIds[1]);
    expect(result.arms.map(({ label }) => label)).toEqual([
      'Base',
      'AEPO without KL, seed 11',
      'AEPO without KL, seed 12',
    ]);
    expect(result.groups.map(({ key, problems }) => [key, problems])).toEqual([
      ['easy', 2],
      ['medium', 2],
      ['hard', 2],
      ['all', 6],
    ]);
    const hard = result.summaries.filter(({ group }) => group === 'hard');
    expect(hard.map(({ accuracy }) => accuracy.value)).toEqual([0, 1, 1]);
    expect(hard.map(({ lengthTokens }) => lengthTokens.value)).toEqual([5, 7, 3]);
    const pairs = new Set(result.differences.map(({ armId, against }) => `${armId} ${against}`));
    expect(pairs).toEqual(
      new Set([`${armIds[0]} ${armIds[1]}`, `${armIds[2]} ${armIds[1]}`, `${armIds[2]} ${armIds[0]}`]),
    );
    expect(result.tests).toBe(result.differences.length * 2);
    expect(result.bucketsFrom).toBe('Buckets are those of run 1: the dataset’s own grade of each problem.');
    expect(result.conclusions).toHaveLength(4);
  });

  it('tests fewer differences where only those from the reference are asked for', async () => {
    const { first, ask } = twoRuns();
    const armIds = [stages.base, stages.coldStart, stages.policy].map((stage) => arm(first, stage));
    const every = await ask('compare.compute', request(armIds));
    const some = await ask('compare.compute', { ...request(armIds), pairs: 'reference' });
    expect([every.tests, some.tests]).toEqual([24, 16]);
  });

  it('refuses arms that answered other problems', async () => {
    const { first, other, ask } = twoRuns({ heldoutName: 'other sums', question: 'Something else?' });
    const armIds = [arm(first, stages.base), arm(other, stages.base)];
    await expect(ask('compare.compute', request(armIds))).rejects.toMatchObject({ code: 'bad-data' });
  });

  it('refuses ids that name nothing', async () => {
    const { first, ask } = twoRuns();
    const base = arm(first, stages.base);
    await expect(ask('compare.compute', request(['1:2']))).rejects.toMatchObject({ code: 'not-found' });
    await expect(ask('compare.compute', request(['../x']))).rejects.toMatchObject({ code: 'usage' });
    await expect(ask('compare.compute', request([base], '1:3'))).rejects.toMatchObject({ code: 'usage' });
  });

  it('takes the evaluations of a model on two benchmarks together, with a row for each', async () => {
    const { first, other, ask } = twoRuns({ heldoutName: 'other sums', questionPrefix: 'Another: ' });
    const both = (stage: number) => `${arm(first, stage)}+${arm(other, stage)}`;
    const result = await ask('compare.compute', {
      ...request([both(stages.base), both(stages.policy)]),
      groupBy: ['dataset'],
    });
    expect(result.groups.map(({ key, problems }) => [key, problems])).toEqual([
      ['easy', 4],
      ['medium', 4],
      ['hard', 4],
      ['dataset other sums', 6],
      ['dataset sums', 6],
      ['all', 12],
    ]);
    const base = result.summaries.find(({ group, armId }) => group === 'dataset sums' && armId === both(stages.base));
    expect(base!.accuracy.value).toBeCloseTo(1 / 3, 12);
  });

  it('refuses to join evaluations of the same problems', async () => {
    const { first, other, ask } = twoRuns();
    const joined = `${arm(first, stages.base)}+${arm(other, stages.base)}`;
    await expect(ask('compare.compute', request([joined]))).rejects.toMatchObject({ code: 'bad-data' });
  });
});

describe('compare.problems and compare.rollouts', () => {
  it('count right answers per arm and problem, whatever order the arms answered in', async () => {
    const { first, other, ask } = twoRuns({ heldoutName: 'the same', reversed: true });
    const armIds = [arm(first, stages.base), arm(other, stages.base)];
    const columns = await ask('compare.problems', { armIds, reference: armIds[0]! });
    expect(columns.id).toEqual(['easy-0', 'easy-1', 'medium-0', 'medium-1', 'hard-0', 'hard-1']);
    expect([...columns.correct]).toEqual([2, 2, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2]);
    expect([...columns.graded]).toEqual(Array.from({ length: 12 }, () => 2));
    expect(columns.meanLengthTokens.slice(0, 6)).toEqual(Float64Array.of(5, 5, 5, 5, 5, 5));
    expect(columns.prompt[4]).toBe('Question hard-0?');

    const hard = await ask('compare.rollouts', { armIds, problemKey: columns.key[4]! });
    expect(hard).toMatchObject({ id: 'hard-0', prompt: 'Question hard-0?', answer: '53' });
    expect(hard.arms.map(({ rollouts }) => rollouts.map(({ verdict }) => verdict))).toEqual([
      ['wrong', 'wrong'],
      ['correct', 'correct'],
    ]);
  });
});

describe('compare.budget', () => {
  it('rises from nothing to the accuracy without a limit', async () => {
    const { first, ask } = twoRuns();
    const armIds = [arm(first, stages.base), arm(first, stages.policy)];
    const { budgetTokens, curves } = await ask('compare.budget', { armIds, reference: armIds[0]!, group: 'hard' });
    expect(budgetTokens[0]).toBe(0);
    expect(budgetTokens.at(-1)).toBe(7);
    expect(curves.map(({ accuracy }) => [accuracy[0], accuracy.at(-1)])).toEqual([
      [0, 0],
      [0, 1],
    ]);
    const nonsense = ask('compare.budget', { armIds, reference: armIds[0]!, group: 'source nowhere' });
    await expect(nonsense).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('compare.report', () => {
  it('writes one CSV row per group and arm, with counts and tests', async () => {
    const { first, ask } = twoRuns();
    const armIds = [arm(first, stages.base), arm(first, stages.policy)];
    const report = await ask('compare.report', { ...request(armIds), format: 'csv' });
    expect(report.fileName).toBe('comparison-base-aepo-without-kl.csv');
    const lines = new TextDecoder().decode(report.bytes).trimEnd().split('\r\n');
    expect(lines).toHaveLength(1 + 4 * 2);
    expect(lines[0]).toContain('samples,truncated,no_answer,ungradable');
    expect(lines[6]).toMatch(/^hard,AEPO without KL,1,/);
  });
});

describe('the HTML report', () => {
  it('holds result, charts, differing settings and answers side by side, and loads nothing', async () => {
    const { first, other, ask } = twoRuns();
    for (const { runId } of [first, other]) writeBaseModel(first.store, runId, first.folder);
    const armIds = [arm(first, stages.base), arm(first, stages.policy), arm(other, stages.policy)];
    const { bytes, fileName, mediaType } = await ask('compare.report', { ...request(armIds), format: 'html' });
    expect([fileName, mediaType]).toEqual([
      'comparison-base-aepo-without-kl-seed-11-aepo-without-kl-seed-12.html',
      'text/html; charset=utf-8',
    ]);
    const html = new TextDecoder().decode(bytes);
    for (const heading of ['Result', 'What the numbers show', 'In what the recipes differ', 'How this was measured']) {
      expect(html).toContain(`<h2>${heading}</h2>`);
    }
    expect(html).toMatch(/<td>seed<\/td><td>11<\/td><td>12<\/td>/);
    expect(html).toContain('Accuracy and length by stage');
    expect(html).toContain('Question easy-0?');
    expect(html).not.toMatch(/<script|src=|https?:(?!\/\/arxiv)/);
  });
});

describe('blind tests', () => {
  it('are kept, and kept as they become', async () => {
    const { first, ask } = twoRuns();
    const test = {
      name: 'Base or AEPO',
      firstArmId: arm(first, stages.base),
      secondArmId: arm(first, stages.policy),
      seed: 3,
      judgements: [] as { problemKey: string; choice: 'first' | 'second' | 'tie' | 'neither' }[],
      isRevealed: false,
    };
    const { comparisonId } = await ask('compare.saveBlindTest', { comparisonId: null, test });
    first.store.comparisons.add({ name: 'another kind', request: {}, report: {}, createdMs: 5 });
    const judged = { ...test, judgements: [{ problemKey: 'k', choice: 'tie' as const }] };
    expect(await ask('compare.saveBlindTest', { comparisonId, test: judged })).toEqual({ comparisonId });
    expect(await ask('compare.blindTests', {})).toMatchObject([{ comparisonId, test: judged }]);
    await expect(ask('compare.saveBlindTest', { comparisonId: 99, test })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('recipes.diff', () => {
  it('names the leaves that differ, one value per run', async () => {
    const { first, other, ask } = twoRuns({ preset: 'grpo' });
    const rows = await ask('recipes.diff', { runIds: [first.runId, other.runId] });
    expect(rows).toContainEqual({ path: 'seed', values: [{ value: 11 }, { value: 12 }] });
    expect(rows).toContainEqual({ path: 'policy.preset', values: [{ value: 'aepo-no-kl' }, { value: 'grpo' }] });
    expect(rows.map(({ path }) => path)).not.toContain('evaluation.samples');
    expect(await ask('recipes.diff', { runIds: [first.runId, first.runId] })).toEqual([]);
  });
});
