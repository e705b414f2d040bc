// Sets of traces for a cold start: whose traces they are, what becomes of each, the control, and the files LLaMA-Factory reads.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readImage } from '#core/data/images.ts';
import { loadProblems } from '#core/data/problems.ts';
import { createProject } from '#core/host/project.ts';
import { storeImage } from '#core/host/projectImages.ts';
import { writeRunFile } from '#core/host/runFile.ts';
import { type TraceSetRequest, writeTraceFiles, writeTraceSets } from '#core/host/traceSets.ts';
import { AresError } from '#core/util/errors.ts';
import { storedRun } from '../compare/storedRun.ts';
import { tinyPng } from '../data/files.ts';
import { temporaryFolder } from '../store/helpers.ts';

const control = { signal: new AbortController().signal, progress: () => undefined };

/** Five problems, solved 0 to 4 times of four. */
function labelled() {
  const { folder, store, runId } = storedRun();
  const baseModelId = store.models.add({ folder, weightsHash: 'w', parentId: null, createdMs: 1 });
  const train = store.problems.datasets()[0]!;
  const engine = { threads: 1, tokenBudget: 1, checkpointBlocks: false, maxRows: 1, chunkTokens: 1 };
  const split = { datasetId: train.datasetId, split: 'train', poolId: null };
  writeRunFile(folder, { kind: 'pipeline', baseModelId, train: split, heldout: null, engine, triggerWords: [] });
  const problemIds = [
    ...new Set(
      store.rollouts
        .steps(runId, 0)
        .flatMap((step) => [...store.rollouts.columns({ runId, stage: 0, step }).problemId]),
    ),
  ];
  const make = (request: Partial<TraceSetRequest> = {}) =>
    writeTraceSets(
      store,
      folder,
      { runId, origin: 'teacher', teacherRunId: null, target: join(temporaryFolder(), 'sets'), ...request },
      control,
    );
  return { store, folder, runId, problemIds, make };
}

/** A thought of so many words, then the answer. */
const thought = (words: number) => `<think>${'so '.repeat(words)}</think>The answer is 4.`;

describe('writeTraceSets', () => {
  it('keeps right traces in shape, counts the others, and makes a control of the same size', async () => {
    const { store, problemIds, make } = labelled();
    const kept = { origin: 'teacher' as const, source: 'big model', createdMs: 1 };
    problemIds.forEach((problemId, solved) => {
      // Longer where it is harder, and one of each length that is far off.
      for (const words of [40 - 8 * solved, 200])
        store.traces.add([{ ...kept, problemId, text: thought(words), correct: true }]);
      store.traces.add([{ ...kept, problemId, text: thought(3), correct: false }]);
    });
    store.traces.add([{ ...kept, problemId: problemIds[0]!, text: '<think>and so', correct: true }]);
    const target = join(temporaryFolder(), 'sets');
    const summary = await make({ target });
    expect(summary).toMatchObject({
      traces: 16,
      wrong: 5,
      setAside: [{ problem: 'cutOff', reason: 'it is cut off while thinking', traces: 1 }],
      sets: [
        { name: 'adacs', traces: 5, chosenPerBracket: [1, 1, 1, 1, 1] },
        { name: 'control', traces: 5, chosenPerBracket: [1, 1, 1, 1, 1] },
      ],
    });
    expect(JSON.parse(readFileSync(join(target, 'summary.json'), 'utf8'))).toEqual(summary);
    expect(JSON.parse(readFileSync(join(target, 'set-aside.jsonl'), 'utf8'))).toMatchObject({
      reason: 'it is cut off while thinking',
      text: '<think>and so',
    });
    const { problems, bad } = await loadProblems(join(target, 'adacs', 'ares_adacs.json'));
    expect(bad).toEqual([]);
    expect(problems).toHaveLength(5);
    for (const { answer, meta } of problems) {
      expect(answer).toBe('4');
      expect(meta.response).toMatch(/^<think>\n[^<]+\n<\/think>\n\nThe answer is 4\.\n\n\\boxed\{4\}$/);
    }
  });

  it('grades the solutions of a dataset', async () => {
    const { store, problemIds, make } = labelled();
    const summary = await make({ origin: 'dataset' }).catch((error: unknown) => error);
    expect(summary).toMatchObject({ code: 'not-found', hint: expect.stringContaining('Solution') as string });
    const stored = problemIds.map((problemId) => store.problems.get(problemId)!);
    expect(stored.every(({ meta }) => (meta as { response?: string }).response === undefined)).toBe(true);
  });

  it('takes the responses of the labelled model, and those of another run as a teacher', async () => {
    const { runId, make } = labelled();
    const own = await make({ origin: 'rollouts' }).catch((error: unknown) => error as AresError);
    const teacher = await make({ origin: 'teacher', teacherRunId: runId }).catch(
      (error: unknown) => error as AresError,
    );
    // The same responses either way; whether this small run's can be chosen is the shape's to say.
    if (own instanceof AresError) expect(teacher).toMatchObject({ code: own.code, message: own.message });
    else expect(teacher).toEqual({ ...own, origin: 'teacher' });
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const { store, folder, runId, problemIds } = labelled();
    store.traces.add(
      problemIds.map((problemId) => ({
        problemId,
        origin: 'teacher',
        source: 't',
        text: thought(2),
        correct: true,
        createdMs: 1,
      })),
    );
    const target = join(temporaryFolder(), 'sets');
    const request = { runId, origin: 'teacher' as const, teacherRunId: null, target };
    const cancelled = writeTraceSets(store, folder, request, {
      signal: AbortSignal.abort(),
      progress: () => undefined,
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'interrupted' });
    expect(() => readFileSync(join(target, 'summary.json'))).toThrow();
  });
});

