/** The process that reads data files: what it says, how it ends, and a slice of the fuzz run. */
import { openSync, writeSync, closeSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDataReader, forkReader } from '#core/data/reader.ts';
import type { ReaderChannel } from '#core/data/readerMessages.ts';
import { fixturesIn, mutantOf, readMutant, writeMutant } from '../../fuzz/mutants.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';
import { put, temporaryFolder, tinyPng, zipOf } from './files.ts';

const folder = temporaryFolder();
const reader = createDataReader();
afterAll(reader.close);

async function read(path: string) {
  const all: { id: string; prompt: unknown; answer: string }[] = [];
  const skipped: { line: number; reason: string }[] = [];
  for await (const { columns } of reader.problems({ path, mapping: { guessExcept: {} }, images: true })) {
    columns.id.forEach((id, i) =>
      all.push({ id, prompt: JSON.parse(columns.prompt[i]!) as unknown, answer: columns.answer[i]! }),
    );
    skipped.push(...columns.skipped);
  }
  return { all, skipped };
}

const rowsFile = (name: string, rows: readonly object[]) =>
  put(folder, name, rows.map((row) => JSON.stringify(row)).join('\n'));

describe('the reading process', () => {
  it('gives problems batch by batch, and what it left out', async () => {
    const rows = Array.from({ length: 2500 }, (_, i) => ({ problem: `What is ${i}?`, answer: i }));
    const { all, skipped } = await read(rowsFile('many.jsonl', [...rows, rows[7]!, { problem: 'x' }]));
    expect(all).toHaveLength(2500);
    expect(all[2499]).toEqual({ id: '2500', prompt: 'What is 2499?', answer: '2499' });
    expect(skipped).toEqual([
      { line: 2501, reason: 'the same problem as in line 8' },
      { line: 2502, reason: 'the answer is missing' },
    ]);
  });

  it('is ended by a signal, and the next task has another', async () => {
    const path = rowsFile(
      'long.jsonl',
      Array.from({ length: 20_000 }, (_, i) => ({ problem: `Q${i}?`, answer: i })),
    );
    const cancelled = new AbortController();
    const reading = (async () => {
      for await (const _ of reader.problems({ path, mapping: { guessExcept: {} }, images: true }, cancelled.signal))
        cancelled.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'interrupted' });
    expect((await reader.inspect(path)).rows).toBe(20_000);
  });

  it('that dies is a typed error of its file', async () => {
    const forked: ReaderChannel[] = [];
    const own = createDataReader(() => {
      const channel = forkReader();
      forked.push(channel);
      return channel;
    });
    const path = rowsFile('dies.jsonl', [{ problem: 'Q?', answer: 1 }]);
    const asked = own.inspect(path);
    forked[0]!.kill();
    await expect(asked).rejects.toMatchObject({ code: 'bad-data', where: path });
    expect((await own.inspect(path)).rows).toBe(1);
    own.close();
  });
});

describe('hostile files', () => {
  it('a line of a gigabyte is a bad row, and the rows after it are read', async () => {
    const path = join(folder, 'gigabyte.jsonl');
    const handle = openSync(path, 'w');
    writeSync(handle, '{"problem": "a?", "answer": 1}\n{"problem": "');
    const piece = Buffer.alloc(2 ** 24, 'x');
    for (let i = 0; i < 64; i++) writeSync(handle, piece);
    writeSync(handle, '"}\n{"problem": "b?", "answer": 2}\n');
    closeSync(handle);
    const { all, skipped } = await read(path);
    expect(all.map(({ answer }) => answer)).toEqual(['1', '2']);
    expect(skipped).toEqual([{ line: 2, reason: 'the line is longer than 16 MiB' }]);
  });

  it('nesting without end and values without number are bad rows', async () => {
    const deep = '['.repeat(8_000_000);
    const wide = `{"a": [${'[],'.repeat(3_000_000)}0]}`;
    const { all, skipped } = await read(
      put(folder, 'deep.jsonl', `${deep}\n${wide}\n{"problem": "b?", "answer": 2}\n`),
    );
    expect(all).toHaveLength(1);
    expect(skipped).toEqual([
      { line: 1, reason: 'the line is nested more than 1,000 levels deep' },
      { line: 2, reason: 'the line has more than 1,000,000 values' },
    ]);
    await expect(read(put(folder, 'deep.json', `[${deep}`))).rejects.toMatchObject({ code: 'bad-data' });
  });

  it('links in a saved folder and in a zip may not lead out of it', async () => {
    const outside = put(folder, 'outside/secret.arrow', 'secret');
    put(folder, 'linked/state.json', '{"_data_files": [{"filename": "data.arrow"}]}');
    symlinkSync(outside, join(folder, 'linked', 'data.arrow'));
    await expect(read(join(folder, 'linked'))).rejects.toThrow('leads out of it');
    const zip = zipOf([
      { name: 'data.jsonl', content: '{"problem": "a?", "answer": 1, "image": "x.png"}' },
      { name: 'x.png', content: outside, mode: 0o120_777 },
    ]);
    await expect(read(put(folder, 'link.zip', zip))).rejects.toThrow('path traversal');
  });

  it('an image that is none costs its row only', async () => {
    put(folder, 'pictures/good.png', tinyPng(1));
    put(folder, 'pictures/bad.png', 'not a picture');
    const rows = ['good', 'bad'].map((name) => ({ problem: `${name}?`, answer: 1, image: `${name}.png` }));
    const { all, skipped } = await read(rowsFile('pictures/data.jsonl', rows));
    expect(all).toHaveLength(1);
    expect(skipped).toMatchObject([{ line: 2, reason: expect.stringContaining('image cannot be used') as string }]);
  });
});

