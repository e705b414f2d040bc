/** Problems: determinism, right answers, and a difficulty that the chain length does not betray. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GRADES,
  applyOperation,
  chainKey,
  generateProblems,
  gradeOf,
  parseQuestion,
  solveChain,
} from '#core/sample/problems.ts';
import type { Chain } from '#core/sample/problems.ts';
import { arbitraryChain } from './arbitrary.ts';

const options = { seed: 5, count: 600, idPrefix: 'p-', grades: GRADES, chainLengths: [3, 4] };

/** The exact value without any reduction on the way, reduced once at the end. */
function exactLastTwoDigits(chain: Chain): number {
  let value = BigInt(chain.start);
  for (const { operator, operand } of chain.operations) {
    if (operator === 'plus') value += BigInt(operand);
    else if (operator === 'minus') value -= BigInt(operand);
    else value *= BigInt(operand);
  }
  return Number(((value % 100n) + 100n) % 100n);
}

function keysOf(problems: readonly { question: string }[]): string[] {
  return problems.map(({ question }) => chainKey(parseQuestion(question)!));
}

/** The operator a verb is read as, in an otherwise valid question. */
function operatorOf(verb: string): string | undefined {
  const question = `A two-digit dial reads 40.\nFirst ${verb} 3\nWhat does it read now?`;
  return parseQuestion(question)?.operations[0]?.operator;
}

describe('generateProblems', () => {
  it('gives the same problems for the same seed and others for another', () => {
    expect(generateProblems(options)).toEqual(generateProblems(options));
    const other = generateProblems({ ...options, seed: 6 });
    const questions = new Set(generateProblems(options).map(({ question }) => question));
    expect(other.filter(({ question }) => questions.has(question))).toEqual([]);
  });

  it('never repeats a chain nor draws a reserved one', () => {
    const first = keysOf(generateProblems(options));
    expect(new Set(first).size).toBe(600);
    // With the first draw reserved, the same seed has to avoid all of it.
    const second = keysOf(generateProblems({ ...options, reserved: new Set(first) }));
    expect(second.filter((key) => first.includes(key))).toEqual([]);
  });

  it('spreads every grade evenly over the chain lengths', () => {
    const cells = new Map<string, number>();
    for (const { grade, source } of generateProblems(options)) {
      cells.set(`${grade} ${source}`, (cells.get(`${grade} ${source}`) ?? 0) + 1);
    }
    expect(Object.fromEntries(cells)).toEqual({
      'easy k=3': 100,
      'easy k=4': 100,
      'medium k=3': 100,
      'medium k=4': 100,
      'hard k=3': 100,
      'hard k=4': 100,
    });
  });

  it('labels each problem with its own grade, source and answer', () => {
    for (const problem of generateProblems(options)) {
      const chain = parseQuestion(problem.question)!;
      expect(problem.grade).toBe(gradeOf(chain));
      expect(problem.source).toBe(`k=${chain.operations.length}`);
      expect(problem.answer).toMatch(/^\d\d$/);
      expect(Number(problem.answer)).toBe(exactLastTwoDigits(chain));
    }
  });

  it('uses single digits to add and multipliers coprime to ten, about 40 % of one digit', () => {
    const operations = generateProblems(options).flatMap(({ question }) => parseQuestion(question)!.operations);
    const multipliers = operations.filter(({ operator }) => operator === 'times').map(({ operand }) => operand);
    const others = operations.filter(({ operator }) => operator !== 'times').map(({ operand }) => operand);
    expect(others.filter((operand) => operand < 1 || operand > 9)).toEqual([]);
    expect(multipliers.filter((operand) => operand % 2 === 0 || operand % 5 === 0 || operand === 1)).toEqual([]);
    const share = multipliers.filter((operand) => operand < 10).length / multipliers.length;
    expect(Math.abs(share - 0.4)).toBeLessThan(4 * Math.sqrt(0.24 / multipliers.length));
  });

  it('refuses chains for which there are no ordinals', () => {
    expect(() => generateProblems({ ...options, chainLengths: [6] })).toThrow(/from 2 to 5 steps/);
  });
});

describe('solveChain', () => {
  it('agrees with exact arithmetic reduced once at the end', () => {
    fc.assert(fc.property(arbitraryChain, (chain) => solveChain(chain) === exactLastTwoDigits(chain)));
  });
  it('wraps below zero and above 99', () => {
    expect(applyOperation(3, { operator: 'minus', operand: 7 })).toBe(96);
    expect(applyOperation(97, { operator: 'plus', operand: 5 })).toBe(2);
  });
});

describe('parseQuestion', () => {
  it('tells every verb apart', () => {
    expect(['add', 'increase by', 'count up'].map(operatorOf)).toEqual(['plus', 'plus', 'plus']);
    expect(['subtract', 'take away', 'decrease by', 'count down'].map(operatorOf)).toEqual(
      Array.from({ length: 4 }, () => 'minus'),
    );
    expect(['multiply by', 'scale by', 'amplify by'].map(operatorOf)).toEqual(['times', 'times', 'times']);
    expect(operatorOf('divide by')).toBeUndefined();
  });
  it('returns null for any other text', () => {
    expect(parseQuestion('What is 7 times 8?')).toBeNull();
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseQuestion(text) === null));
  });
});
