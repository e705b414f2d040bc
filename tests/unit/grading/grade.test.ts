/** Verdicts on whole responses, and on every gold answer of the shared problem sets. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equivalent } from '#core/grading/equivalence.ts';
import { goldAnswer, grade, gradeBatch, isGradable } from '#core/grading/grade.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';

describe('grade', () => {
  it('has four outcomes', () => {
    expect(grade({ gold: '18', response: 'so \\boxed{18}' })).toEqual({
      verdict: 'correct',
      extracted: '18',
      how: 'boxed',
    });
    expect(grade({ gold: '18', response: 'so \\boxed{81}' })).toEqual({
      verdict: 'wrong',
      extracted: '81',
      how: 'boxed',
    });
    expect(grade({ gold: '18', response: 'I do not know.' })).toEqual({
      verdict: 'no_answer',
      extracted: null,
      how: null,
    });
    expect(grade({ gold: '', response: '\\boxed{18}' })).toEqual({ verdict: 'ungradable', extracted: null, how: null });
  });

  it('takes golds that are whole solutions', () => {
    expect(grade({ gold: '16 - 3 - 4 = <<16-3-4=9>>9\n#### 1,080', response: '\\boxed{1080}' }).verdict).toBe(
      'correct',
    );
    expect(grade({ gold: 'Thus $x = \\boxed{\\frac12}$.', response: '\\boxed{0.5}' }).verdict).toBe('correct');
  });

  it('calls a gold that cannot be read ungradable, unless the response has the very same text', () => {
    for (const gold of ['', '  ', '\\int_0^1 f', '???', '\\boxed{\\foo}', 'word '.repeat(50)]) {
      expect(isGradable(gold), gold).toBe(false);
      expect(grade({ gold, response: '\\boxed{18}' }).verdict, gold).toBe('ungradable');
      expect(grade({ gold, response: 'I do not know.' }).verdict, gold).toBe('ungradable');
    }
    expect(grade({ gold: '\\int_0^1 f', response: 'It is \\boxed{\\int_{0}^1 f}.' }).verdict).toBe('correct');
    expect(grade({ gold: '\\int_0^1 f', response: 'It is \\boxed{\\int_{0}^2 f}.' }).verdict).toBe('ungradable');
  });

  it('never takes two different numbers for each other because letters are all that is left (B18)', () => {
    expect(grade({ gold: '12', response: 'The answer is 21.' }).verdict).toBe('wrong');
    expect(grade({ gold: '12', response: 'The answer is eleven.' }).verdict).toBe('wrong');
    expect(grade({ gold: '12', response: 'The answer is twelve.' }).verdict).toBe('correct');
  });

  it('uses fall-backs that suit the gold', () => {
    expect(grade({ gold: '18', response: 'In total she makes $18.' })).toEqual({
      verdict: 'correct',
      extracted: '18',
      how: 'last-number',
    });
    expect(grade({ gold: '\\text{(B)}', response: 'It must be (B).' })).toEqual({
      verdict: 'correct',
      extracted: 'B',
      how: 'choice',
    });
    expect(grade({ gold: 'x+1', response: 'so there are 3' }).verdict).toBe('no_answer');
  });

  it('grades a batch as it grades one by one', () => {
    const requests = ['18', '18', '', '(B)'].map((gold) => ({ gold, response: 'I say \\boxed{18}' }));
    expect(gradeBatch(requests)).toEqual(requests.map(grade));
  });

  it('never throws, and calls only what it extracted correct', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (gold, text) => {
        const { verdict, extracted } = grade({ gold, response: `\\boxed{${text}}` });
        expect(verdict === 'correct' && extracted === null).toBe(false);
        expect(verdict === 'ungradable' && isGradable(gold)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});

describeWithShared('the golds of GSM8K and MATH-500', () => {
  const golds = ['gsm8k_test.jsonl', 'math500.jsonl'].flatMap((name) =>
    readFileSync(sharedPath('data', name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { answer: string }).answer),
  );

  it('grades each against itself as correct', () => {
    expect(golds).toHaveLength(1819);
    const failed = golds.filter(
      (gold) => grade({ gold, response: `so \\boxed{${goldAnswer(gold)}}` }).verdict !== 'correct',
    );
    expect(failed).toEqual([]);
  });

  it('grades GSM8K solutions as responses to themselves', () => {
    const failed = golds.filter((gold) => gold.includes('####') && grade({ gold, response: gold }).how !== 'hash');
    expect(failed).toEqual([]);
  });

  it('tells all different golds apart, but for the pairs that are the same answer', () => {
    const distinct = [...new Set(golds.map(goldAnswer))];
    const equal: string[] = [];
    for (let i = 0; i < distinct.length; i++) {
      for (let j = i + 1; j < distinct.length; j++) {
        if (equivalent(distinct[i]!, distinct[j]!)) equal.push(`${distinct[i]} | ${distinct[j]}`);
      }
    }
    // Inspected one by one: each pair differs in notation, in a unit or in the name of the unknown only.
    expect(equal).toEqual([
      '15 | 15\\mbox{ cm}^2',
      '75 | 75^\\circ',
      '30 | 30^\\circ',
      '5 | x=5',
      '36 | 36^\\circ',
      '36 | \\$36',
      '90 | 90^\\circ',
      '120 | 120^\\circ',
      '106 | 106^\\circ',
      '55 | 55^\\circ',
      '76 | 76^\\circ',
      '145 | 145^\\circ',
      '180 | 180^\\circ',
      '5,600 | 5600',
      '1,600 | 1600',
      '14,000 | 14000',
      '1,-2 | -2,1',
      '\\frac{1}{4} | \\frac14',
      '10,\\!080 | 10080',
      '2 \\sqrt{5} | 2\\sqrt{5}',
    ]);
  });
});
