// From a dropped file to problems that are filtered, corrected, judged and pooled: the handlers together, on real files.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DataMapping, ProblemQuery } from '#core/contract/contract.ts';
import { createDataReader } from '#core/data/reader.ts';
import { dataHandlers } from '#core/host/handlers/data.ts';
import { datasetHandlers } from '#core/host/handlers/datasets.ts';
import { labelHandlers } from '#core/host/handlers/labels.ts';
import { poolHandlers } from '#core/host/handlers/pools.ts';
import { problemHandlers } from '#core/host/handlers/problems.ts';
import type { HostContext, JobControl } from '#core/host/hostContext.ts';
import { currentOwner } from '#core/runs/processIdentity.ts';
import { openStore } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';
import { zipOf, tinyPng } from '../data/files.ts';
import { rollout, run, temporaryFolder } from '../store/helpers.ts';

const reader = createDataReader();
afterAll(reader.close);

/** A host with a project and jobs that can be awaited. */
function hosted() {
  const folder = temporaryFolder();
  const store = openStore(join(folder, 'ares.db'));
  onTestFinished(() => store.close());
  const works: Promise<unknown>[] = [];
  let cancelAt: number | null = null;
  const host = {
    reader,
    project: () => ({ folder, store }),
    changes: { announce: () => undefined, listen: () => () => undefined },
    jobs: {
      start: (_about: unknown, work: (control: JobControl) => Promise<unknown>) => {
        const cancelled = new AbortController();
        const progress = (done: number) => {
          if (cancelAt !== null && done >= cancelAt) cancelled.abort();
        };
        const running = work({ signal: cancelled.signal, progress });
        running.catch(() => undefined);
        return works.push(running);
      },
    },
  } as unknown as HostContext;
  const handlers = {
    ...dataHandlers(host),
    ...datasetHandlers(host),
    ...labelHandlers(host),
    ...poolHandlers(host),
    ...problemHandlers(host),
  };
  return {
    folder,
    store,
    handlers,
    cancelAfter: (bytes: number) => void (cancelAt = bytes),
    import: async (path: string, change: Partial<Parameters<(typeof handlers)['data.import']>[0]> = {}) => {
      const { mapping } = await handlers['data.preview']({ path, mapping: null });
      const { jobId } = await handlers['data.import']({
        path,
        mapping,
        name: 'data',
        split: 'train',
        appendTo: null,
        ...change,
      });
      return works[jobId - 1] as Promise<{ datasetId: number; imported: number; skipped: number }>;
    },
  };
}

function file(content: string, name = 'data.jsonl'): string {
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const lines = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const query = (datasetId: number, change: Partial<ProblemQuery> = {}): ProblemQuery => ({
  datasetId,
  modelId: null,
  search: '',
  split: null,
  source: null,
  bucket: null,
  human: null,
  passRate: null,
  poolId: null,
  sort: 'imported',
  descending: false,
  ...change,
});

async function failure(work: Promise<unknown> | (() => unknown)): Promise<AresError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (thrown) {
    if (thrown instanceof AresError) return thrown;
    throw thrown;
  }
  throw new Error('Nothing was thrown.');
}

describe('data.preview', () => {
  it('guesses, and shows what another mapping makes of the same rows', async () => {
    const { handlers } = hosted();
    const path = file(
      `${lines([
        { q: 'One?', extra: { info: { truth: '1' } }, answer: 'first' },
        { q: 'Two?', extra: { info: { truth: '2' } }, answer: 'second' },
        { q: '', extra: { info: { truth: '3' } }, answer: 'third' },
      ])}\nnot json`,
    );
    const guessed = await handlers['data.preview']({ path, mapping: null });
    expect(guessed).toMatchObject({ format: 'jsonl', mapping: { prompt: null, answer: 'answer' }, badCount: 1 });
    expect(guessed.columns).toContain('extra.info.truth');
    expect(guessed.sample[1]).toEqual({
      line: 2,
      cells: {
        q: 'Two?',
        extra: '{"info":{"truth":"2"}}',
        'extra.info': '{"truth":"2"}',
        'extra.info.truth': '2',
        answer: 'second',
      },
    });
    const mapping: DataMapping = { prompt: 'q', answer: 'extra.info.truth', source: undefined };
    const mapped = await handlers['data.preview']({ path, mapping });
    expect(mapped.problems.map(({ prompt, answer }) => [prompt, answer])).toEqual([
      ['One?', '1'],
      ['Two?', '2'],
    ]);
    expect(mapped.rows).toBe(2);
    expect(mapped.bad).toEqual([
      { line: 3, reason: 'the prompt is empty' },
      { line: 4, reason: expect.stringContaining('JSON') as string },
    ]);
  });

  it('reads a file again that has changed', async () => {
    const { handlers } = hosted();
    const path = file(lines([{ problem: 'A?', answer: '1' }]));
    expect(await handlers['data.preview']({ path, mapping: null })).toMatchObject({ rows: 1 });
    writeFileSync(
      path,
      lines([
        { problem: 'A?', answer: '1' },
        { problem: 'B?', answer: '22' },
      ]),
    );
    expect(await handlers['data.preview']({ path, mapping: null })).toMatchObject({ rows: 2 });
  });
});

