// Duplicates, contamination, splits by group: what counts as the same problem, and that nothing is missed or invented.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DatasetCheck, applyCare } from '#core/data/care/check.ts';
import { EvaluationIndex } from '#core/data/care/contamination.ts';
import { DuplicateFinder } from '#core/data/care/duplicates.ts';
import { joinGroups, splitByGroup } from '#core/data/care/groupSplit.ts';
import { SIGNATURE_LENGTH, signatureInto } from '#core/data/care/minHash.ts';
import { jaccard, shinglesOf } from '#core/data/care/shingles.ts';
import { readWords } from '#core/data/care/words.ts';

/** Clusters as lists of problem numbers. */
function clusters(texts: readonly string[], threshold = 0.7, images: readonly string[][] = []): number[][] {
  const finder = new DuplicateFinder(threshold);
  texts.forEach((text, i) => finder.add(readWords(text), images[i] ?? []));
  const found = new Map<number, number[]>();
  for (const { problem, first } of finder.finish().members) found.set(first, [...(found.get(first) ?? []), problem]);
  return [...found.values()];
}

const tale =
  'Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. ' +
  'How many clips did Natalia sell altogether in April and May?';

describe('readWords', () => {
  it('knows where each word stands in the original', () => {
    const text = String.raw`Let $\dfrac{1}{2}\cdot X\le 1{,}000$. It’s TWO-thirds!`;
    const { words, starts, ends } = readWords(text);
    expect(words).toEqual(['frac', '1', '2', '*', 'x', '≤', '1000', "it's", '2', 'thirds'].toSpliced(0, 0, 'let'));
    expect(starts.map((start, i) => text.slice(start, ends[i]))).toEqual([
      'Let',
      String.raw`\dfrac`,
      '1',
      '2',
      String.raw`\cdot`,
      'X',
      String.raw`\le`,
      '1{,}000',
      'It’s',
      'TWO',
      'thirds',
    ]);
  });

  it.each([
    ['spaces, case and dollar signs', 'What is $x + 3 = 7$?', 'what  is x+3=7'],
    ['spellings of one sign', String.raw`\(3 \times 4 \leq 12\)`, '3 · 4 ≤ 12'],
    ['sizes of brackets', String.raw`$\left( 2 + 3 \right) \cdot 4$`, '(2+3)*4'],
    ['braces around one', String.raw`$x^{2} + \frac{1}{2}$`, String.raw`x^2+\dfrac 1 2`],
    ['thousands', 'a sum of 1,234,567 dollars', 'a sum of 1234567 dollars'],
    ['number words', 'Tom has five apples', 'Tom has 5 apples'],
    ['kinds of minus', 'x − 3', 'x - 3'],
  ])('%s make no difference', (_, one, other) => {
    const [a, b] = [readWords(one), readWords(other)];
    expect([a.words, a.figures]).toEqual([b.words, b.figures]);
  });

  it.each([
    ['a number', 'x + 3 = 7', 'x + 3 = 8'],
    ['an operator', 'x + 3 = 7', 'x - 3 = 7'],
    ['a bracket', '(2 + 3) * 4', '2 + (3 * 4)'],
    ['braces of a fraction', String.raw`\frac{1}{2+3}`, String.raw`\frac{1}{2}+3`],
    ['a power', 'x^2 + 1', 'x^3 + 1'],
    ['a sign of a number', 'f(-3)', 'f(3)'],
    ['a factorial', '5! + 2', '5 + 2'],
    ['a number word', 'five apples', 'seven apples'],
  ])('%s makes other figures', (_, one, other) => {
    expect(readWords(one).figures).not.toBe(readWords(other).figures);
  });

  it('takes punctuation of sentences for no mathematics', () => {
    expect(readWords('A well-known, red and/or blue 2-digit code (see below)!').figures).toBe('2 ');
  });
});

