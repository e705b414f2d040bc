/**
 * Which columns of a dataset are what.
 *
 * Owns: guessing the prompt, the answer and the rest from the names of columns and from their content, and the
 * recognition of conversations. Applying a mapping is problems.ts; a person may change it before.
 */
import { goldAnswer } from '#core/grading/grade.ts';
import { type Cell, type Column, type Row, cellReader, isObject } from './cells.ts';
import { letterOf, readChoices } from './choices.ts';

/**
 * Paths of columns; a dotted path leads into nested values ("reward_model.ground_truth"). A path to a conversation
 * means its turns before the last answer where it stands for the prompt, and that answer where it stands for answer or response.
 */
export interface Mapping {
  /** null when no column looks like it. */
  prompt: string | null;
  answer: string | null;
  /** Added to the prompt, after a blank line (the "input" of Alpaca). */
  input?: string;
  id?: string;
  source?: string;
  images?: string;
  /** A worked solution, for supervised training. */
  response?: string;
  level?: string;
  /** Share of right answers that somebody measured, in [0, 1]. */
  passRate?: string;
  /** What must not be on both sides of a split: the seed a problem was made from, an exam, an author. Never guessed. */
  group?: string;
  /** Options of multiple choice: a path to all of them, or one path for each, joined by " | ". */
  choices?: string;
}

/** The paths that `choices` names. */
export function choicePaths({ choices }: Pick<Mapping, 'choices'>): string[] {
  return choices === undefined ? [] : choices.split(' | ');
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** Names by preference, lower case, words joined by "_". */
const names = {
  chat: 'messages conversations conversation prompt chat dialogue',
  prompt: 'problem question prompt query instruction input text extra_info.question',
  answer:
    'final_answer reward_model.ground_truth ground_truth gold_answer gold expected_answer correct_answer reference_answer ' +
    'answer answerkey answer_key answer_index answer_idx target solution output completion response label extra_info.answer',
  response: 'response solution output completion generated_solution rationale reasoning cot trace generation',
  id: 'id uid uuid unique_id problem_id question_id qid extra_info.id index idx extra_info.index',
  source: 'source data_source dataset origin subset category subject type domain',
  level: 'level difficulty grade extra_info.level extra_info.difficulty',
  passRate: 'pass_rate passrate average_accuracy accuracy solve_rate success_rate extra_info.pass_rate',
  choices: 'choices options candidates answer_choices extra_info.options extra_info.choices',
} as const;

function normalised(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}.]+/gu, '_')
    .replace(/^_|_$/g, '');
}

/** More columns than any table of problems has: each is looked at in every row of the sample. */
const MAX_GUESSED_PATHS = 1000;

/** Enough rows to tell what a column holds. */
const SAMPLE_ROWS = 50;

/** Guesses a mapping from the columns, their first rows, and the columns known to hold images. */
export function guessMapping(
  columns: readonly Column[],
  rows: readonly Row[],
  images: readonly string[] = [],
): Mapping {
  const sample = rows.slice(0, SAMPLE_ROWS);
  const paths = columnPaths(columns, sample).slice(0, MAX_GUESSED_PATHS);
  const find = (
    wanted: string,
    accepts: (cell: Cell) => boolean,
    taken: readonly (string | undefined)[] = [],
  ): string | undefined =>
    wanted
      .split(' ')
      .flatMap((name) => paths.filter((path) => normalised(path) === name))
      .find((path) => !taken.includes(path) && mostly(sample, path, accepts));

  const chat = find(names.chat, isConversation) ?? paths.find((path) => mostly(sample, path, isConversation));
  const prompt = chat ?? find(names.prompt, isText) ?? null;
  const endsWithAnswer = chat !== undefined && mostly(sample, chat, (cell) => lastAnswer(cell) !== null);
  const answer = find(names.answer, isScalar, [prompt ?? undefined]) ?? (endsWithAnswer ? chat : undefined) ?? null;
  const response = endsWithAnswer
    ? chat
    : findResponse(sample, answer, find(names.response, isText, [prompt ?? undefined]));
  const mapping: Mapping = { prompt, answer };
  const input =
    chat === undefined && normalised(prompt ?? '') === 'instruction' ? find('input context', isTextOrEmpty) : undefined;
  const optional: Record<Exclude<keyof Mapping, 'prompt' | 'answer' | 'group'>, string | undefined> = {
    choices: findChoices(sample, paths, answer),
    input,
    id: find(names.id, isScalar),
    source: find(names.source, isText, [prompt ?? undefined, answer ?? undefined]),
    images: images[0],
    response,
    level: find(names.level, isScalar, [answer ?? undefined]),
    passRate: find(names.passRate, isShare),
  };
  return Object.assign(mapping, Object.fromEntries(Object.entries(optional).filter(([, path]) => path !== undefined)));
}