describe('data.import', () => {
  const path = () =>
    file(
      `${lines([
        { problem: 'A?', answer: '1', id: 'x' },
        { problem: 'A  ?', answer: '2', id: 'x' },
        { problem: 'A?', answer: '3' },
        { problem: 'B?' },
      ])}\n{`,
    );

  it('keeps what it left out, and why', async () => {
    const { handlers, import: run } = hosted();
    const { datasetId, imported, skipped } = await run(path());
    expect({ imported, skipped }).toEqual({ imported: 2, skipped: 3 });
    const [record] = await handlers['data.imports']({ datasetId });
    expect(record!.bad).toEqual([
      { line: 3, reason: 'the same problem as in line 1' },
      { line: 4, reason: 'the answer is missing' },
      { line: 5, reason: expect.any(String) as string },
    ]);
    expect(record!.notes).toHaveLength(3);
    const { problemId } = await handlers['problems.index'](query(datasetId));
    const rows = await handlers['problems.rows']({ problemIds: [...problemId], modelId: null });
    expect(rows.map(({ id, answer }) => [id, answer])).toEqual([
      ['x', '1'],
      ['x (line 2)', '2'],
    ]);
  });

  it('appends what the dataset does not have yet', async () => {
    const { handlers, import: run } = hosted();
    const { datasetId } = await run(path());
    const more = file(
      lines([
        { problem: 'A?', answer: '1' },
        { problem: 'C?', answer: '4', id: 'x' },
      ]),
      'more.jsonl',
    );
    expect(await run(more, { appendTo: datasetId })).toEqual({ datasetId, imported: 1, skipped: 1 });
    expect((await handlers['datasets.list']({}))[0]).toMatchObject({ name: 'data', problems: 3 });
    expect(await handlers['data.imports']({ datasetId })).toHaveLength(2);
    const { problemId } = await handlers['problems.index'](query(datasetId, { search: 'c?' }));
    expect((await handlers['problems.rows']({ problemIds: [...problemId], modelId: null }))[0]!.id).toBe(
      'x (more.jsonl)',
    );
    expect((await failure(run(more, { appendTo: datasetId }))).code).toBe('bad-data');
  });

  it('leaves nothing when it is cancelled', async () => {
    const { handlers, store, folder, cancelAfter, import: run } = hosted();
    const rows = Array.from({ length: 2500 }, (_, i) => ({ problem: `What is ${i}?`, answer: String(i) }));
    cancelAfter(1000);
    expect((await failure(run(file(lines(rows))))).code).toBe('interrupted');
    expect(await handlers['datasets.list']({})).toEqual([]);
    expect(store.imports.unfinished()).toEqual([]);
    expect(readdirSync(folder)).not.toContain('images');
  });

  it('takes away what an earlier one left that died', async () => {
    const { store, import: run } = hosted();
    const dead = { pid: 999_999_999, host: hostname(), processStart: null, claimedMs: 1 };
    const others = { ...dead, host: 'another machine' };
    store.imports.begin(1, dead);
    store.imports.begin(1, null);
    const alive = [store.imports.begin(1, currentOwner(Date.now())), store.imports.begin(1, others)];
    await run(path());
    expect(store.imports.unfinished().map(({ importingId }) => importingId)).toEqual(alive);
  });

  it('keeps images, once each, and removes those of an import that fails', async () => {
    const { handlers, folder, import: run, cancelAfter } = hosted();
    const archive = temporaryFolder();
    const zip = join(archive, 'shapes.zip');
    const rows = [
      { problem: 'Which?', answer: 'a', image: 'one.png' },
      { problem: 'Which?', answer: 'b', image: 'two.png' },
      { problem: 'And?', answer: 'c', image: 'one.png' },
    ];
    const images = [1, 2].map((shade) => ({ name: `${['one', 'two'][shade - 1]}.png`, content: tinyPng(shade) }));
    writeFileSync(zip, zipOf([{ name: 'data.jsonl', content: lines(rows) }, ...images]));
    const { datasetId } = await run(zip);
    const { problemId } = await handlers['problems.index'](query(datasetId));
    const image = await handlers['problems.image']({ problemId: problemId[1]!, index: 0 });
    expect(image).toEqual({ bytes: tinyPng(2), mediaType: 'image/png' });
    expect((await failure(() => handlers['problems.image']({ problemId: problemId[0]!, index: 7 }))).code).toBe(
      'not-found',
    );
    const files = readdirSync(join(folder, 'images'), { recursive: true }).filter((name) =>
      String(name).endsWith('.png'),
    );
    expect(files).toHaveLength(2);
    // The same archive under another name fails at its end: images that others show stay.
    cancelAfter(1);
    await failure(run(zip, { name: 'again' }));
    expect(await handlers['problems.image']({ problemId: problemId[1]!, index: 0 })).toEqual(image);
  });
});