describe('MinHash', () => {
  it('estimates the Jaccard similarity without bias, with the variance it promises', () => {
    const estimate = (a: Uint32Array, b: Uint32Array) => {
      const [x, y] = [new Uint32Array(SIGNATURE_LENGTH), new Uint32Array(SIGNATURE_LENGTH)];
      signatureInto(x, a);
      signatureInto(y, b);
      return x.filter((value, i) => value === y[i]).length / SIGNATURE_LENGTH;
    };
    const element = fc.integer({ min: 0, max: 0xffffffff });
    const sets = fc.tuple(
      fc.uniqueArray(element, { minLength: 1, maxLength: 80 }),
      fc.uniqueArray(element, { minLength: 1, maxLength: 80 }),
      fc.uniqueArray(element, { minLength: 1, maxLength: 80 }),
    );
    let sumOfErrors = 0;
    let sumOfVariances = 0;
    fc.assert(
      fc.property(sets, ([common, onlyA, onlyB]) => {
        const a = Uint32Array.from(new Set([...common, ...onlyA])).sort();
        const b = Uint32Array.from(new Set([...common, ...onlyB])).sort();
        const similarity = jaccard(a, b);
        const variance = (similarity * (1 - similarity)) / SIGNATURE_LENGTH;
        const error = estimate(a, b) - similarity;
        sumOfErrors += error;
        sumOfVariances += variance;
        // Six standard deviations, and one entry for the discreteness of a small set.
        expect(Math.abs(error)).toBeLessThanOrEqual(6 * Math.sqrt(variance) + 1 / SIGNATURE_LENGTH);
      }),
      { numRuns: 500, seed: 7 },
    );
    expect(Math.abs(sumOfErrors)).toBeLessThan(4 * Math.sqrt(sumOfVariances));
  });

  it('jaccard is that of sets', () => {
    const set = fc.uniqueArray(fc.nat({ max: 30 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(set, set, (a, b) => {
        const union = new Set([...a, ...b]).size;
        const both = a.filter((x) => b.includes(x)).length;
        const sorted = (values: number[]) => Uint32Array.from(values).sort();
        expect(jaccard(sorted(a), sorted(b))).toBeCloseTo(both / union, 12);
      }),
    );
  });
});

describe('DuplicateFinder', () => {
  it('finds the same words whatever their dress, and nearly the same', () => {
    const reworded = tale.replace('altogether', 'in total');
    expect(clusters([tale, 'What is 2 + 2?', tale.toUpperCase().replaceAll(' ', '  '), reworded])).toEqual([[0, 2, 3]]);
  });

  it('never calls problems duplicates that differ in a number, however long the common text', () => {
    expect(clusters([tale, tale.replace('48', '49')], 0.5)).toEqual([]);
    const long = `${tale} `.repeat(30);
    expect(clusters([`${long} 1`, `${long} 2`], 0.1)).toEqual([]);
  });

  it('never calls problems duplicates that have other images', () => {
    const text = 'Find the length of the side marked x in the figure.';
    expect(clusters([text, text, text], 0.7, [['a.png'], ['b.png'], ['a.png']])).toEqual([[0, 2]]);
  });

  it('finds what comparing every pair finds', () => {
    const word = fc.constantFrom(...'red blue big small box ball has the of in apples 2 3 sold'.split(' '));
    const base = fc.array(word, { minLength: 6, maxLength: 24 });
    const edits = fc.array(fc.tuple(fc.nat(), word), { maxLength: 3 });
    const family = fc.tuple(base, fc.array(edits, { minLength: 1, maxLength: 6 })).map(([words, variants]) =>
      variants.map((changes) => {
        const changed = [...words];
        for (const [at, next] of changes) changed[at % changed.length] = next;
        return changed.join(' ');
      }),
    );
    fc.assert(
      fc.property(fc.array(family, { maxLength: 8 }), (families) => {
        const texts = families.flat();
        const threshold = 0.8;
        // Plain connected components over the stated rule.
        const read = texts.map((text) => readWords(text));
        const sets = read.map(({ words }) => shinglesOf(words));
        const links = joinGroups(
          texts.length,
          texts.flatMap((_, i) =>
            texts.map((__, j) =>
              read[i]!.figures === read[j]!.figures && jaccard(sets[i]!, sets[j]!) >= threshold
                ? texts.map((___, k) => (k === i || k === j ? 0 : null))
                : [],
            ),
          ),
        );
        const expected = Map.groupBy(texts.keys(), (i) => links[i]!);
        expect(clusters(texts, threshold)).toEqual([...expected.values()].filter((members) => members.length > 1));
      }),
      { numRuns: 60 },
    );
  });

  it('finds each pair among many others, however late', () => {
    const texts = Array.from(
      { length: 3000 },
      (_, i) =>
        `There are ${i} red boxes in a room, and each of them is full of balls of many sizes. How many are small?`,
    );
    const again = [5, 1023, 1024, 2999].map((i) => texts[i]!.replace('small', 'tiny'));
    expect(clusters([...texts, ...again])).toEqual([5, 1023, 1024, 2999].map((first, i) => [first, 3000 + i]));
  });

  it('gives the same clusters every time, and says how alike each is to the first', () => {
    const texts = [tale, tale.replace('friends', 'neighbours'), tale];
    const once = () => {
      const finder = new DuplicateFinder(0.7);
      for (const text of texts) finder.add(readWords(text), []);
      return finder.finish();
    };
    expect(once()).toEqual(once());
    const { members, skippedComparisons } = once();
    expect(skippedComparisons).toBe(0);
    expect(members.map(({ problem, similarity }) => [problem, similarity === 1])).toEqual([
      [0, true],
      [1, false],
      [2, true],
    ]);
  });
});

describe('EvaluationIndex', () => {
  const index = (...texts: string[]) => {
    const made = new EvaluationIndex();
    for (const text of texts) made.add(readWords(text));
    return made;
  };

  it('finds eight words in a row and marks them in both texts', () => {
    const evaluation = `Once upon a time: ${tale}`;
    const problem = 'In May, she sold half as many CLIPS in May. How many clips did Tom sell?';
    const match = index('Something else entirely, with no word in common at all.', evaluation).match(
      readWords(problem),
    )!;
    expect(match.against).toBe(1);
    expect(problem.slice(match.start, match.end)).toBe('she sold half as many CLIPS in May. How many clips did');
    expect(evaluation.slice(match.againstStart, match.againstEnd)).toBe(
      'she sold half as many clips in May. How many clips did',
    );
    expect(match.matchedWords).toBe(12);
    expect(match.coverage).toBeCloseTo(12 / readWords(evaluation).words.length, 12);
  });

  it('lets seven words pass, and a number breaks a row', () => {
    const evaluation = index('alpha beta gamma delta epsilon zeta eta theta iota');
    expect(evaluation.match(readWords('alpha beta gamma delta epsilon zeta eta nothing'))).toBeNull();
    expect(index(tale).match(readWords('sold clips to 49 of her friends in April'))).toBeNull();
    expect(index(tale).match(readWords('Natalia sold clips to 48 of her friends'))).not.toBeNull();
  });

  it('finds a short evaluation problem only as a whole', () => {
    const evaluation = index('What is 2 + 2?');
    expect(evaluation.match(readWords('what is 2+2'))).toMatchObject({ against: 0, matchedWords: 5, coverage: 1 });
    expect(evaluation.match(readWords('Then, what is 2 + 2?'))).toBeNull();
  });

  it('prefers the longest row, then the problem that was added first', () => {
    const nine = 'one two three four five six seven eight nine';
    expect(index(`${nine} x`, `${nine} ten`).match(readWords(`${nine} ten`))).toMatchObject({
      against: 1,
      matchedWords: 10,
    });
    expect(index(nine, nine).match(readWords(nine))).toMatchObject({ against: 0 });
  });

  it('agrees with a plain search through all rows', () => {
    const word = fc.constantFrom('a', 'b', 'c');
    const text = fc.array(word, { minLength: 8, maxLength: 20 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 2 }), text, (evaluations, problem) => {
        const words = problem.split(' ');
        let longest = 0;
        for (const evaluation of evaluations.map((each) => each.split(' ')))
          for (let i = 0; i < words.length; i++)
            for (let j = 0; j < evaluation.length; j++) {
              let length = 0;
              while (words[i + length] !== undefined && words[i + length] === evaluation[j + length]) length++;
              longest = Math.max(longest, length);
            }
        const match = index(...evaluations).match(readWords(problem));
        if (match !== null) expect(match.matchedWords).toBe(longest);
      }),
    );
  });
});

