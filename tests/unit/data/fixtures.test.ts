/** Every shared fixture against the manifest that came with it, the hostile ones included. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Row, valueAt } from '#core/data/cells.ts';
import { readDataset } from '#core/data/dataset.ts';
import { readImage } from '#core/data/images.ts';
import { inspectFile } from '#core/data/inspect.ts';
import { loadProblems } from '#core/data/problems.ts';
import { isGradable } from '#core/grading/grade.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';

interface Expected {
  rows?: number;
  columns?: string[];
  first?: Record<string, unknown>;
  last?: Record<string, unknown>;
  images?: number;
  answers?: string[];
  first_size?: [number, number];
  first_problem?: string;
  first_answer?: string;
  has_traces?: boolean;
  answer_at?: string;
  bad_lines?: number[];
  bad_rows?: number;
  good_rows?: number;
  usable_with_care?: number;
  refuse?: string;
}

function fixture(name: string): string {
  return sharedPath('fixtures', 'data', name);
}

function text(prompt: string | { content: string }[]): string {
  return typeof prompt === 'string' ? prompt : prompt.at(-1)!.content;
}

const plain = (row: Row): Record<string, unknown> => ({ ...row });

describeWithShared('the shared fixtures', () => {
  const manifest = JSON.parse(readFileSync(fixture('manifest.json'), 'utf8')) as Record<string, Expected>;
  const readable = Object.entries(manifest).filter(([, { refuse }]) => refuse === undefined);

  it('are all in the manifest', () => {
    const files = readdirSync(fixture('.')).filter((name) => name !== 'manifest.json');
    expect(files.toSorted()).toEqual(Object.keys(manifest).toSorted());
  });

  for (const [name, expected] of readable) {
    it(`${name}: rows, columns, images and bad rows are as the manifest says`, async () => {
      const found = await inspectFile(fixture(name));
      expect(Object.keys(found)).toEqual(['format', 'rows', 'columns', 'images', 'mapping', 'bad']);
      expect(found.rows).toBe(expected.rows ?? expected.good_rows! + expected.usable_with_care!);
      if (expected.columns !== undefined) expect(found.columns).toEqual(expected.columns);
      expect(found.images).toBe(expected.images ?? 0);
      expect(found.bad).toHaveLength(expected.bad_rows ?? expected.bad_lines?.length ?? 0);
      if (expected.bad_lines !== undefined) expect(found.bad.map(({ line }) => line)).toEqual(expected.bad_lines);
      if (expected.answer_at !== undefined) expect(found.mapping.answer).toBe(expected.answer_at);
    });
  }

  for (const [name, expected] of readable.filter(([, { first }]) => first !== undefined)) {
    it(`${name}: the first and the last row are as the manifest says`, async () => {
      const { rows } = await readDataset(fixture(name));
      expect(plain(rows[0]!)).toEqual(expected.first);
      expect(plain(rows.at(-1)!)).toEqual(expected.last);
    });
  }

  for (const [name, expected] of readable.filter(([, { rows }]) => rows !== 0)) {
    it(`${name}: problems have prompts, answers that can be graded, and traces where there are some`, async () => {
      const { problems } = await loadProblems(fixture(name));
      if (expected.first_problem !== undefined) expect(text(problems[0]!.prompt)).toBe(expected.first_problem);
      if (expected.first_answer !== undefined) expect(problems[0]!.answer).toBe(expected.first_answer);
      if (expected.answers !== undefined) expect(problems.map(({ answer }) => answer)).toEqual(expected.answers);
      expect(problems.filter(({ answer }) => !isGradable(answer))).toEqual([]);
      const traces = problems.filter(({ meta }) => meta.response?.includes('\\boxed'));
      expect(traces).toHaveLength(expected.has_traces ? problems.length : 0);
    });
  }

  it('images can be read, and are the pictures the manifest describes', async () => {
    for (const [name, { images, first_size: size }] of Object.entries(manifest)) {
      if (images === undefined) continue;
      const { problems } = await loadProblems(fixture(name));
      const read = await Promise.all(problems.flatMap((problem) => problem.images.map(readImage)));
      expect(read).toHaveLength(images);
      const header = Buffer.from(read[0]!);
      // Width and height stand in the first chunk of a PNG.
      if (size !== undefined) expect([header.readUInt32BE(16), header.readUInt32BE(20)]).toEqual(size);
    }
  });

  it('a conversation keeps its system turn and leaves the answer out of the prompt', async () => {
    const { problems } = await loadProblems(fixture('openai_messages.jsonl'));
    expect(problems[0]!.prompt).toEqual([
      { role: 'system', content: 'Reason first.' },
      { role: 'user', content: 'What is 31 + 76? Write it as \\boxed{}.' },
    ]);
    expect(problems[0]!.meta.response).toBe('<think>adding</think>\\boxed{107}');
  });

  it('quoted fields keep their line breaks, quotes and commas; UTF-16 its characters', async () => {
    const csv = await readDataset(fixture('quoted_bom.csv'));
    expect(csv.rows[0]!['problem']).toBe(
      'What is 31 + 76? Write it as \\boxed{}.\nSecond line, with "quotes", and commas',
    );
    expect(csv.lines.slice(0, 3)).toEqual([2, 4, 5]);
    const tsv = await readDataset(fixture('utf16.tsv'));
    expect(tsv.rows[0]!['Question']).toContain('— π≈3');
  });

  it('bad rows come with reasons, a duplicate is reported and __proto__ is harmless', async () => {
    const { bad, duplicates, dataset } = await loadProblems(fixture('some_bad_rows.jsonl'));
    expect(bad.map(({ reason }) => reason)).toEqual([
      'the line is not valid JSON',
      'this is a list, not a row with named fields',
      'the prompt is empty',
      'the answer is missing',
      'this is a text, not a row with named fields',
    ]);
    expect(duplicates).toEqual([{ line: 29, firstLine: 1 }]);
    const row = dataset.rows.find((candidate) => candidate['problem'] === 'proto')!;
    expect(Object.keys(row)).toEqual(['problem', 'answer']);
    expect(valueAt(row, 'x')).toBeNull();
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('an archive whose paths lead out of it is refused', async () => {
    await expect(readDataset(fixture('zip_slip.zip'))).rejects.toMatchObject({
      name: 'AresError',
      code: 'bad-data',
      message: expect.stringContaining('path traversal') as string,
    });
  });

  it('no image path leads out of the folder, and a dataset of such rows has no problem', async () => {
    const { bad } = await inspectFile(fixture('image_paths_escape.jsonl'));
    expect(bad).toEqual([
      { line: 1, reason: 'the image path leaves the folder of the dataset' },
      { line: 2, reason: 'the image path is absolute' },
      { line: 3, reason: 'the image path is absolute' },
      { line: 4, reason: 'the image is an address on the network, which is never fetched' },
      { line: 5, reason: 'the image file is missing' },
    ]);
    await expect(loadProblems(fixture('image_paths_escape.jsonl'))).rejects.toMatchObject({ code: 'bad-data' });
  });
});

describeWithShared('the shared problem sets', () => {
  it('GSM8K: the answer is taken out of the solution, which stays as the response', async () => {
    const { problems, bad, duplicates, mapping } = await loadProblems(sharedPath('data', 'gsm8k_test.jsonl'));
    expect([problems.length, bad.length, duplicates.length]).toEqual([1319, 0, 0]);
    expect(mapping).toEqual({ prompt: 'question', answer: 'answer', response: 'answer' });
    expect(problems[0]!.answer).toBe('18');
    expect(problems[0]!.meta.response).toContain('She makes 9 * 2');
    expect(problems.every(({ answer }) => /^-?[\d.,]+$/.test(answer))).toBe(true);
  });

  it('MATH-500: answers stay as they are written', async () => {
    const { problems, bad } = await loadProblems(sharedPath('data', 'math500.jsonl'));
    expect([problems.length, bad.length]).toEqual([500, 0]);
    expect(problems[0]!.answer).toBe('\\left( 3, \\frac{\\pi}{2} \\right)');
    expect(problems[0]!.source).toBe('math500.jsonl');
  });

  it('keys are 32-bit and hardly ever collide', async () => {
    const { problems } = await loadProblems(sharedPath('data', 'gsm8k_test.jsonl'));
    const keys = new Set(problems.map(({ key }) => key));
    expect(keys.size).toBe(1319);
    expect([...keys].every((key) => Number.isInteger(key) && key >= 0 && key < 2 ** 32)).toBe(true);
  });
});
