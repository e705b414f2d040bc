// The table of problems: every filter and order, against a plain calculation over the same problems.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf } from '#core/ares/difficulty.ts';
import { type Bucket, buckets, defaultOptions } from '#core/ares/options.ts';
import { type ProblemFilter, problemOrders } from '#core/store/problemTable.ts';
import type { NewLabel } from '#core/store/labels.ts';
import type { NewProblem } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { temporaryStore } from './helpers.ts';

const options = defaultOptions.buckets;

function problem(id: string, prompt: unknown, change: Partial<NewProblem> = {}): NewProblem {
  return { id, key: 1, prompt, answer: '7', source: 'a', split: 'train', images: [], meta: {}, ...change };
}

function label(problemId: number, modelId: number, correct: number, samples: number): NewLabel {
  return {
    problemId,
    modelId,
    runId: null,
    grader: 'exact',
    samples,
    correct,
    temperature: 1,
    maxNewTokens: 8,
    intervalLow: 0,
    intervalHigh: 1,
    meanLengthTokens: 5,
    createdMs: 1,
  };
}

function addModel(store: Store): number {
  return store.models.add({ folder: 'm', weightsHash: 'w', parentId: null, createdMs: 1 });
}

const all: Omit<ProblemFilter, 'datasetId'> = {
  modelId: null,
  split: null,
  source: null,
  bucket: null,
  human: null,
  passRate: null,
  poolId: null,
  sort: 'imported',
  descending: false,
};

interface Made {
  text: string;
  source: string;
  split: string;
  rate: { correct: number; samples: number } | null;
  human: Bucket | null;
}
const made: fc.Arbitrary<Made> = fc.record({
  text: fc.string({ minLength: 1, maxLength: 6 }),
  source: fc.constantFrom('a', 'b', 'ä'),
  split: fc.constantFrom('train', 'heldout'),
  rate: fc.option(
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat({ max: 9 })).map(([samples, correct]) => ({
      samples,
      correct: Math.min(correct, samples),
    })),
  ),
  human: fc.option(fc.constantFrom(...buckets)),
});
const filter = fc.record({
  split: fc.option(fc.constantFrom('train', 'heldout')),
  source: fc.option(fc.constantFrom('a', 'ä', 'missing')),
  bucket: fc.option(fc.constantFrom(...buckets)),
  human: fc.option(fc.constantFrom(...buckets, 'none' as const, 'differs' as const)),
  passRate: fc.option(fc.constantFrom({ low: 0, high: 0 }, { low: 0.25, high: 0.5 }, { low: 1 / 3, high: 1 })),
  sort: fc.constantFrom(...problemOrders),
  descending: fc.boolean(),
  isLabelled: fc.boolean(),
});

