// Care of a dataset through the calls of the contract: a check in its thread, pools that hold what they promise, the card.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DataCard } from '#core/data/care/card.ts';
import { careHandlers } from '#core/host/handlers/care.ts';
import { withCareSession, writePools } from '#core/host/careSession.ts';
import { createJobs } from '#core/host/jobs.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { createProject } from '#core/host/project.ts';
import { loadProblems } from '#core/data/problems.ts';
import { readImage } from '#core/data/images.ts';
import type { NewProblem } from '#core/store/problems.ts';
import { AresError } from '#core/util/errors.ts';
import { tinyPng } from '../data/files.ts';
import { temporaryFolder } from '../store/helpers.ts';

const tale = (sold: number, word = 'friends') =>
  `Natalia sold clips to ${sold} of her ${word} in April, and then she sold half as many clips in May. ` +
  'How many clips did Natalia sell altogether in April and May?';

const leaked = 'A train leaves the station at noon and goes 60 miles an hour; when has it gone 90 miles';

function problem(id: string, prompt: string, answer: string, change: Partial<NewProblem> = {}): NewProblem {
  return { id, key: 1, prompt, answer, source: 's', split: 'train', images: [], meta: {}, ...change };
}

function hosted() {
  const folder = temporaryFolder();
  const store = createProject(folder);
  onTestFinished(() => store.close());
  const changes = { announce: () => undefined, listen: () => () => undefined };
  const jobs = createJobs(changes);
  const host = { project: () => ({ folder, store }), changes, jobs } as unknown as HostContext;
  const handlers = careHandlers(host);
  const finished = (jobId: number) =>
    new Promise<unknown>((resolve, reject) => {
      jobs.follow(jobId, (job) => {
        if (job.state === 'finished') resolve(job.result);
        else if (job.state !== 'running') reject(new Error(job.error?.message ?? job.state));
      });
    });
  return {
    folder,
    store,
    jobs,
    handlers,
    check: async (datasetId: number, against: { datasetId: number; split: string | null }[] = []) => {
      const { jobId } = await handlers['care.check']({ datasetId, threshold: 0.7, against });
      return ((await finished(jobId)) as { checkId: number }).checkId;
    },
  };
}

/** Two clusters (the second contradicts itself), one problem of the evaluation, and forty others in ten groups. */
function dataset(store: ReturnType<typeof hosted>['store']): { datasetId: number; evaluationId: number } {
  const others = Array.from({ length: 40 }, (_, i) =>
    problem(`other ${i}`, `Problem number ${i} asks for the sum of ${i} and ${i + 1}.`, String(2 * i + 1), {
      meta: { group: `g${i % 10}` },
    }),
  );
  const datasetId = store.problems.addDataset({ name: 'data', file: null, mapping: {}, createdMs: 1 }, [
    problem('a', tale(48), '72'),
    problem('a near', tale(48, 'neighbours'), '72'),
    problem('b', tale(12), '18'),
    problem('b wrong', tale(12), '19'),
    problem('leaked', `Listen. ${leaked}?`, '11'),
    ...others,
  ]);
  const evaluationId = store.problems.addDataset({ name: 'evaluation', file: null, mapping: {}, createdMs: 1 }, [
    problem('e0', 'Something else.', '1'),
    problem('e1', leaked, '13:30'),
  ]);
  return { datasetId, evaluationId };
}

const request = {
  name: 'clean',
  dropDuplicates: true,
  dropContaminated: true,
  chosen: [],
  heldout: null,
  withControl: false,
};

describe('a check', () => {
  it('finds clusters and contamination, in a thread, and is kept until the next', async () => {
    const { store, handlers, check } = hosted();
    const { datasetId, evaluationId } = dataset(store);
    expect(await handlers['care.newest']({ datasetId })).toBeNull();
    const checkId = await check(datasetId, [{ datasetId: evaluationId, split: 'train' }]);
    expect(await handlers['care.newest']({ datasetId })).toMatchObject({
      checkId,
      threshold: 0.7,
      against: [{ name: 'evaluation · train' }],
      summary: {
        problems: 45,
        clusters: 2,
        exactDuplicates: 1,
        nearDuplicates: 1,
        contradictoryClusters: 1,
        contaminated: 1,
      },
    });
    const clusters = await handlers['care.clusters']({ checkId });
    expect([...clusters.problemId]).toEqual([1, 2, 3, 4]);
    expect([...clusters.cluster]).toEqual([1, 1, 3, 3]);
    expect([...clusters.sameAnswer]).toEqual([1, 1, 1, 0]);
    expect([...(await handlers['care.contamination']({ checkId })).problemId]).toEqual([5]);
    const { problem: own, against, coverage } = await handlers['care.match']({ checkId, problemId: 5 });
    expect(own.text.slice(own.start, own.end)).toBe(leaked);
    expect(against).toMatchObject({ dataset: 'evaluation', id: 'e1', start: 0, answer: '13:30' });
    expect(coverage).toBe(1);

    const next = await check(datasetId);
    expect(await handlers['care.newest']({ datasetId })).toMatchObject({ checkId: next, summary: { contaminated: 0 } });
    expect(() => handlers['care.clusters']({ checkId })).toThrow(AresError);
  });

  it('that is cancelled leaves the one before', async () => {
    const { store, handlers, check, jobs } = hosted();
    const { datasetId } = dataset(store);
    const checkId = await check(datasetId);
    const { jobId } = await handlers['care.check']({ datasetId, threshold: 0.9, against: [] });
    jobs.cancel(jobId);
    await jobs.close();
    expect(jobs.list().at(-1)!.state).toBe('cancelled');
    expect(await handlers['care.newest']({ datasetId })).toMatchObject({ checkId, threshold: 0.7 });
  });
});