describe('splitByGroup', () => {
  const grouped = fc.array(fc.nat({ max: 12 }), { minLength: 2, maxLength: 120 });

  it('never lets a group straddle, and comes as near to the share as groups allow', () => {
    fc.assert(
      fc.property(grouped, fc.double({ min: 0.05, max: 0.6, noNaN: true }), fc.nat(), (groups, fraction, seed) => {
        const split = splitByGroup(Int32Array.from(groups), fraction, seed);
        for (let i = 0; i < groups.length; i++)
          for (let j = 0; j < i; j++) if (groups[i] === groups[j]) expect(split.heldout[i]).toBe(split.heldout[j]);
        expect(split.heldout.reduce((sum, one) => sum + one, 0)).toBe(split.heldoutProblems);
        const missing = Math.abs(split.heldoutProblems - fraction * groups.length);
        expect(missing).toBeLessThanOrEqual(split.largestGroup / 2 + 1e-9 + (split.groups === 1 ? groups.length : 0));
        expect(splitByGroup(Int32Array.from(groups), fraction, seed)).toEqual(split);
      }),
    );
  });

  it('draws another part for another seed', () => {
    const groups = Int32Array.from({ length: 200 }, (_, i) => i);
    expect(splitByGroup(groups, 0.2, 1).heldout).not.toEqual(splitByGroup(groups, 0.2, 2).heldout);
    expect(splitByGroup(groups, 0.2, 1).heldoutProblems).toBe(40);
  });

  it('joins what several kinds of group put together', () => {
    const joined = joinGroups(5, [
      ['a', 'a', null, null, null],
      [null, 7, 7, null, null],
    ]);
    expect([...joined]).toEqual([0, 0, 0, 3, 4]);
  });
});