describe('writeTraceFiles', () => {
  it('come back as they were, images, system prompt and response included', async () => {
    const folder = temporaryFolder();
    const store = createProject(folder);
    onTestFinished(() => store.close());
    const [one, two] = [storeImage(folder, tinyPng(1)).name, storeImage(folder, tinyPng(2)).name];
    const chat = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Which is larger, <image> or <image>?' },
    ];
    const row = { key: 1, answer: '4', source: 's', split: 'train', meta: {} };
    const datasetId = store.problems.addDataset({ name: 'd', file: null, mapping: {}, createdMs: 1 }, [
      { ...row, id: 'a', prompt: chat, images: [one, two] },
      { ...row, id: 'b', prompt: 'What is 2 + 2?', images: [] },
    ]);
    const text = '<think>\nso\n</think>\n\n\\boxed{4}';
    const traces = [...store.problems.ids(datasetId)].map((problemId) => ({ problemId, text }));
    const path = writeTraceFiles(store, folder, join(folder, 'out'), 'set', traces);
    // LLaMA-Factory finds the file and its columns by dataset_info.json.
    const info = JSON.parse(readFileSync(join(folder, 'out', 'dataset_info.json'), 'utf8')) as Record<
      string,
      { file_name: string; columns: Record<string, string> }
    >;
    expect(join(folder, 'out', info['set']!.file_name)).toBe(path);
    const written = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>[];
    for (const column of Object.values(info['set']!.columns)) expect(written[0]).toHaveProperty(column);
    const { problems, bad } = await loadProblems(path);
    expect(bad).toEqual([]);
    expect(problems.map(({ prompt }) => prompt)).toEqual([chat, [{ role: 'user', content: 'What is 2 + 2?' }]]);
    expect(problems.map(({ answer, meta }) => [answer, meta.response])).toEqual([
      ['4', text],
      ['4', text],
    ]);
    const images = await Promise.all(problems[0]!.images.map(readImage));
    expect(images.map((bytes) => new Uint8Array(bytes))).toEqual([tinyPng(1), tinyPng(2)]);
    expect(problems[1]!.images).toEqual([]);
  });
});
