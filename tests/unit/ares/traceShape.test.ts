// The one shape of traces: forms that models and datasets use, what is set aside, and that nothing is lost on the way.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ShapeProblem, shapeTrace } from '#core/ares/traceShape.ts';
import { joinReasoning } from '#core/ares/traces.ts';
import { extractAnswer } from '#core/grading/extract.ts';

const r = String.raw;
const steps = 'First, 6 times 7 is 42.\n\nWait, let me check: 42 / 7 = 6. Good.';
const shape = `<think>\n${steps}\n</think>\n\nThe product is ${r`$\boxed{42}$`}.`;
const end = r`The product is $\boxed{42}$.`;

describe('shapes that are brought into one', () => {
  it.each<[string, string]>([
    ['DeepSeek-R1', `<think>\n${steps}\n</think>\n\n${end}`],
    ['a template that opened the thought (QwQ, R1)', `${steps}\n</think>\n\n${end}`],
    ['thinking', `<thinking>${steps}</thinking>${end}`],
    ['reasoning and answer', `<reasoning>\n${steps}\n</reasoning>\n<answer>\n${end}\n</answer>`],
    [
      'OpenThoughts, Sky-T1',
      `<|begin_of_thought|>\n\n${steps}\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\n${end}\n\n<|end_of_solution|>`,
    ],
    ['s1', `<|im_start|>think\n${steps}\n<|im_start|>answer\n${end}`],
    ['a column of reasoning', joinReasoning(steps, end)],
    ['a column of reasoning with tags', joinReasoning(`<think>${steps}</think>`, end)],
    ['tags twice', `<think>\n<think>\n${steps}\n</think>\n</think>\n${end}`],
    ['the end of the turn', `<think>${steps}</think>${end}<|im_end|>\n<|endoftext|>`],
    ['lines of Windows', `<think>\n${steps}\n</think>\n\n${end}`.replaceAll('\n', '\r\n')],
    ['steps in paragraphs, without tags', `${steps}\n\n${end}`],
    ['an empty thought before the steps (Qwen3 without thinking)', `<think>\n\n</think>\n\n${steps}\n\n${end}`],
  ])('%s', (_, text) => {
    expect(shapeTrace(text)).toEqual({
      trace: { text: shape, thought: steps, conclusion: end, answer: '42' },
      problem: null,
    });
  });

  it('GSM8K: what follows #### becomes the box', () => {
    expect(shapeTrace('He sold 48/2 = <<48/2=24>>24.\nIn all 48+24 = 72.\n#### 72').trace?.text).toBe(
      '<think>\nHe sold 48/2 = <<48/2=24>>24.\nIn all 48+24 = 72.\n</think>\n\n' + r`\boxed{72}`,
    );
  });

  it('sums of money are no formulas left open', () => {
    const text = 'He pays $5 and $3.\nSo $8 of $10 are gone, $2 remain, or 2/$10.\n#### 2';
    expect(shapeTrace(text).trace?.conclusion).toBe(r`\boxed{2}`);
  });

  it('a conclusion that marks its answer in words gets a box after it', () => {
    expect(shapeTrace('<think>Add them.</think>The answer is 12.').trace?.conclusion).toBe(
      `The answer is 12.\n\n${r`\boxed{12}`}`,
    );
    expect(shapeTrace('<think>Add them.</think><answer>12</answer>').trace?.conclusion).toBe(`12\n\n${r`\boxed{12}`}`);
  });

  it('one paragraph is divided at its last sentence, never within a formula', () => {
    expect(shapeTrace(r`We add $1 + 1$. It is $\boxed{2}$.`).trace).toMatchObject({ thought: 'We add $1 + 1$.' });
    const formula = r`Add. Then $x = 1.  Y = \boxed{2}$.`;
    expect(shapeTrace(formula).trace).toMatchObject({ thought: 'Add.', conclusion: r`Then $x = 1.  Y = \boxed{2}$.` });
  });

  it('the conclusion goes back to where the answer is', () => {
    const text = r`One step.` + `\n\n` + r`So it is $\boxed{5}$.` + `\n\nThis agrees with the figure.`;
    expect(shapeTrace(text).trace).toMatchObject({
      thought: 'One step.',
      conclusion: r`So it is $\boxed{5}$.` + `\n\nThis agrees with the figure.`,
    });
  });
});

