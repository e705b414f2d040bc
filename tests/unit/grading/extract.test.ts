/** Finding the answer in a response, and finding none where there is none. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastBoxed } from '#core/grading/boxes.ts';
import { MAX_RESPONSE_LENGTH, extractAnswer } from '#core/grading/extract.ts';

describe('extractAnswer', () => {
  it('takes the last box, braces nested, of nested boxes the outer one', () => {
    expect(extractAnswer('\\boxed{1} then \\boxed{\\frac{1}{2}}.')).toEqual({ answer: '\\frac{1}{2}', how: 'boxed' });
    expect(extractAnswer('\\fbox{7}')?.answer).toBe('7');
    expect(extractAnswer('\\boxed{\\{1, 2\\}}')?.answer).toBe('\\{1, 2\\}');
    expect(extractAnswer('\\boxed{x = \\boxed{5}}')?.answer).toBe('x = \\boxed{5}');
    expect(extractAnswer('so $\\boxed 7$.')?.answer).toBe('7');
    expect(extractAnswer('\\boxed {-12}')?.answer).toBe('-12');
  });

  it('does not take a box that was cut off or left empty', () => {
    expect(extractAnswer('\\boxed{12')).toBeNull();
    expect(extractAnswer('write it as \\boxed{}')).toBeNull();
    expect(extractAnswer('\\boxed{3} and then \\boxed{12')?.answer).toBe('3');
  });

  it('prefers what follows the thinking', () => {
    expect(extractAnswer('<think>maybe \\boxed{1}</think> It is \\boxed{2}')?.answer).toBe('2');
    expect(extractAnswer('<think>\\boxed{1}</think> The answer is 2.')).toEqual({ answer: '2', how: 'final-phrase' });
    expect(extractAnswer('<think>\\boxed{1}</think> Done.')?.answer).toBe('1');
  });

  it('takes nothing but a box from thinking', () => {
    expect(extractAnswer('<think>perhaps the answer is 3', { style: 'numeric' })).toBeNull();
    expect(extractAnswer('<think>3 + 4 = 7', { style: 'numeric' })).toBeNull();
    expect(extractAnswer('<think>the answer is 3</think> Done', { style: 'numeric' })).toBeNull();
  });

  it('reads #### as in GSM8K, but not as a Markdown heading', () => {
    expect(extractAnswer('9 * 2 = 18\n#### 18')).toEqual({ answer: '18', how: 'hash' });
    expect(extractAnswer('#### 1,080\n\nThank you!')?.answer).toBe('1,080');
    expect(extractAnswer('#### Conclusion\nThere are 18.', { style: 'numeric' })).toEqual({
      answer: '18',
      how: 'last-number',
    });
  });

  it('reads what follows "the answer is"', () => {
    const phrases: [string, string][] = [
      ['The answer is 3.5. It is not 4.', '3.5'],
      ['**Final Answer:** -12', '-12'],
      ['the final answer is: $\\frac{1}{2}$.', '$\\frac{1}{2}$'],
      ['The answer to this puzzle is therefore (3, 4).', '(3, 4)'],
      ['Answer: east\nThat is all.', 'east'],
      ['The answer is 1. No: the answer is 2.', '2'],
    ];
    for (const [text, answer] of phrases) expect(extractAnswer(text), text).toEqual({ answer, how: 'final-phrase' });
  });

  it('falls back on the last number only where the gold is one', () => {
    expect(extractAnswer('so 3 + 4 = 7 apples')).toBeNull();
    const numbers: [string, string | null][] = [
      ['so 3 + 4 = 7 apples', '7'],
      ['She pays $1,250.50.', '1,250.50'],
      ['x=-5', 'x=-5'],
      ['so x=-5', '-5'],
      ['about 40%', '40%'],
      ['a third: 1/3', '1/3'],
      ['**18**', '18'],
      ['\\(18\\)', '18'],
      ['4 4/9 of it', '4 4/9'],
      ['it is $\\frac{14}{3}$.', '\\frac{14}{3}'],
      ['x^2', 'x^2'],
      // No digit of these alone is the answer.
      ['between 3-5', null],
      ['at 12:30', null],
      ['or x^2 apples', null],
      ['none', null],
    ];
    for (const [text, answer] of numbers) {
      expect(extractAnswer(text, { style: 'numeric' })?.answer ?? null, text).toBe(answer);
    }
  });

  it('finds the letter of a choice, but no article', () => {
    const choices: [string, string | null][] = [
      ['B', 'B'],
      ['(C)', 'C'],
      ['I think option D fits.', 'D'],
      ['A) no. B) yes. So B) it is', 'B'],
      ['A triangle has three sides', null],
    ];
    for (const [text, answer] of choices) {
      expect(extractAnswer(text, { style: 'choice' })?.answer ?? null, text).toBe(answer);
    }
  });

  it('stops at the end of the turn, but not at a stray token within it', () => {
    expect(extractAnswer('The answer is 3.<|im_end|>The answer is 4.')?.answer).toBe('3');
    expect(extractAnswer('The answer is 3. <|im_start|>user: what is 2 + 2? The answer is 4.')?.answer).toBe('3');
    expect(extractAnswer('5 + <|im_start|> 6 is \\boxed{11}')?.answer).toBe('11');
  });

  it('searches the end of a long response', () => {
    const padding = 'x '.repeat(MAX_RESPONSE_LENGTH);
    expect(extractAnswer(`${padding}\\boxed{4}`)?.answer).toBe('4');
    expect(extractAnswer(`\\boxed{4}${padding}`)).toBeNull();
  });

  it('finds whatever balanced content was boxed last', () => {
    const content = fc.array(fc.constantFrom('1', 'x', '{2}', '\\{', '\\}', '\\frac{1}{2}', ' + '), { minLength: 1 });
    fc.assert(
      fc.property(fc.string(), content, (before, parts) => {
        fc.pre(parts.join('').trim() !== '');
        // An unfinished escape before the box would swallow its backslash.
        const text = `${before.replaceAll('\\', '')} \\boxed{${parts.join('')}} and so on`;
        expect(lastBoxed(text)?.answer).toBe(parts.join('').trim());
      }),
    );
  });

  it('never throws, whatever the response and the style', () => {
    const soup = fc.array(
      fc.constantFrom(
        '\\boxed{',
        '}',
        '<think>',
        '</think>',
        '####',
        'answer is',
        '3',
        ',',
        '-',
        '(B)',
        '\n',
        ' ',
        '*',
        '.',
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(soup, fc.constantFrom('numeric', 'choice', 'other'), (parts, style) => {
        const found = extractAnswer(parts.join(''), { style });
        expect(found === null || found.answer.length > 0).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