/** Options in one column, or in columns A, B, C, …; only where the answers name one of them. */
function findChoices(sample: readonly Row[], paths: readonly string[], answer: string | null): string | undefined {
  if (answer === null) return undefined;
  const letters = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].filter((letter) => paths.includes(letter));
  const named = names.choices.split(' ').flatMap((name) => paths.filter((path) => normalised(path) === name));
  const candidates = letters.length >= 2 ? [...named, letters.join(' | ')] : named;
  const answerOf = cellReader(answer);
  return candidates.find((candidate) => {
    const readers = choicePaths({ choices: candidate }).map(cellReader);
    const fitting = sample.filter((row) => {
      const cells = readers.map((read) => read(row));
      const choices = readChoices(
        cells.length === 1 ? cells[0]! : cells.filter((cell) => cell !== null && cell !== ''),
      );
      return choices !== null && letterOf(answerOf(row), choices) !== null;
    });
    return fitting.length * 2 > sample.length;
  });
}

/** A whole solution, at most: finding a marked answer takes longer than in proportion to the text. */
export const MAX_ANSWER_CHARACTERS = 200_000;

function isSolution(cell: Cell): boolean {
  return typeof cell === 'string' && cell.length <= MAX_ANSWER_CHARACTERS && goldAnswer(cell) !== cell.trim();
}

/** A column of solutions; also the answers themselves when they are solutions that mark their result. */
function findResponse(sample: readonly Row[], answer: string | null, named: string | undefined): string | undefined {
  if (named !== undefined && named !== answer) return named;
  if (answer === null) return undefined;
  return mostly(sample, answer, isSolution) ? answer : undefined;
}

/** Deeper fields are not offered: nobody looks for a question that far down. */
const MAX_PATH_DEPTH = 4;

/** Every path that can be mapped: the columns, and the fields of those that hold objects. */
export function columnPaths(columns: readonly Column[], sample: readonly Row[]): string[] {
  return columns.flatMap(({ name, type }) =>
    pathsFrom(
      name,
      sample.map((row) => row[name] ?? null),
      type === 'image' ? 0 : MAX_PATH_DEPTH,
    ),
  );
}

function pathsFrom(path: string, cells: readonly Cell[], depth: number): string[] {
  const first = cells.map((cell) => (Array.isArray(cell) ? (cell[0] ?? null) : null));
  // The first item of a list of objects, such as the first turn of a conversation.
  if (depth > 0 && first.some(isObject)) return [path, ...pathsFrom(`${path}[0]`, first, depth - 1).slice(1)];
  const object = cells.find(isObject);
  if (object === undefined || depth === 0) return [path];
  // A name with a dot cannot be told from two names.
  const keys = Object.keys(object).filter((key) => !key.includes('.'));
  const below = keys.flatMap((key) =>
    pathsFrom(
      `${path}.${key}`,
      cells.map((cell) => (isObject(cell) ? (cell[key] ?? null) : null)),
      depth - 1,
    ),
  );
  return [path, ...below];
}

/** Whether most of the rows that have a value at the path have one that is accepted, and some row has. */
function mostly(sample: readonly Row[], path: string, accepts: (cell: Cell) => boolean): boolean {
  const values = sample.map(cellReader(path)).filter((cell) => cell !== null);
  return values.filter(accepts).length * 2 > values.length;
}

function isText(cell: Cell): boolean {
  return typeof cell === 'string' && cell.trim() !== '';
}

function isTextOrEmpty(cell: Cell): boolean {
  return typeof cell === 'string';
}

function isScalar(cell: Cell): boolean {
  return isText(cell) || typeof cell === 'number' || typeof cell === 'boolean';
}

function isShare(cell: Cell): boolean {
  const value = typeof cell === 'string' && cell.trim() !== '' ? Number(cell) : cell;
  return typeof value === 'number' && value >= 0 && value <= 1;
}

// Conversations ------------------------------------------------------------------------------------

const roles: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  model: 'assistant',
  bot: 'assistant',
};

/** The turns of a conversation (OpenAI: role and content, ShareGPT: from and value); null for anything else. */
export function asConversation(cell: Cell): ChatMessage[] | null {
  if (!Array.isArray(cell) || cell.length === 0) return null;
  const messages: ChatMessage[] = [];
  for (const turn of cell) {
    if (!isObject(turn)) return null;
    const role = roles[String(turn['role'] ?? turn['from']).toLowerCase()];
    const content = textOf(turn['content'] ?? turn['value'] ?? null);
    if (role === undefined || content === null) return null;
    messages.push({ role, content });
  }
  return messages;
}

/** The text of a turn; of a list of parts (text and images) the texts, with a mark where an image stands. */
function textOf(content: Cell): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  const parts = content.map((part) => {
    if (!isObject(part)) return null;
    if (typeof part['text'] === 'string') return part['text'];
    return String(part['type']).startsWith('image') ? '<image>' : null;
  });
  return parts.includes(null) ? null : parts.join('');
}

function isConversation(cell: Cell): boolean {
  return asConversation(cell) !== null;
}

/** The turns before the answer that a conversation ends with; all of them when it ends with a question. */
export function promptTurns(messages: readonly ChatMessage[]): ChatMessage[] {
  let end = messages.length;
  while (end > 0 && messages[end - 1]!.role === 'assistant') end--;
  return messages.slice(0, end);
}

/** The last turn of a conversation when it is an answer. */
export function lastAnswer(cell: Cell): string | null {
  const last = asConversation(cell)?.at(-1);
  return last?.role === 'assistant' ? last.content : null;
}
