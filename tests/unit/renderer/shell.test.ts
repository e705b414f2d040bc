/** The window's own logic: addresses, search, uploads, lineage, names. */
import { expect, it, vi } from 'vitest';
import { bytes, moment, parameters } from '#renderer/app/figures.ts';
import { jobProgress } from '#renderer/app/jobs.ts';
import { matchText, search } from '#renderer/app/paletteSearch.ts';
import { folderName, joinPath } from '#renderer/app/paths.ts';
import { formatRoute, numberParam, parseRoute } from '#renderer/app/router.ts';
import { AUTO, setOptions, suggestedSets } from '#renderer/app/runDraft.ts';
import { type DroppedFile, upload } from '#renderer/app/uploads.ts';
import { inLineage, lineOf } from '#renderer/rooms/models/lineage.ts';

it('reads the addresses it writes, and anything else is Home', () => {
  const hash = formatRoute('data', { import: '/tmp/a b&c=é.jsonl', dataset: null, page: 3 });
  expect(parseRoute(hash)).toEqual({ room: 'data', params: { import: '/tmp/a b&c=é.jsonl', page: '3' } });
  expect(formatRoute('home')).toBe('#/home');
  for (const odd of ['', '#', '#/nowhere?x=1', '#/__proto__', 'javascript:alert(1)'])
    expect(parseRoute(odd).room).toBe('home');
  expect(numberParam({ run: '12' }, 'run')).toBe(12);
  for (const odd of ['', 'x', '1.5', undefined])
    expect(numberParam(odd === undefined ? {} : { run: odd }, 'run')).toBe(odd === '' ? 0 : null);
});

it('finds a title by its letters, whole words first', () => {
  const titles = ['Go to the next high-entropy window', 'Entropy', 'Show the shortcuts', 'Export the report'];
  const found = (wanted: string) => search(titles, (title) => title, wanted, 9).map(({ item }) => item);
  expect(found('entropy')).toEqual(['Entropy', 'Go to the next high-entropy window']);
  expect(found('nhw')).toEqual(['Go to the next high-entropy window']);
  expect(found('zzz')).toEqual([]);
  expect(found('')).toEqual(titles);
  expect(matchText('sho', 'Show the shortcuts')!.places).toEqual([0, 1, 2]);
});

it('sends a file in pieces and tells how much has arrived', async () => {
  const content = new Uint8Array(5 * 1024 * 1024 + 7).map((_, i) => i % 251);
  const file: DroppedFile = {
    name: 'a.jsonl',
    size: content.length,
    slice: (start, end) => ({ arrayBuffer: async () => content.slice(start, end).buffer }),
  };
  const received = new Uint8Array(content.length);
  const call = vi.fn(async (name: string, request: Record<string, unknown>) => {
    if (name === 'uploads.begin') return { uploadId: 4 };
    if (name === 'uploads.finish') return { path: '/host/a.jsonl' };
    received.set(request['bytes'] as Uint8Array, request['offset'] as number);
    return { received: (request['offset'] as number) + (request['bytes'] as Uint8Array).length };
  });
  const shares: number[] = [];
  const path = await upload({ call: call as never }, file, (share) => shares.push(share));
  expect(path).toBe('/host/a.jsonl');
  expect(Buffer.compare(received, content)).toBe(0);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  await expect(upload({ call: call as never }, file, () => undefined, AbortSignal.abort())).rejects.toThrow();
});

it('puts models under their parents and survives a missing one', () => {
  const models = [
    { modelId: 1, parentId: null },
    { modelId: 2, parentId: 9 },
    { modelId: 3, parentId: 1 },
    { modelId: 4, parentId: 3 },
    { modelId: 5, parentId: 1 },
  ];
  expect(inLineage(models).map(({ model, depth }) => [model.modelId, depth])).toEqual([
    [1, 0],
    [3, 1],
    [4, 2],
    [5, 1],
    [2, 0],
  ]);
  expect(lineOf(models, 4).map(({ modelId }) => modelId)).toEqual([1, 3, 4]);
  expect(lineOf(models, 2).map(({ modelId }) => modelId)).toEqual([2]);
});

it('begins a run with the splits a dataset has, or with datasets named like them', () => {
  const dataset = (datasetId: number, name: string, splits: [string, number][]) => ({
    datasetId,
    name,
    file: null,
    problems: splits.reduce((sum, [, problems]) => sum + problems, 0),
    splits: splits.map(([split, problems]) => ({ split, problems })),
    labelled: [],
    humanLabels: 0,
    createdMs: 0,
  });
  const split = setOptions(
    [
      dataset(1, 'counter', [
        ['train', 720],
        ['heldout', 240],
      ]),
    ],
    [],
  );
  expect(split.map(({ label }) => label)).toEqual([
    'counter · all (960)',
    'counter · train (720)',
    'counter · heldout (240)',
  ]);
  expect(suggestedSets(split)).toEqual({ train: '1/split/train', heldout: '1/split/heldout' });
  const files = setOptions([dataset(1, 'gsm8k_test', [['heldout', 5]]), dataset(2, 'gsm8k_train', [['train', 9]])], []);
  expect(suggestedSets(files)).toEqual({ train: '2', heldout: '1' });
  expect(suggestedSets(setOptions([dataset(3, 'mine', [['train', 9]])], []))).toEqual({ train: '3', heldout: AUTO });
});

it('writes sizes, times, names and paths', () => {
  expect([0, 999, 1240, 2_815_000, 9e12].map(bytes)).toEqual(['0 B', '999 B', '1.24 kB', '2.81 MB', '9.00 TB']);
  expect([512, 703_360, 1_540_000_000].map(parameters)).toEqual(['512', '703 k', '1.54 B']);
  const now = new Date(2026, 10, 25, 15, 0).getTime();
  expect(moment(new Date(2026, 10, 25, 9, 5).getTime(), now)).toBe('09:05');
  expect(moment(new Date(2026, 10, 24, 9, 5).getTime(), now)).toBe('24 Nov, 09:05');
  expect(moment(new Date(2025, 10, 24, 9, 5).getTime(), now)).toBe('24 Nov 2025, 09:05');
  expect(folderName('Short sample · policy')).toBe('Short-sample-policy');
  expect(folderName('../..')).toBe('untitled');
  expect(joinPath('C:\\data', 'x')).toBe('C:\\data\\x');
  expect(joinPath('/', 'x')).toBe('/x');
  const job = { done: 1200, total: 4000, unit: 'problems', remainingMs: 12_000 } as Parameters<typeof jobProgress>[0];
  expect(jobProgress(job)).toBe('1,200 of 4,000 problems · 12 s left');
});