describe('DatasetCheck and applyCare', () => {
  const problem = (prompt: string, answer: string) => ({ prompt, answer, images: [] });
  const check = (evaluation: readonly string[] = []) => {
    const made = new DatasetCheck(0.7);
    for (const prompt of evaluation) made.addAgainst({ prompt });
    made.add(problem(tale, '72'), false);
    made.add(problem('What is the capital of France, and how many people live there?', 'Paris'), false);
    made.add(problem(tale.replace('altogether', 'in all'), '$72$'), false);
    made.add(problem(tale, '73'), false);
    return made.finish();
  };

  it('counts exact, near and contradictory ones', () => {
    expect(check().summary).toMatchObject({
      problems: 4,
      clusters: 1,
      exactDuplicates: 1,
      nearDuplicates: 1,
      contradictoryClusters: 1,
      contaminated: 0,
    });
  });

  it('keeps the first and what contradicts it, unless a person chose', () => {
    const findings = check();
    const both = { dropDuplicates: true, dropContaminated: true };
    expect(applyCare(4, findings, both, new Map())).toMatchObject({
      kept: Uint8Array.of(1, 1, 0, 1),
      droppedDuplicates: 1,
    });
    expect(applyCare(4, findings, both, new Map([[0, 3]])).kept).toEqual(Uint8Array.of(0, 1, 0, 1));
    const none = { dropDuplicates: false, dropContaminated: false };
    expect(applyCare(4, findings, none, new Map([[0, 3]])).kept).toEqual(Uint8Array.of(1, 1, 1, 1));
  });

  it('drops what the evaluation has, each problem counted once', () => {
    const findings = check([tale]);
    expect(findings.contaminated.map(({ problem }) => problem)).toEqual([0, 2, 3]);
    const outcome = applyCare(4, findings, { dropDuplicates: true, dropContaminated: true }, new Map());
    expect(outcome).toEqual({ kept: Uint8Array.of(0, 1, 0, 0), droppedDuplicates: 1, droppedContaminated: 2 });
  });

  it('does not call the evaluation itself contaminated', () => {
    const made = new DatasetCheck(0.7);
    made.addAgainst({ prompt: tale });
    made.add(problem(tale, '72'), true);
    expect(made.finish().contaminated).toEqual([]);
  });

  it('has an identity that does not depend on order, and does on answers', () => {
    const hashOf = (...problems: ReturnType<typeof problem>[]) => {
      const made = new DatasetCheck(0.7);
      for (const each of problems) made.add(each, false);
      return made.finish().summary.problemsSha256;
    };
    const [a, b] = [problem('A?', '1'), problem('B?', '2')];
    expect(hashOf(a, b)).toBe(hashOf(b, a));
    expect(hashOf(a, b)).not.toBe(hashOf(a, { ...b, answer: '3' }));
    expect(hashOf(a, b)).not.toBe(hashOf(a, b, b));
  });
});