describe('pools of what care leaves', () => {
  const idsOf = (store: ReturnType<typeof hosted>['store'], poolId: number) =>
    Array.from(store.pools.problemIds(poolId), (problemId) => store.problems.get(problemId)!.id);

  it('drop the second of a cluster and what leaked, and keep what contradicts', async () => {
    const { store, handlers, check } = hosted();
    const { datasetId, evaluationId } = dataset(store);
    const checkId = await check(datasetId, [{ datasetId: evaluationId, split: null }]);
    const made = await handlers['care.makePools']({ ...request, checkId });
    expect(made).toMatchObject({ droppedDuplicates: 1, droppedContaminated: 1, groups: null });
    const ids = idsOf(store, made.pools[0]!.poolId);
    expect(ids.slice(0, 4)).toEqual(['a', 'b', 'b wrong', 'other 0']);
    const chosen = [{ cluster: 3, problemId: 4 }];
    const byHand = await handlers['care.makePools']({ ...request, checkId, name: 'by hand', chosen });
    expect(idsOf(store, byHand.pools[0]!.poolId).slice(0, 3)).toEqual(['a', 'b wrong', 'other 0']);
    expect(store.checks.poolCare(byHand.pools[0]!.poolId)).toMatchObject({ role: 'cared for', chosenByHand: 1 });
  });

  it('share no group, and the control shares none with the held-out part', async () => {
    const { store, handlers, check } = hosted();
    const { datasetId } = dataset(store);
    const checkId = await check(datasetId);
    const heldout = { fraction: 0.25, seed: 3, groupBy: 'group' as const };
    const made = await handlers['care.makePools']({
      ...request,
      checkId,
      dropDuplicates: false,
      heldout,
      withControl: true,
    });
    expect(made.pools.map(({ name }) => name)).toEqual(['clean train', 'clean heldout', 'clean control']);
    const groupsOf = (poolId: number) =>
      new Set(
        Array.from(store.pools.problemIds(poolId), (problemId) => {
          const { id, meta } = store.problems.get(problemId)!;
          return (meta as { group?: string }).group ?? id[0]!;
        }),
      );
    const [train, held, control] = made.pools.map(({ poolId }) => groupsOf(poolId)) as [
      Set<string>,
      Set<string>,
      Set<string>,
    ];
    expect(held.size).toBeGreaterThan(0);
    expect([...train, ...control].filter((group) => held.has(group))).toEqual([]);
    expect(made.pools[2]!.problems).toBe(made.pools[0]!.problems);
  });

  it('are refused by name where the dataset has changed since', async () => {
    const { store, handlers, check } = hosted();
    const { datasetId } = dataset(store);
    const checkId = await check(datasetId);
    store.problems.append(datasetId, [problem('new', 'New?', '1')]);
    expect(() => handlers['care.makePools']({ ...request, checkId })).toThrow(/changed since/);
  });

  it('are refused where one group is all there is, and leave nothing behind', async () => {
    const { store, handlers, check } = hosted();
    const { datasetId } = dataset(store);
    const checkId = await check(datasetId);
    const heldout = { fraction: 0.2, seed: 1, groupBy: 'source' as const };
    expect(() => handlers['care.makePools']({ ...request, checkId, heldout })).toThrow(/too large to hold out/);
    expect(store.pools.list(datasetId)).toEqual([]);
  });
});

describe('files from the command line', () => {
  const control = { signal: new AbortController().signal, progress: () => undefined };

  it('go through the same check; pools come out as files that are read back whole, with a card', async () => {
    const folder = temporaryFolder();
    const png = tinyPng();
    const rows = [
      {
        problem: 'What is shown here?',
        answer: 'a dot',
        images: [`data:image/png;base64,${Buffer.from(png).toString('base64')}`],
        exam: 'x',
        level: '3',
        solution: 'It is a dot.',
      },
      { problem: tale(48), answer: '72', exam: 'y' },
      { problem: '', answer: '1' },
    ];
    const path = `${folder}.jsonl`;
    onTestFinished(() => writeFileSync(path, ''));
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    const target = join(temporaryFolder(), 'out');
    const card = await withCareSession(
      { data: path, project: undefined, against: [], groupColumn: 'exam' },
      control,
      async (session) => {
        const { store, datasetId } = session;
        const poolId = store.pools.add({ datasetId, name: 'all', createdMs: 1 }, store.problems.ids(datasetId));
        writePools(session, [{ poolId, fileName: 'all.jsonl' }], {}, target);
        expect(store.problems.groupValues(datasetId, 'group')).toEqual(['x', 'y']);
        const { dataCard } = await import('#core/host/dataCard.ts');
        return dataCard(store, datasetId, 5);
      },
    );
    const { problems } = await loadProblems(join(target, 'all.jsonl'));
    expect(problems.map(({ prompt, answer }) => [prompt, answer])).toEqual(
      rows.slice(0, 2).map((row) => [row.problem, row.answer]),
    );
    expect(problems[0]!.meta).toMatchObject({ level: '3', response: 'It is a dot.' });
    expect(await readImage(problems[0]!.images[0]!)).toEqual(png);
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(card).toMatchObject({
      problems: 2,
      withImages: 1,
      withSolution: 1,
      files: [{ sha256, imported: 2, skipped: 1, changedSince: false }],
      badRows: [{ reason: 'the prompt is empty', rows: 1 }],
      check: null,
    } satisfies Partial<Record<keyof DataCard, unknown>>);
  });
});