describe('problems.update', () => {
  it('changes the question of a conversation, and its key', async () => {
    const { handlers, store, import: run } = hosted();
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One and one?' },
      { role: 'assistant', content: '2' },
    ];
    const { datasetId } = await run(file(lines([{ messages }])));
    const [problemId] = store.problems.ids(datasetId) as unknown as [number];
    const before = store.problems.get(problemId)!;
    await handlers['problems.update']({
      problemId,
      prompt: 'One and two?',
      answer: '3',
      source: 's',
      split: 'heldout',
    });
    const after = await handlers['problems.get']({ problemId });
    expect(after).toMatchObject({ answer: '3', source: 's', split: 'heldout', isUsed: false });
    expect(after.messages).toEqual([messages[0], { role: 'user', content: 'One and two?' }]);
    expect(store.problems.get(problemId)!.key).not.toBe(before.key);
    expect(
      (
        await failure(() =>
          handlers['problems.update']({ problemId, prompt: ' ', answer: '3', source: 's', split: 'a' }),
        )
      ).message,
    ).toContain('prompt');
  });

  it('refuses what a run has answered, and says which reason', async () => {
    const { handlers, store, import: importFile } = hosted();
    const { datasetId } = await importFile(file(lines([{ problem: 'A?', answer: '1' }])));
    const [problemId] = store.problems.ids(datasetId) as unknown as [number];
    const runId = store.runs.create(run, []);
    store.rollouts.write({ runId, stage: 0, step: 0 }, [rollout(problemId, 0)]);
    expect(await handlers['problems.get']({ problemId })).toMatchObject({ isUsed: true });
    const refused = await failure(() =>
      handlers['problems.update']({ problemId, prompt: 'B?', answer: '1', source: 's', split: 'train' }),
    );
    expect(refused.message).toContain('answered');
    expect((await failure(() => handlers['datasets.remove']({ datasetId }))).code).toBe('usage');
    expect(await handlers['datasets.list']({})).toHaveLength(1);
  });
});

describe('labels and pools', () => {
  it('come as one column per fact, in order of import', async () => {
    const { handlers, store, import: run } = hosted();
    const rows = ['A', 'B', 'C'].map((letter) => ({ problem: `${letter}?`, answer: '1' }));
    const { datasetId } = await run(file(lines(rows)));
    const ids = store.problems.ids(datasetId);
    const modelId = store.models.add({ folder: 'm', weightsHash: 'w', parentId: null, createdMs: 1 });
    const [provenance, interval] = [
      { grader: 'g', temperature: 1, maxNewTokens: 9 },
      { intervalLow: 0.25, intervalHigh: 0.5 },
    ];
    const label = { modelId, runId: null, samples: 8, meanLengthTokens: 12, createdMs: 1, ...provenance, ...interval };
    store.labels.add([{ ...label, problemId: ids[2]!, correct: 3 }]);
    const labels = [{ problemId: ids[1]!, bucket: 'hard' as const }];
    const { previous } = await handlers['labels.setHuman']({ labels });
    expect(previous).toEqual([{ problemId: ids[1], bucket: null }]);
    expect(await handlers['labels.columns']({ datasetId, modelId })).toEqual({
      problemId: ids,
      samples: Int32Array.of(0, 0, 8),
      correct: Int32Array.of(0, 0, 3),
      intervalLow: Float32Array.of(0, 0, 0.25),
      intervalHigh: Float32Array.of(0, 0, 0.5),
      meanLengthTokens: Float32Array.of(0, 0, 12),
      human: Uint8Array.of(0, 3, 0),
    });
    const { poolId } = await handlers['pools.save']({ datasetId, name: 'band', problemIds: ids.slice(1) });
    expect(await handlers['problems.index'](query(datasetId, { poolId }))).toEqual({ problemId: ids.slice(1) });
    await handlers['pools.remove']({ poolId });
    expect(await handlers['pools.list']({ datasetId })).toEqual([]);
  });
});

describeWithShared('real files', () => {
  it('gsm8k becomes 1319 problems with their final answers', async () => {
    const { handlers, import: run } = hosted();
    const { datasetId, imported } = await run(sharedPath('data', 'gsm8k_test.jsonl'), { split: 'auto' });
    expect(imported).toBe(1319);
    expect((await handlers['datasets.list']({}))[0]!.splits).toEqual([
      { split: 'heldout', problems: 264 },
      { split: 'train', problems: 1055 },
    ]);
    const { problemId } = await handlers['problems.index'](query(datasetId, { search: 'janet ducks' }));
    const rows = await handlers['problems.rows']({ problemIds: [...problemId], modelId: null });
    expect(rows.map(({ answer }) => answer)).toEqual(['18']);
  });

  it('nested columns of verl are offered and guessed', async () => {
    const { handlers } = hosted();
    const preview = await handlers['data.preview']({
      path: sharedPath('fixtures', 'data', 'verl_schema.parquet'),
      mapping: null,
    });
    expect(preview.mapping).toMatchObject({ prompt: 'prompt', answer: 'reward_model.ground_truth' });
    expect(preview.columns).toContain('extra_info.index');
  });
});
