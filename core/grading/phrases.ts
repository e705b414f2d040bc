/**
 * Answers that a sentence announces: "the answer is 12", "**Final Answer:** east", "The final answer is that n = 3".
 *
 * Owns: finding the sentence and what in it is the answer. A sentence that is an answer as a whole is taken as a
 * whole; else the formula or number it ends in.
 */
import { type AnswerStyle, choiceLetter, leadingChoiceLetter, readAnswer } from './answer.ts';
import { lastChoice, lastNumber, mathSegments } from './unmarked.ts';

export interface Phrase {
  answer: string;
  /** Whether it was announced as the final answer. */
  isFinal: boolean;
}

const announcement =
  /\b(final\s+)?(?:answers?|r[ée]ponse|respuesta|correct (?:option|choice|answer))\b(?: to [^.\n:]{1,80}?)?(?:[*\s]{1,4}(?:is|are|should be|must be|would be|will be|equals|est|es)\b|["*\s]{0,4}[:=：]|\**\s*\n)[*\s:：]{0,6}(?:(?:therefore|thus|simply|just|clearly|indeed|that)\s)?|答案(?:是|为|：|:)\s*/gi;

/** Sentences after "the answer is" that say nothing about it. */
const empty =
  /^(?:correct|incorrect|right|wrong|not|yes|no|as follows|given|found|obtained|shown|below|above|in|to|indeed|also|given by)\b[^\d\\]*$/i;
const MAX_TRIED = 4;
const MAX_SENTENCE_LENGTH = 400;

/** The answer that the last announcement gives; announcements that give none are passed over. */
export function lastPhrase(text: string, style: AnswerStyle): Phrase | null {
  const starts = [...text.matchAll(announcement)];
  for (const match of starts.slice(-MAX_TRIED).reverse()) {
    const start = match.index + match[0].length;
    const sentence = sentenceAt(text.slice(start, start + MAX_SENTENCE_LENGTH));
    const answer = sentence === null ? null : answerIn(sentence, style);
    if (answer !== null) return { answer, isFinal: match[1] !== undefined };
  }
  return null;
}

/** The first sentence of a text, without Markdown emphasis: a full stop ends it unless digits follow. */
function sentenceAt(text: string): string | null {
  const plain = text.replaceAll('**', '').trimStart();
  // A displayed formula may have line breaks in it.
  const displayed = /^(?:\\\[[^]*?\\\]|\$\$[^]*?\$\$)/.exec(plain)?.[0];
  if (displayed !== undefined) return displayed;
  const end = plain.search(/\n|\.(?:\s|$)|。/);
  const found = (end < 0 ? plain : plain.slice(0, end)).trim();
  return found === '' ? null : found;
}

/** What in a sentence is the answer; null when nothing is. */
function answerIn(sentence: string, style: AnswerStyle): string | null {
  if (style === 'choice') return choiceIn(sentence);
  if (isFormula(sentence)) return sentence;
  const segments = mathSegments(sentence);
  const first = segments[0];
  if (first?.start === 0 && isFormula(first.text)) return first.text;
  const named = /^.*\b(?:is|are|equals|be|was|by|of)\s+(\S.*)$/.exec(sentence)?.[1];
  if (named !== undefined && isFormula(named)) return named;
  const last = segments.at(-1);
  if (last !== undefined && isFormula(last.text)) return last.text;
  const leading = sentence.split(
    /[,;]\s|\s(?:because|since|as|so|which|where|when|if|for|in|and|with)\s|\s?[([](?=[a-z])/,
    1,
  )[0]!;
  if (leading !== sentence && isFormula(leading)) return leading;
  if (style === 'numeric') return lastNumber(sentence)?.text ?? null;
  return empty.test(sentence)
    ? null
    : (named ?? sentence).length < sentence.length && style !== 'words'
      ? named!
      : sentence;
}

/** Whether a text is a formula and nothing else; words of prose read as units or products of letters do not count. */
function isFormula(text: string): boolean {
  const answer = readAnswer(text);
  return answer !== null && answer.formula !== null;
}

/** "for sure D, it can't be A": the first letter that is named; no article at the beginning of a sentence. */
function choiceIn(sentence: string): string | null {
  const whole = choiceLetter(sentence) ?? leadingChoiceLetter(sentence);
  if (whole !== null) return whole;
  const letter = /(?<![\w'(])\(?(?:([B-HJ])\b|([AI])\b(?!\)? [a-z]))(?!')/.exec(sentence);
  return letter?.[1] ?? letter?.[2] ?? lastChoice(sentence);
}
