/** Reading traces back: right ones have no error, and every kind of injected error gets its own name. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyseTrace } from '#core/sample/analysis.ts';
import type { Chain } from '#core/sample/problems.ts';
import { solveChain } from '#core/sample/problems.ts';
import { renderTrace } from '#core/sample/traces.ts';
import type { Style } from '#core/sample/traces.ts';
import { arbitraryChain, arbitraryRandom } from './arbitrary.ts';

const chain: Chain = {
  start: 47,
  operations: [
    { operator: 'plus', operand: 6 },
    { operator: 'times', operand: 17 },
    { operator: 'minus', operand: 8 },
  ],
};
const fast =
  '<think>\nFrom 47\nFirst plus 6 gives 53\nSecond times 17 makes 01\nThird minus 8 is 93</think>\n\\boxed{93}';
const slow =
  "<think>\nFrom 47\nFirst plus 6 wait let's check: 3 carry 1, 4+1→5 so 53\n" +
  "Second times 17 hmm I'll split: 1 carry 2, 2+5→7, 7+3→0 so 01\n" +
  'Third minus 8 but better verify: 3 borrow 1, 0-1→9 so 93</think>\n\\boxed{93}';

const kindsOf = (text: string) => analyseTrace(text, chain).errors.map(({ kind, line }) => [kind, line]);

/** A text with one part replaced; fails when the part is not there. */
function edit(text: string, part: string, by: string): string {
  expect(text).toContain(part);
  return text.replace(part, by);
}

describe('analyseTrace', () => {
  it('finds no error in teacher traces and reads their styles', () => {
    fc.assert(
      fc.property(
        arbitraryChain,
        fc.array(fc.boolean(), { minLength: 5 }),
        arbitraryRandom,
        (drawn, slowAt, random) => {
          const styles = drawn.operations.map((_, step): Style => (slowAt[step] === true ? 'slow' : 'fast'));
          const analysis = analyseTrace(renderTrace(drawn, styles, random).join(''), drawn);
          expect(analysis.errors).toEqual([]);
          expect(analysis.answer).toBe(solveChain(drawn));
          expect(analysis.lines.map(({ style }) => style)).toEqual(styles);
          expect(analysis.lines.map(({ isScratchRight }) => isScratchRight)).toEqual(
            styles.map((style) => (style === 'slow' ? true : null)),
          );
        },
      ),
    );
  });

  it('accepts the end-of-turn token', () => {
    expect(kindsOf(`${fast}<|im_end|>`)).toEqual([]);
  });

  it('names slips by style and operator, once, although later values shift', () => {
    const slip = (text: string, part: string, by: string, end: string) =>
      kindsOf(edit(edit(text, part, by), '\\boxed{93}', `\\boxed{${end}}`));
    // 52 · 17 ends in 84 and 84 − 8 = 76: the rest is right for the wrong value.
    const shifted = edit(edit(fast, 'makes 01', 'makes 84'), 'is 93', 'is 76');
    expect(slip(shifted, 'gives 53', 'gives 52', '76')).toEqual([['fast-additive', 0]]);
    expect(slip(edit(fast, 'is 93', 'is 13'), 'makes 01', 'makes 21', '13')).toEqual([['fast-multiplicative', 1]]);
    expect(slip(slow, '0-1→9 so 93', '0-1→8 so 83', '83')).toEqual([['slow-additive', 2]]);
    expect(slip(edit(slow, '0-1→9 so 93', '2-1→1 so 13'), '7+3→0 so 01', '7+5→2 so 21', '13')).toEqual([
      ['slow-multiplicative', 1],
    ]);
  });

  it('says whether a wrong slow line was already wrong in its scratch work', () => {
    const wrongScratch = analyseTrace(edit(slow, '2+5→7, 7+3→0 so 01', '2+5→7, 7+3→1 so 11'), chain).lines[1];
    const wrongCopy = analyseTrace(edit(slow, '7+3→0 so 01', '7+3→0 so 11'), chain).lines[1];
    expect([wrongScratch?.isScratchRight, wrongCopy?.isScratchRight]).toEqual([false, true]);
    expect([wrongScratch?.result, wrongCopy?.result]).toEqual([11, 11]);
  });

  it('names copies that went wrong', () => {
    expect(kindsOf(edit(edit(fast, 'plus 6', 'plus 7'), '53', '54'))[0]).toEqual(['step-copy', 0]);
    expect(kindsOf(edit(fast, 'Second', 'Third'))).toEqual([['step-copy', 1]]);
    expect(kindsOf(edit(fast, 'From 47', 'From 46'))[0]).toEqual(['start-copy', null]);
    expect(kindsOf(edit(fast, 'boxed{93}', 'boxed{39}'))).toEqual([['answer-copy', null]]);
  });

  it('names missing and superfluous steps', () => {
    const missing = edit(edit(fast, '\nThird minus 8 is 93', ''), 'boxed{93}', 'boxed{01}');
    expect(kindsOf(missing)).toEqual([['step-count', null]]);
    const added = edit(edit(fast, '</think>', '\nFourth plus 1 gives 94</think>'), 'boxed{93}', 'boxed{94}');
    expect(kindsOf(added)).toEqual([['step-count', null]]);
  });

  it('calls cut or foreign responses unreadable, at the line where reading ended', () => {
    expect(kindsOf(fast.slice(0, fast.indexOf('Third')))).toEqual([['unreadable', 2]]);
    expect(kindsOf('The answer is 93.')).toEqual([['unreadable', null]]);
    expect(analyseTrace(fast.slice(0, -1), chain).answer).toBeNull();
  });

  it('never throws, whatever the text', () => {
    const mutated = fc
      .tuple(fc.constantFrom(fast, slow), fc.nat(120), fc.nat(4), fc.string({ unit: 'binary' }))
      .map(([text, at, cut, insert]) => text.slice(0, at) + insert + text.slice(at + cut));
    fc.assert(fc.property(mutated, (text) => Array.isArray(analyseTrace(text, chain).errors)));
  });
});
