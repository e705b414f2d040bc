/** The reader of formulas: never throws, and does work in proportion to the length of what it reads. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '#core/grading/answer.ts';
import { parseFormula } from '#core/grading/parse.ts';
import { MAX_ANSWER_LENGTH } from '#core/grading/tokens.ts';

/** Visits of grammar rules per character, at most: each character is a token at worst, each token a few rules. */
const STEPS_PER_CHARACTER = 12;

const pieces =
  String.raw`\frac \sqrt { } ( ) [ ] \{ \} ^ _ + - * / , = < | ! % ° \pm \cup \in \begin{pmatrix} \end{pmatrix} & \\ \sin
    \text{cm} 12 3.5 . 1,000 x ab pi million and $ \$ \log_ : \overline ² ∞`.split(/\s+/);
const soup = fc.array(fc.constantFrom(' ', ...pieces), { maxLength: 80 }).map((parts) => parts.join(''));

function expectBounded(text: string): void {
  expect(parseFormula(text).steps).toBeLessThanOrEqual(STEPS_PER_CHARACTER * (text.length + 1));
}

describe('parseFormula', () => {
  it('reads any soup of its own tokens in bounded steps, without throwing', () => {
    fc.assert(fc.property(soup, expectBounded), { numRuns: 2000 });
  });

  it('reads any text in bounded steps, without throwing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), expectBounded), { numRuns: 500 });
  });

  it('stays in bounds on patterns that make careless parsers explode', () => {
    const length = MAX_ANSWER_LENGTH;
    for (const unit of [
      '(',
      '{',
      '-',
      '\\sqrt',
      '2^',
      '\\frac',
      '!',
      '1/',
      '|',
      '[',
      '\\{',
      'sin',
      '\\text{',
      '1,',
      'x_{',
      '±1',
    ]) {
      const text = unit.repeat(Math.floor(length / unit.length));
      expectBounded(text);
      expectBounded(`${text}1`);
      expect(() => readAnswer(`${text}1`)).not.toThrow();
    }
  });

  it('does not read answers longer than its cap', () => {
    expect(parseFormula('1'.repeat(MAX_ANSWER_LENGTH + 1)).node).toBeNull();
    expect(readAnswer('1'.repeat(MAX_ANSWER_LENGTH + 1))).toBeNull();
    expect(readAnswer(`${'1+'.repeat(MAX_ANSWER_LENGTH / 2 - 1)}1`)).not.toBeNull();
  });

  it('gives up nesting deeper than it can follow, rather than the stack', () => {
    expect(parseFormula(`${'('.repeat(30)}1${')'.repeat(30)}`).node).not.toBeNull();
    expect(parseFormula(`${'('.repeat(400)}1${')'.repeat(400)}`).node).toBeNull();
  });
});