describe('what is set aside', () => {
  it.each<[ShapeProblem, string]>([
    ['empty', '  \n'],
    ['cutOff', `<think>\n${steps}\nSo we`],
    ['cutOff', r`<think>it may be \boxed{4}, but wait`],
    ['severalThoughts', `<think>a</think>b<think>c</think>${end}`],
    ['disordered', `</think>a<think>${end}`],
    ['disordered', `Sure, let me think. <think>a</think>${end}`],
    ['furtherTurn', `<think>a</think>${end}<|im_end|>\nuser: and now?`],
    ['noConclusion', r`<think>so \boxed{4}</think>`],
    ['noAnswer', '<think>a</think>I am not sure.'],
    ['noAnswer', 'I looked at it for a long time.'],
    ['noSteps', r`\boxed{4}`],
    ['noSteps', 'The answer is 4.'],
  ])('%s', (problem, text) => {
    expect(shapeTrace(text)).toEqual({ trace: null, problem });
  });
});

describe('for any trace', () => {
  const word = fc.constantFrom(
    'so',
    'we',
    'add',
    'wait,',
    '12',
    r`$x^2$`,
    'then.',
    'Thus',
    '\n',
    '\n\n',
    r`\[ a = 1 \]`,
    '####',
    '=',
  );
  const prose = fc.array(word, { minLength: 1, maxLength: 20 }).map((words) => words.join(' '));
  const marked = fc.constantFrom(
    r`\boxed{7}`,
    'The answer is 7.',
    '#### 7',
    '<answer>7</answer>',
    r`**Answer:** $\boxed{\frac{1}{2}}$`,
    '',
  );
  const open = fc.constantFrom('<think>', '<thinking>', '', '<|begin_of_thought|>', '<think><think>');
  const close = fc.constantFrom('</think>', '</thinking>', '', '<|end_of_thought|>', '</think></think>');
  const trace = fc
    .tuple(open, prose, close, prose, marked, fc.constantFrom('', '<|im_end|>'))
    .map(([a, thought, b, conclusion, answer, c]) => `${a}${thought}${b}${conclusion}\n${answer}${c}`);

  it('shaping again changes nothing', () => {
    fc.assert(
      fc.property(trace, (text) => {
        const first = shapeTrace(text).trace;
        if (first !== null) expect(shapeTrace(first.text)).toEqual({ trace: first, problem: null });
      }),
      { numRuns: 2000 },
    );
  });

  it('the answer is the one that was there', () => {
    fc.assert(
      fc.property(trace, (text) => {
        const { trace: shaped } = shapeTrace(text);
        if (shaped === null) return;
        expect(extractAnswer(shaped.text)?.answer).toBe(shaped.answer);
        const before = extractAnswer(text);
        if (before !== null) expect(shaped.answer).toBe(before.answer);
      }),
      { numRuns: 2000 },
    );
  });

  it('every word stays, in order; only tags, markers and an added box differ', () => {
    const content = (text: string) =>
      text
        .replaceAll(/<\/?(?:think|thinking|answer)>|<\|[a-z_]+\|>/g, ' ')
        .replaceAll('####', ' #### ')
        .split(/\s+/)
        .filter((each) => each !== '');
    let shaped = 0;
    fc.assert(
      fc.property(trace, (text) => {
        const result = shapeTrace(text).trace;
        if (result === null) return;
        shaped++;
        const [before, after] = [content(text), content(result.text)];
        const box = content(r`\boxed{${result.answer}}`);
        // The marker #### and its answer became the box; otherwise all is there, and perhaps a box after it.
        const hash = before.slice(0, before.lastIndexOf('####'));
        expect([before, [...before, ...box], [...hash, ...box]]).toContainEqual(after);
      }),
      { numRuns: 2000 },
    );
    expect(shaped).toBeGreaterThan(200);
  });
});
