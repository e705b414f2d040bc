// From a file to problems: what is left out, what is held out, and that names and keys stay unique.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { holdOut, importSplit, importWhole } from '#core/host/importData.ts';
import type { NewProblem } from '#core/store/problems.ts';

function file(name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ares-import-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function problem(key: number): NewProblem {
  return { id: String(key), key, prompt: '', answer: '1', source: 's', split: 'train', images: [], meta: {} };
}

const keys = fc.uniqueArray(fc.nat({ max: 0xffffffff }), { minLength: 2, maxLength: 100 });

describe('holdOut', () => {
  it('holds out a fifth, whatever the order of the problems', () => {
    fc.assert(
      fc.property(keys, (values) => {
        const heldout = (order: number[]) =>
          new Set(
            holdOut(order.map(problem))
              .filter(({ split }) => split === 'heldout')
              .map(({ key }) => key),
          );
        const chosen = heldout(values);
        expect(chosen.size).toBe(Math.ceil(values.length / 5));
        expect(heldout(values.toReversed())).toEqual(chosen);
      }),
    );
  });

  it('trains on at most one problem that was held out before one was added', () => {
    fc.assert(
      fc.property(keys, (values) => {
        const heldout = (order: number[]) => holdOut(order.map(problem)).filter(({ split }) => split === 'heldout');
        const after = new Set(heldout(values).map(({ key }) => key));
        const lost = heldout(values.slice(1)).filter(({ key }) => !after.has(key));
        expect(lost.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('never holds out more than 500', () => {
    const all = holdOut(Array.from({ length: 5000 }, (_, i) => problem(i)));
    expect(all.filter(({ split }) => split === 'heldout')).toHaveLength(500);
  });
});

describe('importing', () => {
  it('leaves out bad rows and repetitions, and says so', async () => {
    const path = file(
      'data.csv',
      'id,question,answer\n7,What is 1 + 1?,2\n7,What is 2 + 1?,3\n8,What  is 1 + 1?,2\n9,What is 3?,\n',
    );
    const { files, notes } = await importWhole(path, 'train');
    expect(files[0]!.problems.map(({ id, answer }) => [id, answer])).toEqual([
      ['7', '2'],
      ['7 (line 3)', '3'],
    ]);
    expect(notes).toEqual([
      'Not usable in data.csv: 1 row (line 5: the answer is empty).',
      'Left out of data.csv: 1 problem with the same text as another.',
    ]);
  });

  it('never trains on what is held out', async () => {
    const train = file('train.csv', 'question,answer\nOne?,1\nTwo?,2\nThree?,3\n');
    const heldout = file('heldout.csv', 'question,answer\nTwo ?,2\nTwo?,2\nFour?,4\n');
    const { files } = await importSplit(train, heldout);
    expect(files.map(({ problems }) => problems.map(({ prompt, split }) => [prompt, split]))).toEqual([
      [
        ['One?', 'train'],
        ['Three?', 'train'],
      ],
      [
        ['Two ?', 'heldout'],
        ['Two?', 'heldout'],
        ['Four?', 'heldout'],
      ],
    ]);
  });

  it('refuses to train on nothing', async () => {
    const one = file('one.csv', 'question,answer\nOne?,1\n');
    await expect(importSplit(one)).rejects.toMatchObject({ code: 'bad-data' });
    await expect(importSplit(one, one)).rejects.toMatchObject({ code: 'bad-data' });
  });
});