describe('index', () => {
  it('finds and orders what a plain calculation does', () => {
    fc.assert(
      fc.property(
        fc.array(made, { minLength: 1, maxLength: 12 }),
        fc.array(filter, { minLength: 4 }),
        (problems, filters) => {
          const store = temporaryStore();
          const modelId = addModel(store);
          const datasetId = store.problems.addDataset(
            { name: 'd', file: null, mapping: {}, createdMs: 1 },
            problems.map(({ text, source, split }, i) => problem(`${9 - (i % 3)}-${i}`, text, { source, split })),
          );
          const ids = store.problems.ids(datasetId);
          const rows = problems.map((row, i) => ({ ...row, problemId: ids[i]!, id: `${9 - (i % 3)}-${i}` }));
          for (const { problemId, rate, human } of rows) {
            // An older label that must not count.
            store.labels.add(
              rate === null ? [] : [label(problemId, modelId, rate.samples - rate.correct, rate.samples)],
            );
            store.labels.add(rate === null ? [] : [label(problemId, modelId, rate.correct, rate.samples)]);
            store.humanLabels.set([{ problemId, bucket: 'hard' }], 1);
            store.humanLabels.set([{ problemId, bucket: human }], 2);
          }
          for (const { isLabelled, ...asked } of filters) {
            const bucketOfRow = ({ rate }: Made) =>
              rate === null || !isLabelled ? null : bucketOf(rate.correct, rate.samples, options);
            const rateOf = ({ rate }: Made) => (rate === null || !isLabelled ? null : rate.correct / rate.samples);
            const expected = rows.filter((row) => {
              const [bucket, rate] = [bucketOfRow(row), rateOf(row)];
              return (
                (asked.split === null || row.split === asked.split) &&
                (asked.source === null || row.source === asked.source) &&
                (asked.bucket === null || bucket === asked.bucket) &&
                (asked.passRate === null ||
                  (rate !== null && rate >= asked.passRate.low - 1e-12 && rate <= asked.passRate.high + 1e-12)) &&
                (asked.human === null ||
                  (asked.human === 'none' && row.human === null) ||
                  (asked.human === 'differs' && row.human !== null && bucket !== null && row.human !== bucket) ||
                  asked.human === row.human)
              );
            });
            const found = store.problemTable.index(
              { ...all, ...asked, datasetId, modelId: isLabelled ? modelId : null },
              options,
            );
            expect([...found].sort((a, b) => a - b)).toEqual(expected.map(({ problemId }) => problemId));
            const byId = new Map(rows.map((row) => [row.problemId, row]));
            const sortKeys = {
              imported: (row: (typeof rows)[number]) => row.problemId,
              id: (row: (typeof rows)[number]) => row.id,
              length: (row: (typeof rows)[number]) => [...row.text].length,
              // Without a rate at the end, in either direction.
              passRate: (row: (typeof rows)[number]) => rateOf(row) ?? (asked.descending ? -1 : 2),
              source: (row: (typeof rows)[number]) => row.source,
            };
            const keys = Array.from(found, (problemId) => sortKeys[asked.sort](byId.get(problemId)!));
            const sign = asked.descending ? -1 : 1;
            for (let i = 1; i < keys.length; i++)
              expect(keys[i - 1] === keys[i] || sign * (keys[i - 1]! < keys[i]! ? 1 : -1) > 0).toBe(true);
          }
          store.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps to a pool', () => {
    const store = temporaryStore();
    const problems = ['one', 'two', 'three'].map((text) => problem(text, text));
    const datasetId = store.problems.addDataset({ name: 'd', file: null, mapping: {}, createdMs: 1 }, problems);
    const ids = store.problems.ids(datasetId);
    const poolId = store.pools.add({ datasetId, name: 'p', createdMs: 1 }, ids.subarray(1));
    expect(store.problemTable.index({ ...all, datasetId, poolId, sort: 'id' }, options)).toEqual(
      Int32Array.of(ids[2]!, ids[1]!),
    );
  });
});

describe('search', () => {
  const store = () => {
    const opened = temporaryStore();
    const chat = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Say "hello" to Ann' },
    ];
    const datasetId = opened.problems.addDataset({ name: 'd', file: null, mapping: {}, createdMs: 1 }, [
      problem('latex', String.raw`Find $\frac{1}{2}$ of 100%`, { answer: '50' }),
      problem('chat', chat),
      problem('lines', 'first\nsecond_line'),
    ]);
    return { opened, datasetId };
  };

  it.each([
    [['frac'], ['latex']],
    [[String.raw`\frac`, '50'], ['latex']],
    [['100%'], ['latex']],
    [['%'], ['latex']],
    [['_'], ['lines']],
    [['FIRST'], ['lines']],
    [['"hello"', 'ann'], ['chat']],
    // Names of the JSON around a text are not the text, nor is what the system says.
    [['role'], []],
    [['brief'], []],
    [['chat'], ['chat']],
    [['nothing', 'frac'], []],
  ])('finds %j in %j', (words, expected) => {
    const { opened, datasetId } = store();
    const { problemIds, next } = opened.problemTable.search({ datasetId, afterProblemId: 0, problems: 100 }, words);
    expect(problemIds.map((id) => opened.problems.get(id)!.id)).toEqual(expected);
    expect(opened.problemTable.search({ datasetId, afterProblemId: next!, problems: 100 }, words).next).toBeNull();
  });

  it('goes through all problems in slices', () => {
    const { opened, datasetId } = store();
    const found: number[] = [];
    let next: number | null = 0;
    let slices = 0;
    while (next !== null) {
      const slice = opened.problemTable.search({ datasetId, afterProblemId: next, problems: 2 }, ['i']);
      found.push(...slice.problemIds);
      next = slice.next;
      slices++;
    }
    expect(slices).toBe(3);
    expect(found.map((id) => opened.problems.get(id)!.id)).toEqual(['latex', 'lines']);
  });
});

describe('rows', () => {
  it('come in the order asked for, with the newest labels and the text as a person reads it', () => {
    const store = temporaryStore();
    const modelId = addModel(store);
    const datasetId = store.problems.addDataset({ name: 'd', file: null, mapping: {}, createdMs: 1 }, [
      problem('a', 'x'.repeat(50), { images: ['one', 'two'] }),
      problem('b', [{ role: 'user', content: 'Why "so"?' }]),
    ]);
    const [a, b] = store.problems.ids(datasetId);
    store.labels.add([label(a!, modelId, 1, 8), label(a!, modelId, 2, 8)]);
    store.humanLabels.set([{ problemId: b!, bucket: 'easy' }], 1);
    const rows = store.problemTable.rows([b!, 999, a!], modelId, 10);
    expect(rows).toMatchObject([
      { problemId: b, prompt: 'Why "so"?', human: 'easy', samples: null, images: 0 },
      { problemId: a, prompt: 'x'.repeat(10), human: null, samples: 8, correct: 2, images: 2 },
    ]);
    expect(store.problemTable.rows([a!], null, 10)[0]).toMatchObject({ samples: null, correct: null });
  });
});