describe('shapes', () => {
  const shapes: [name: string, rows: object[], prompt: unknown, answer: string][] = [
    ['GSM8K', [{ question: 'How many?', answer: 'Two and two.\n#### 4' }], 'How many?', '4'],
    [
      'EasyR1',
      [
        {
          problem: '<image>How many?',
          answer: '4',
          images: [`data:image/png;base64,${Buffer.from(tinyPng()).toString('base64')}`],
        },
      ],
      '<image>How many?',
      '4',
    ],
    [
      'LLaMA-Factory',
      [
        {
          conversations: [
            { from: 'human', value: 'How many?' },
            { from: 'gpt', value: '\\boxed{4}' },
          ],
          system: 's',
        },
      ],
      [{ role: 'user', content: 'How many?' }],
      '4',
    ],
    ['Alpaca', [{ instruction: 'Add.', input: '1 and 3', output: '4' }], 'Add.\n\n1 and 3', '4'],
    [
      'MMLU',
      [{ question: 'Which?', choices: ['one', 'two', 'three', 'four'], answer: 3 }],
      'Which?\n\nA. one\nB. two\nC. three\nD. four',
      'D',
    ],
    [
      'ARC',
      [{ question: 'Which?', choices: { text: ['one', 'two'], label: ['1', '2'] }, answerKey: '2' }],
      'Which?\n\nA. one\nB. two',
      'B',
    ],
    [
      'options as letters',
      [{ question: 'Which?', options: { A: 'one', B: 'two' }, answer: 'B' }],
      'Which?\n\nA. one\nB. two',
      'B',
    ],
    ['MMMU', [{ question: 'Which?', options: "['one', 'two']", answer: 'A' }], 'Which?\n\nA. one\nB. two', 'A'],
    [
      'columns A to D',
      [{ Question: 'Which?', A: 'x', B: 'y', C: 'z', D: 'w', Answer: 'C' }],
      'Which?\n\nA. x\nB. y\nC. z\nD. w',
      'C',
    ],
  ];
  for (const [name, rows, prompt, answer] of shapes) {
    it(`${name} is recognised`, async () => {
      const { all, skipped } = await read(rowsFile(`shape ${name}.jsonl`, rows));
      expect(skipped).toEqual([]);
      expect(all).toMatchObject([{ prompt, answer }]);
    });
  }

  it('a number that JavaScript cannot hold stays as it is written', async () => {
    const text = '{"problem": "big?", "answer": 12345678901234567890}\n{"problem": "huge?", "answer": 1e999}\n';
    const { all } = await read(put(folder, 'numbers.jsonl', text));
    expect(all.map(({ answer }) => answer)).toEqual(['12345678901234567890', '1e999']);
  });

  it('the content of the first turn can be mapped', async () => {
    const path = rowsFile('nested.jsonl', [{ prompt: [{ role: 'user', content: 'How many?' }], truth: { gold: 4 } }]);
    const preview = await reader.preview(path, { prompt: 'prompt[0].content', answer: 'truth.gold' });
    expect(preview.columns).toContain('prompt[0].content');
    expect(preview.problems).toMatchObject([{ prompt: 'How many?', answer: '4' }]);
  });
});

describeWithShared('damaged files', () => {
  it('are rows or a typed error, whatever the damage', async () => {
    const fixtures = fixturesIn(sharedPath('fixtures', 'data'));
    const failed: string[] = [];
    for (let index = 0; index < 300; index++) {
      const mutant = mutantOf(fixtures, 7, index);
      const { outcome, message } = await readMutant(reader, writeMutant(join(folder, 'mutant'), mutant));
      if (outcome === 'failed' || outcome === 'ended') failed.push(`${index} ${mutant.fixture.name}: ${message}`);
    }
    expect(failed).toEqual([]);
  });
});
