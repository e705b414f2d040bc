/**
 * One shape for traces of any origin: the thinking and the derivation inside <think>…</think>, the conclusion with the
 * boxed answer after it (METHOD §2.4; the paper's own template is not published).
 *
 * Owns: the tags models and datasets use, where a solution without tags ends its derivation, and what cannot be brought
 * into the shape, with the reason. It rewrites no word: tags and markers are replaced, a box is added after a conclusion
 * that marks its answer in another way, and everything else stays as it was, in its order. A result is checked before
 * it is given out: the answer that is found in it is the one that is found in the original, else it is set aside.
 */
import { extractAnswer } from '#core/grading/extract.ts';

export interface ShapedTrace {
  /** `<think>\n…\n</think>\n\n…`, without anything around it. */
  text: string;
  thought: string;
  conclusion: string;
  /** As the grader finds it. */
  answer: string;
}

/** Why a trace was set aside, for counting; each is a kind of its own. */
export const shapeProblems = {
  empty: 'it is empty',
  cutOff: 'it is cut off while thinking',
  severalThoughts: 'it has several blocks of thought',
  disordered: 'its tags are out of order',
  furtherTurn: 'text follows the end of its turn',
  noConclusion: 'nothing follows the thought',
  noAnswer: 'its answer is not marked',
  noSteps: 'there are no steps before its answer',
  otherAnswer: 'its answer would not be found again',
} as const;
export type ShapeProblem = keyof typeof shapeProblems;

export type Shaping = { trace: ShapedTrace; problem: null } | { trace: null; problem: ShapeProblem };

const OPEN = '<think>';
const CLOSE = '</think>';

/** Tags that mean the same, as models and datasets write them. */
const openings =
  /<think>|<thinking>|<thought>|<reasoning>|<\|begin_of_thought\|>|<\|im_start\|>\s*think\s*\n|◁think▷|\[THINK\]/g;
const closings = /<\/think>|<\/thinking>|<\/thought>|<\/reasoning>|<\|end_of_thought\|>|◁\/think▷|\[\/THINK\]/g;
/** Around the conclusion: what is inside is the conclusion, the tags themselves say nothing. */
const answerTags = /<\|begin_of_solution\|>|<\|end_of_solution\|>|<\/?answer>|<\|im_start\|>\s*answer\s*\n/g;
const endOfTurn = /<\|(?:im_end|endoftext|end_of_text|eot_id)\|>|<｜end▁of▁sentence｜>|<\/s>/g;

/** Brings a trace into the shape, or says why it cannot be. A trace that is in the shape comes out unchanged. */
export function shapeTrace(original: string): Shaping {
  const text = original
    .replaceAll('\r\n', '\n')
    // s1: the answer begins where the thought ends, without a tag of its own for that.
    .replace(/(<\|im_start\|>\s*think\s*\n[\s\S]*?)(<\|im_start\|>\s*answer\s*\n)/, `$1${CLOSE}$2`)
    .replaceAll(openings, OPEN)
    .replaceAll(closings, CLOSE)
    .trim();
  const turn = beforeEndOfTurn(text);
  if (turn === null) return aside('furtherTurn');
  // A template that opens the thought and a model that opens it again; likewise at its end.
  const plain = turn
    .replaceAll(/(?:<think>\s*){2,}/g, OPEN)
    .replaceAll(/(?:<\/think>\s*){2,}/g, CLOSE)
    .trim();
  if (plain === '') return aside('empty');
  const parts = divide(plain);
  if (typeof parts === 'string') return aside(parts);
  return checked(original, parts.thought.trim(), parts.conclusion);
}

function aside(problem: ShapeProblem): Shaping {
  return { trace: null, problem };
}

function beforeEndOfTurn(text: string): string | null {
  const end = text.search(endOfTurn);
  if (end < 0) return text;
  const rest = text.slice(end).replaceAll(endOfTurn, '').trim();
  return rest === '' ? text.slice(0, end).trim() : null;
}

function divide(text: string): { thought: string; conclusion: string } | ShapeProblem {
  const opens = text.split(OPEN).length - 1;
  const closes = text.split(CLOSE).length - 1;
  if (opens === 0 && closes === 0) return divideUntagged(text);
  if (opens > 1 || closes > 1) return 'severalThoughts';
  if (closes === 0) return 'cutOff';
  const close = text.indexOf(CLOSE);
  const open = text.indexOf(OPEN);
  if (open > close) return 'disordered';
  // Without an opening the template wrote it: the thought begins with the text.
  const before = open < 0 ? '' : text.slice(0, open).trim();
  const thought = text.slice(open < 0 ? 0 : open + OPEN.length, close).trim();
  const conclusion = text.slice(close + CLOSE.length).trim();
  if (before !== '') return 'disordered';
  if (conclusion === '') return 'noConclusion';
  // A model that was told not to think writes the derivation after an empty thought.
  if (thought === '') return divideUntagged(conclusion);
  return { thought, conclusion };
}

/** Where a solution without tags may be divided, coarse to fine: paragraphs, lines, sentences. */
const seams = [/\n[^\S\n]*\n\s*/g, /\n\s*/g, /(?<=[.!?])\s+(?=[A-Z\\$])/g];

/** The conclusion is the shortest end, by paragraphs, else lines, else sentences, in which the answer is found. */
function divideUntagged(text: string): { thought: string; conclusion: string } | ShapeProblem {
  const found = extractAnswer(text);
  if (found === null) return 'noAnswer';
  if (found.how === 'hash') {
    const mark = text.lastIndexOf('####');
    const thought = text.slice(0, mark);
    return thought.trim() === '' ? 'noSteps' : { thought, conclusion: text.slice(mark) };
  }
  for (const seam of seams) {
    for (const { index, 0: gap } of [...text.matchAll(seam)].reverse()) {
      const [thought, conclusion] = [text.slice(0, index), text.slice(index + gap.length)];
      if (!isBalanced(thought) || thought.replaceAll(answerTags, '').trim() === '') continue;
      if (extractAnswer(conclusion)?.answer === found.answer) return { thought, conclusion };
    }
  }
  return 'noSteps';
}

/** Whether no formula is open at the end of a text. */
function isBalanced(text: string): boolean {
  const times = (part: string) => text.split(part).length - 1;
  const dollars = times('$') - times(String.raw`\$`);
  return (
    dollars % 2 === 0 &&
    times(String.raw`\[`) === times(String.raw`\]`) &&
    times(String.raw`\(`) === times(String.raw`\)`) &&
    times(String.raw`\begin{`) === times(String.raw`\end{`) &&
    times('```') % 2 === 0
  );
}

function checked(original: string, thought: string, rawConclusion: string): Shaping {
  const tagged = rawConclusion.trim();
  const found = extractAnswer(tagged);
  if (found === null) return aside('noAnswer');
  const written = (found.how === 'hash' ? tagged.slice(0, tagged.lastIndexOf('####')) : tagged)
    .replaceAll(answerTags, '')
    .trim();
  const isBoxed = extractAnswer(written)?.how === 'boxed';
  const box = String.raw`\boxed{${found.answer}}`;
  const conclusion = isBoxed ? written : [written, box].filter((part) => part !== '').join('\n\n');
  const text = `${OPEN}\n${thought}\n${CLOSE}\n\n${conclusion}`;
  const before = extractAnswer(original);
  if (before !== null && before.answer !== found.answer) return aside('otherAnswer');
  if (extractAnswer(text)?.answer !== found.answer) return aside('otherAnswer');
  return { trace: { text, thought, conclusion, answer: found.answer }, problem: null };
}
