/** Every gold of MATH-500, spelt in other ways and off by a little; and texts no one would call an answer. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grade } from '#core/grading/grade.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';

/** Ways of writing the same answer otherwise; what does not apply to an answer leaves it as it is. */
const respellings: ((answer: string) => string)[] = [
  (a) => ` ${a} `,
  (a) => `$${a}$`,
  (a) => `\\(${a}\\)`,
  (a) => `${a}.`,
  (a) => a.replaceAll('\\frac', '\\dfrac'),
  (a) => a.replaceAll('\\frac', '\\tfrac'),
  (a) => a.replace(/(?<!\d ?)\\frac\{(\d+)\}\{(\d+)\}/g, '{$1/$2}'),
  (a) => a.replaceAll('\\left', '').replaceAll('\\right', ''),
  // Within brackets a comma separates.
  (a) => (a.includes('(') ? a : a.replaceAll('\\!', '').replace(/(?<=\d),\s*(?=\d{3}(?!\d))/g, '{,}')),
  (a) => a.replaceAll('\\pi', 'π').replaceAll('\\infty', '∞').replaceAll('\\cup', '∪'),
  (a) => a.replaceAll('^\\circ', '^{\\circ}'),
  (a) => a.replaceAll('pmatrix', 'bmatrix'),
  (a) => a.replaceAll('\\text', '\\textbf'),
  (a) => a.replace(/\\sqrt\{(\d)\}/g, '\\sqrt$1'),
  (a) => a.replace(/ ([-+=]) /g, '$1'),
  (a) => (/^-?\d+$/.test(a) ? `${a}.00` : a),
];

const wrappings: ((answer: string) => string)[] = [
  (a) => `Hence the result is \\boxed{${a}}.`,
  (a) => `<think>Is it \\boxed{1}? No.</think>\n\\[\\boxed{${a}}\\]`,
  (a) => `<answer>${a}</answer>`,
  (a) => `\\boxed{0} at first, but finally $\\boxed{${a}}$`,
];

describeWithShared('golds of MATH-500', () => {
  const golds = readFileSync(sharedPath('data', 'math500.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { answer: string }).answer);
  const anyGold = fc.constantFrom(...golds);

  it('are themselves in any other spelling', () => {
    const missed = golds.flatMap((gold) =>
      respellings
        .map((respell) => respell(gold))
        .filter((answer) => grade({ gold, response: `\\boxed{${answer}}` }).verdict !== 'correct')
        .map((answer) => `${gold} | ${answer}`),
    );
    expect(missed).toEqual([]);
  });

  it('are themselves after several respellings, wherever the answer stands, and either may be the gold', () => {
    const spellings = fc.subarray(respellings.slice(4), { minLength: 1 });
    fc.assert(
      fc.property(anyGold, spellings, fc.constantFrom(...wrappings), (gold, steps, wrap) => {
        const answer = steps.reduce((text, respell) => respell(text), gold);
        expect(grade({ gold, response: wrap(answer) }).verdict, answer).toBe('correct');
        expect(grade({ gold: answer, response: wrap(gold) }).verdict, answer).toBe('correct');
      }),
      { numRuns: 500 },
    );
  });

  it('are wrong when one digit is another', () => {
    fc.assert(
      fc.property(anyGold, fc.nat(), fc.integer({ min: 1, max: 9 }), (gold, at, by) => {
        const digits = [...gold.matchAll(/\d/g)];
        fc.pre(digits.length > 0);
        const { index, 0: digit } = digits[at % digits.length]!;
        const changed = gold.slice(0, index) + ((Number(digit) + by) % 10) + gold.slice(index + 1);
        expect(grade({ gold, response: `\\boxed{${changed}}` }).verdict, changed).not.toBe('correct');
      }),
      { numRuns: 1500 },
    );
  });

  it('are wrong when a little is added', () => {
    const epsilon = fc.constantFrom('0.001', '10^{-9}', '\\frac{1}{10^{12}}', '1', '\\sqrt{2}');
    const formulas = golds.filter((gold) => !/[=,A-Z]|text|mbox|circ|\\\$|begin|pm|_|in /.test(gold));
    fc.assert(
      fc.property(fc.constantFrom(...formulas), epsilon, (gold, difference) => {
        expect(grade({ gold, response: `\\boxed{${gold}+${difference}}` }).verdict).not.toBe('correct');
      }),
      { numRuns: 500 },
    );
  });
});

describe('texts that are no answers', () => {
  const deep = (open: string, close: string): string => `${open.repeat(20_000)}1${close.repeat(20_000)}`;
  const million = 1_000_000;
  const hostile = [
    deep('{', '}'),
    deep('(', ')'),
    deep('\\boxed{', '}'),
    deep('\\frac{', '}{2}'),
    deep('\\sqrt{', '}'),
    deep('\\left(', '\\right)'),
    '9'.repeat(million),
    ' '.repeat(million),
    '$'.repeat(million),
    '\\'.repeat(million),
    'the answer is '.repeat(million / 14),
    'answer: answer: '.repeat(million / 16),
    '1,'.repeat(million / 2),
    '1 '.repeat(million / 2),
    '\\[ '.repeat(million / 3),
    '<answer>'.repeat(million / 8),
    '####'.repeat(million / 4),
    '\\boxed{1} and '.repeat(million / 14),
    '9^{9^{9^{9^{9}}}}',
    '((((9!)!)!)!)!',
    `\\boxed{${'x^{9}'.repeat(190)}}`,
    `\\boxed{${'(x+1)^{99}'.repeat(90)}}`,
    `\\boxed{\\begin{pmatrix}${'1&'.repeat(200)}1\\end{pmatrix}}`,
    `\\boxed{${'\\begin{pmatrix}1\\end{pmatrix}'.repeat(30)}}`,
    `\\boxed{${Array.from({ length: 200 }, (_, i) => `x_${i}`).join('+')}}`,
    `\\boxed{${'(0,1)\\cup'.repeat(100)}(0,1)}`,
    `\\boxed{${'1\\pm'.repeat(200)}1}`,
  ];

  it('get a verdict, as golds and as responses', () => {
    for (const text of hostile) {
      for (const request of [
        { gold: 'x^2+\\frac12', response: text },
        { gold: '18', response: text },
        { gold: 'B', response: text },
        { gold: 'east', response: text },
        { gold: text, response: '\\boxed{18}' },
        { gold: text, response: text },
      ]) {
        expect(['correct', 'wrong', 'no_answer', 'ungradable']).toContain(grade(request).verdict);
      }
    }
  }, 60_000);

  it('get a verdict when real answers are cut, doubled and spliced', () => {
    const parts = fc.constantFrom(
      '\\frac{1}{2}',
      '\\boxed{',
      '}',
      '(1,2]',
      '\\begin{pmatrix}1&2\\\\',
      '\\end{pmatrix}',
      '\\text{ or }',
      'x<3',
      '$',
      '\\cup',
      '\\setminus',
      '\\{',
      '\\}',
      '=',
      '≈',
      'twenty',
      'The answer is',
      '</think>',
      '5\\%',
      '3:30 pm',
      '\u0000',
    );
    const mutant = fc.array(fc.oneof(parts, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 24 });
    fc.assert(
      fc.property(mutant, mutant, (gold, response) => {
        const { verdict, extracted } = grade({ gold: gold.join(' '), response: response.join(' ') });
        expect(verdict === 'correct' && extracted === null).toBe(false);
      }),
      { numRuns: 1500 },
    );
  });
});
