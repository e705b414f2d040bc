/** Guessing which column is what, and turning rows into problems. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '#core/data/cells.ts';
import { type Dataset, readDataset } from '#core/data/dataset.ts';
import { type Mapping, guessMapping } from '#core/data/mapping.ts';
import { normalisePrompt, toProblems } from '#core/data/problems.ts';
import { put, temporaryFolder, tinyPng } from './files.ts';

const folder = temporaryFolder();

function dataset(rows: object[]): Promise<Dataset> {
  return readDataset(put(folder, 'rows.jsonl', rows.map((row) => JSON.stringify(row)).join('\n')));
}

async function guess(...rows: object[]): Promise<Mapping> {
  const { columns, rows: read, images } = await dataset(rows);
  return guessMapping(columns, read, images);
}

describe('guessMapping', () => {
  it('knows the usual names, however they are written', async () => {
    expect(
      await guess({ Question: 'q', 'Final Answer': 4, ID: 'a', data_source: 's', Difficulty: 3, 'pass-rate': 0.5 }),
    ).toEqual({
      prompt: 'Question',
      answer: 'Final Answer',
      id: 'ID',
      source: 'data_source',
      level: 'Difficulty',
      passRate: 'pass-rate',
    });
  });

  it('knows the columns of well-known datasets', async () => {
    // MATH: the solution marks the answer.
    expect(await guess({ problem: 'p', level: 'Level 5', type: 'Algebra', solution: 'so \\boxed{4}' })).toMatchObject({
      prompt: 'problem',
      answer: 'solution',
      response: 'solution',
      level: 'level',
      source: 'type',
    });
    // An answer beside its solution.
    expect(await guess({ problem: 'p', solution: 'so \\boxed{4}', answer: '4' })).toMatchObject({
      answer: 'answer',
      response: 'solution',
    });
    // Alpaca.
    expect(await guess({ instruction: 'add', input: '1 and 2', output: '3' })).toEqual({
      prompt: 'instruction',
      answer: 'output',
      input: 'input',
    });
    // verl: conversations before texts, and the gold inside of an object.
    expect(
      await guess({
        question: 'q',
        prompt: [{ role: 'user', content: 'q' }],
        reward_model: { ground_truth: '4' },
        extra_info: { index: 0 },
      }),
    ).toEqual({ prompt: 'prompt', answer: 'reward_model.ground_truth', id: 'extra_info.index' });
    // Conversations that end with the answer, in both spellings.
    expect(
      await guess({
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: 'a' },
        ],
      }),
    ).toEqual({
      prompt: 'messages',
      answer: 'messages',
      response: 'messages',
    });
    expect(
      await guess({
        conversations: [
          { from: 'human', value: 'q' },
          { from: 'gpt', value: 'a' },
        ],
      }),
    ).toMatchObject({ answer: 'conversations' });
  });

  it('goes by content where names mislead', async () => {
    // "prompt" is empty throughout, "answer" is an object, "accuracy" is no share.
    expect(await guess({ prompt: '', question: 'q', answer: { a: 1 }, solution: '4', accuracy: 93 })).toEqual({
      prompt: 'question',
      answer: 'solution',
    });
  });

  it('finds nothing where there is nothing', async () => {
    expect(await guess({ x: 1, y: 2 })).toEqual({ prompt: null, answer: null });
    expect(guessMapping([], [])).toEqual({ prompt: null, answer: null });
  });
});

describe('toProblems', () => {
  it('applies the mapping, and takes the answer out of a solution', async () => {
    const rows = [{ q: 'What?', more: 'x', sol: 'It is \\boxed{5}.', no: 7, from: 'book', hard: 2, rate: '0.25' }];
    const mapping: Mapping = {
      prompt: 'q',
      input: 'more',
      answer: 'sol',
      response: 'sol',
      id: 'no',
      source: 'from',
      level: 'hard',
      passRate: 'rate',
    };
    const { problems } = toProblems(await dataset(rows), mapping);
    expect(problems).toEqual([
      {
        key: expect.any(Number) as number,
        id: '7',
        prompt: 'What?\n\nx',
        answer: '5',
        source: 'book',
        images: [],
        meta: { line: 1, response: 'It is \\boxed{5}.', level: '2', passRate: 0.25 },
      },
    ]);
  });

  it('says what is missing', async () => {
    const data = await dataset([{ a: 'x' }]);
    expect(() => toProblems(data, { prompt: 'a', answer: null })).toThrow('No column looks like the answer');
    expect(() => toProblems(data, { prompt: null, answer: 'a' })).toThrow('No column looks like the prompt');
  });

  it('keeps rows out that ask nothing or have no answer, each with its reason', async () => {
    const rows = [
      { q: ' ', a: '1' },
      { q: 'x', a: '' },
      { q: 'x', a: null },
      { q: 'x', a: ['1', '2'] },
      { q: [{ role: 'assistant', content: 'hello' }], a: '1' },
      { q: { text: 'x' }, a: '1' },
      { q: 'x', a: 0 },
    ];
    const { problems, bad } = toProblems(await dataset(rows), { prompt: 'q', answer: 'a' });
    expect(bad.map(({ reason }) => reason)).toEqual([
      'the prompt is empty',
      'the answer is empty',
      'the answer is missing',
      'the answer is not a text',
      'the conversation asks nothing',
      'the prompt is not a text',
    ]);
    expect(problems.map(({ answer }) => answer)).toEqual(['0']);
  });

  it('reports repeated problems, spaces aside, but not the same question about another picture', async () => {
    put(folder, 'a.png', tinyPng(1));
    put(folder, 'b.png', tinyPng(2));
    const rows = [
      { q: 'How many?', a: '1', image: 'a.png' },
      { q: ' How\n many? ', a: '2', image: 'a.png' },
      { q: 'How many?', a: '1', image: 'b.png' },
      { q: 'how many?', a: '1', image: 'a.png' },
    ];
    const { problems, duplicates } = toProblems(await dataset(rows), { prompt: 'q', answer: 'a', images: 'image' });
    expect(problems).toHaveLength(4);
    expect(duplicates).toEqual([{ line: 2, firstLine: 1 }]);
    expect(problems[0]!.key).toBe(problems[1]!.key);
    expect(new Set(problems.map(({ key }) => key)).size).toBe(3);
  });

  it('keys depend on the prompt alone, and on nothing else in the row', async () => {
    const [first] = toProblems(await dataset([{ q: 'What is 1 + 1?', a: '2', id: 'x' }]), {
      prompt: 'q',
      answer: 'a',
    }).problems;
    const [, second] = toProblems(
      await dataset(
        [
          { q: 'z', a: '1' },
          { p: 'What is  1 + 1? ', a: '3' },
        ].map((row) => ({ q: 'q' in row ? row.q : row.p, a: row.a })),
      ),
      {
        prompt: 'q',
        answer: 'a',
      },
    ).problems;
    expect(second!.key).toBe(first!.key);
    // Fixed once and for all: runs of the past are reproduced by these keys (the first 32 bits of SHA-256).
    expect(first!.key).toBe(1928892789);
  });
});

describe('normalisePrompt', () => {
  it('is idempotent and blind to spaces and to how accents are composed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const once = normalisePrompt(text);
        expect(normalisePrompt(once)).toBe(once);
        expect(normalisePrompt(` \n${text}\t`)).toBe(once);
        expect(normalisePrompt(text.normalize('NFD'))).toBe(once);
      }),
    );
  });
});

describe('columnsOf', () => {
  it('names columns in order of appearance, with the type most of their values have', async () => {
    const { columns } = await dataset([
      { a: 1, b: null },
      { a: 2, b: 'x', c: [1] },
      { a: 3, d: { e: 1 }, m: 1 },
      { m: 'x' },
    ]);
    expect(columns).toEqual([
      { name: 'a', type: 'number' },
      { name: 'b', type: 'text' },
      { name: 'c', type: 'list' },
      { name: 'd', type: 'object' },
      { name: 'm', type: 'mixed' },
    ]);
    expect(columnsOf([])).toEqual([]);
  });
});
