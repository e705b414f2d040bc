/** What is exported comes back through our own importers, and has the columns other trainers ask for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeJsonLines } from '#core/data/export.ts';
import { parquetBytes } from '#core/data/exporters/parquetFile.ts';
import {
  type ExportTable,
  type ExportedProblem,
  easyR1Table,
  flatTable,
  llamaFactoryFiles,
  verlTable,
} from '#core/data/exporters/schemas.ts';
import { readImage } from '#core/data/images.ts';
import { loadProblems } from '#core/data/problems.ts';

/** A PNG of one pixel. */
const pixel = new Uint8Array(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
);
const label = {
  correct: 3,
  samples: 8,
  temperature: 1,
  maxNewTokens: 160,
  intervalLow: 0.14,
  intervalHigh: 0.69,
  meanLengthTokens: 51.5,
  grader: 'ares 1',
  model: '/models/base',
  modelSha256: 'ab12',
};
const problems: ExportedProblem[] = [
  { id: 'a', prompt: 'What is 1 + 1?', answer: '2', source: 'sums', split: 'train', images: [], label },
  { id: 'b', prompt: 'Größe, "quoted"\n=1+1', answer: '−3', source: 'sums', split: 'train', images: [], label: null },
  {
    id: 'c',
    prompt: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'How many dots?' },
    ],
    answer: '1',
    source: 'dots',
    split: 'train',
    images: [pixel],
    label,
  },
];

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ares-export-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function write({ fields, rows }: ExportTable): string {
  const path = join(folder, 'data.parquet');
  writeFileSync(path, parquetBytes(fields, rows));
  return path;
}

async function rowsOf(path: string) {
  const file = await asyncBufferFromFile(path);
  return parquetReadObjects({ file });
}

describe('tables', () => {
  it.each([
    ['flat', flatTable],
    ['EasyR1', easyR1Table],
    ['verl', verlTable],
  ])('%s: our importer finds the same problems, images included', async (_name, table) => {
    const { problems: found, bad } = await loadProblems(write(table(problems)));
    expect(bad).toEqual([]);
    expect(found.map(({ answer }) => answer)).toEqual(['2', '−3', '1']);
    const prompts = found.map(({ prompt }) => (typeof prompt === 'string' ? prompt : prompt.at(-1)!.content));
    expect(prompts.map((prompt) => prompt.replace('<image>', ''))).toEqual([
      'What is 1 + 1?',
      'Größe, "quoted"\n=1+1',
      'How many dots?',
    ]);
    expect(found[0]!.meta.passRate).toBeCloseTo(0.375, 12);
    expect(found[1]!.meta.passRate).toBeUndefined();
    expect(await readImage(found[2]!.images[0]!)).toEqual(pixel);
  });

  const user = (content: string) => [{ role: 'user', content }];
  const chats = [user('What is 1 + 1?'), user('Größe, "quoted"\n=1+1')];
  it.each([
    // The text formats hold the last thing the user says; a flat table also has every turn where there are several.
    ['flat', flatTable, [...chats, problems[2]!.prompt]],
    ['EasyR1', easyR1Table, ['What is 1 + 1?', 'Größe, "quoted"\n=1+1', '<image>How many dots?']],
    ['verl', verlTable, [...chats, [{ role: 'system', content: 'Be brief.' }, ...user('<image>How many dots?')]]],
  ])('%s: comes back field by field', async (_name, table, prompts) => {
    const { problems: found, bad } = await loadProblems(write(table(problems)));
    expect(bad).toEqual([]);
    const images = await Promise.all(found.map((problem) => Promise.all(problem.images.map(readImage))));
    expect(
      found.map(({ id, prompt, answer, source, meta }, i) => ({
        id,
        prompt,
        answer,
        source,
        passRate: meta.passRate,
        images: images[i],
      })),
    ).toEqual(
      problems.map(({ id, answer, source, images: own, label: given }, i) => ({
        id,
        prompt: prompts[i],
        answer,
        source,
        passRate: given === null ? undefined : given.correct / given.samples,
        images: own,
      })),
    );
  });

  it('JSON lines come back field by field', async () => {
    const path = join(folder, 'data.jsonl');
    writeJsonLines(
      path,
      problems.map(({ id, prompt, answer, source, images, label: given }) => ({
        id,
        problem: prompt,
        answer,
        source,
        ...(images.length > 0 ? { images } : {}),
        average_accuracy: given === null ? null : given.correct / given.samples,
      })),
    );
    const { problems: found, bad } = await loadProblems(path);
    expect(bad).toEqual([]);
    expect(found.map(({ id, prompt, answer, source, meta }) => [id, prompt, answer, source, meta.passRate])).toEqual(
      problems.map(({ id, prompt, answer, source, label: given }) => [
        id,
        prompt,
        answer,
        source,
        given === null ? undefined : given.correct / given.samples,
      ]),
    );
    expect(new Uint8Array(await readImage(found[2]!.images[0]!))).toEqual(pixel);
  });

  it('carry where a label comes from', async () => {
    const [first, second] = await rowsOf(write(flatTable(problems)));
    expect(first).toMatchObject({
      average_accuracy: 0.375,
      n: 8n,
      correct: 3n,
      grader: 'ares 1',
      model_sha256: 'ab12',
    });
    expect(second).toMatchObject({ average_accuracy: null, n: null, grader: null });
  });

  it('verl: nested as its loaders expect', async () => {
    const path = write(verlTable(problems));
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
    expect(parquetSchema(metadata).children.map(({ element }) => element.name)).toEqual(
      expect.arrayContaining(['data_source', 'prompt', 'ability', 'reward_model', 'extra_info', 'average_accuracy']),
    );
    const rows = await rowsOf(path);
    expect(rows[2]).toMatchObject({
      data_source: 'dots',
      prompt: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: '<image>How many dots?' },
      ],
      reward_model: { style: 'rule', ground_truth: '1' },
      extra_info: { split: 'train', index: 2n, id: 'c' },
    });
  });

  it('hold more rows than one row group', async () => {
    const many = Array.from({ length: 25_001 }, (_, i) => ({ ...problems[0]!, id: `p${i}` }));
    const rows = await rowsOf(write(flatTable(many)));
    expect(rows.length).toBe(25_001);
    expect(rows.at(-1)).toMatchObject({ id: 'p25000' });
  });
});

describe('llamaFactoryFiles', () => {
  it('chats that our importer reads as traces, and their entry in dataset_info.json', async () => {
    const { fileName, chats, info } = llamaFactoryFiles('cold-start', [
      { prompt: 'What is 1 + 1?', response: '<think> one more </think> \\boxed{2}', images: [] },
    ]);
    writeFileSync(join(folder, fileName), JSON.stringify(chats));
    const { problems: found } = await loadProblems(join(folder, fileName));
    expect(found[0]).toMatchObject({ answer: '2', meta: { response: '<think> one more </think> \\boxed{2}' } });
    expect(info).toMatchObject({ 'cold-start': { file_name: 'cold-start.json', formatting: 'sharegpt' } });
  });
});
