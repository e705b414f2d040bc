/** Traces: arithmetic checked digit by digit from the text alone, and their length in tokens. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Chain, Operation } from '#core/sample/problems.ts';
import { renderTrace } from '#core/sample/traces.ts';
import type { Style } from '#core/sample/traces.ts';
import { FAST_WORDS, SLOW_WORDS } from '#core/sample/vocabulary.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { arbitraryChain, arbitraryRandom } from './arbitrary.ts';

const arbitraryStyles = fc.array(fc.constantFrom<Style>('fast', 'slow'), { minLength: 5, maxLength: 5 });

function traceOf(start: number, operation: Operation, style: Style): string[] {
  return renderTrace({ start, operations: [operation] }, [style], new RandomSequence(1, Stream.problems));
}

/** Tokens of the one line of a one-step trace, fast and slow: all but the frame (4 before it, 5 after it). */
function lineTokens(operation: Operation): number[] {
  return [traceOf(47, operation, 'fast').length - 9, traceOf(47, operation, 'slow').length - 9];
}

/** Plain arithmetic of one line, by integer operators on whole numbers. */
function exactStep(value: number, operator: string, operand: number): number {
  const exact = operator === 'plus' ? value + operand : operator === 'minus' ? value - operand : value * operand;
  return ((exact % 100) + 100) % 100;
}

/** Asserts that every number in the text follows from the ones before it. */
function checkArithmetic(text: string, chain: Chain): void {
  const [head, ...lines] = text.slice(0, text.indexOf('</think>')).split('\n').slice(1);
  expect(head).toBe(`From ${chain.start}`);
  let value = chain.start;
  for (const line of lines) {
    const [, operator, operand, result] = /^\S+ (plus|minus|times) (\d+) .* (\d\d)$/.exec(line)!;
    expect(exactStep(value, operator!, Number(operand)), line).toBe(Number(result));
    const scratch = /: (\d) (carry|borrow) (\d), (.*) so \d\d$/.exec(line);
    if (scratch !== null) {
      const [, digit, word, carry, sums] = scratch;
      const units = value % 10;
      const low = Number(operand) % 10;
      const made = operator === 'plus' ? units + low : operator === 'minus' ? units - low : units * low;
      // The digit and the carry together are what the units digits make.
      expect(word === 'carry' ? 10 * Number(carry) + Number(digit) : Number(digit) - 10 * Number(carry), line).toBe(
        made,
      );
      const terms = sums!.split(', ').map((sum) => /^(\d)([+-])(\d)→(\d)$/.exec(sum)!);
      for (const [, left, sign, right, last] of terms) {
        const total = sign === '+' ? Number(left) + Number(right) : Number(left) - Number(right) + 10;
        expect(total % 10, line).toBe(Number(last));
      }
      // The last sum is the tens digit of the result, the digit written first its units digit.
      expect(`${terms.at(-1)![4]}${digit}`, line).toBe(result);
    }
    value = Number(result);
  }
  expect(lines).toHaveLength(chain.operations.length);
  expect(text.slice(text.indexOf('</think>'))).toBe(`</think>\n\\boxed{${String(value).padStart(2, '0')}}`);
}

describe('renderTrace', () => {
  it('is arithmetically right in every style', () => {
    fc.assert(
      fc.property(arbitraryChain, arbitraryStyles, arbitraryRandom, (chain, styles, random) => {
        checkArithmetic(renderTrace(chain, styles, random).join(''), chain);
      }),
    );
  });

  it('is right for every value and every operand, slowly', () => {
    const operations: Operation[] = [
      ...Array.from({ length: 9 }, (_, i): Operation => ({ operator: 'plus', operand: i + 1 })),
      ...Array.from({ length: 9 }, (_, i): Operation => ({ operator: 'minus', operand: i + 1 })),
      ...[3, 7, 9, 11, 47, 99].map((operand): Operation => ({ operator: 'times', operand })),
    ];
    for (const operation of operations) {
      for (let start = 10; start < 100; start++) {
        checkArithmetic(traceOf(start, operation, 'slow').join(''), { start, operations: [operation] });
      }
    }
  });

  it('writes the step before the style word and the style asked for', () => {
    fc.assert(
      fc.property(arbitraryChain, arbitraryStyles, arbitraryRandom, (chain, styles, random) => {
        const lines = renderTrace(chain, styles, random).join('').split('</think>')[0]!.split('\n').slice(2);
        lines.forEach((line, step) => {
          const { operator, operand } = chain.operations[step]!;
          const [, said, number, word] = line.split(/[ ]/);
          expect([said, number]).toEqual([operator, String(operand)]);
          expect(styles[step] === 'fast' ? FAST_WORDS : SLOW_WORDS).toContain(word);
        });
      }),
    );
  });

  it('spends 6 or 7 tokens on a fast line, 19 on a slow sum and 19 or 26 on a slow product', () => {
    const plus: Operation = { operator: 'plus', operand: 8 };
    const times7: Operation = { operator: 'times', operand: 7 };
    const times17: Operation = { operator: 'times', operand: 17 };
    expect([plus, times7, times17].map(lineTokens)).toEqual([
      [6, 19],
      [6, 19],
      [7, 26],
    ]);
  });

  it('draws all words of both styles', () => {
    const random = new RandomSequence(2, Stream.problems);
    const chain: Chain = { start: 50, operations: [{ operator: 'plus', operand: 1 }] };
    const wordsOf = (style: Style) =>
      new Set(Array.from({ length: 200 }, () => renderTrace(chain, [style], random)[7]!.trim()));
    expect(wordsOf('fast')).toEqual(new Set(FAST_WORDS));
    expect(wordsOf('slow')).toEqual(new Set(SLOW_WORDS));
  });
});
