/**
 * From rows to problems.
 *
 * Owns: applying a mapping, what makes a row unusable, the key of a problem, and finding duplicates. It guesses
 * nothing: that is mapping.ts.
 */
import { hash } from 'node:crypto';
import { extractAnswer } from '#core/grading/extract.ts';
import { goldAnswer } from '#core/grading/grade.ts';
import { AresError } from '#core/util/errors.ts';
import { type BadRow, type Cell, type CellReader, type Row, cellReader } from './cells.ts';
import { letterOf, readChoices, withChoices } from './choices.ts';
import { type Dataset, readDataset } from './dataset.ts';
import { DigestTable } from './digestTable.ts';
import { ImageError, type ImageRoot, type ImageSource, imageIdentity, resolveImages } from './images.ts';
import {
  MAX_ANSWER_CHARACTERS,
  type ChatMessage,
  type Mapping,
  asConversation,
  choicePaths,
  guessMapping,
  lastAnswer,
  promptTurns,
} from './mapping.ts';

export interface Problem {
  /** Stable 32-bit hash of the normalised prompt and its images: the problem's coordinate in the random numbers. */
  key: number;
  /** From the dataset, else the line. */
  id: string;
  prompt: string | ChatMessage[];
  /** The final answer; of a whole solution the part that is marked as the answer. */
  answer: string;
  /** Where the problem comes from: the dataset's own field, else the dataset's name. */
  source: string;
  images: ImageSource[];
  meta: ProblemMeta;
}

export interface ProblemMeta {
  line: number;
  /** A worked solution. */
  response?: string;
  level?: string;
  /** As measured by whoever made the dataset, in [0, 1]. */
  passRate?: number;
  group?: string;
}

export interface Problems {
  problems: Problem[];
  bad: BadRow[];
  /** Problems whose prompt (spaces aside) and images another has, which comes first. They are kept among the problems. */
  duplicates: { line: number; firstLine: number }[];
}

/** Thrown for a row that is no problem; becomes a bad row. */
class RowError extends Error {}

/** Rows of a dataset into problems, batch by batch, with what was seen in earlier batches. */
export class ProblemBuilder {
  readonly #dataset: { name: string; imageRoot: ImageRoot };
  readonly #readers: Readers;
  readonly #seen = new DigestTable();

  /** @throws AresError bad-data when the mapping has no prompt or no answer */
  constructor(dataset: { name: string; imageRoot: ImageRoot; columns: readonly { name: string }[] }, mapping: Mapping) {
    const { prompt, answer } = mapping;
    if (prompt === null || answer === null) {
      throw new AresError('bad-data', `No column looks like the ${prompt === null ? 'prompt' : 'answer'}.`, {
        where: `${dataset.name} (columns: ${dataset.columns.map(({ name }) => name).join(', ')})`,
        hint: 'Say which column it is.',
      });
    }
    this.#dataset = dataset;
    this.#readers = readersOf({ ...mapping, prompt, answer });
  }

  add({ rows, lines }: { rows: readonly Row[]; lines: readonly number[] }): Problems {
    const result: Problems = { problems: [], bad: [], duplicates: [] };
    rows.forEach((row, index) => {
      const line = lines[index]!;
      try {
        const { problem, digest } = toProblem(row, line, this.#dataset, this.#readers);
        result.problems.push(problem);
        const firstLine = this.#seen.firstLine(digest, line);
        if (firstLine !== null) result.duplicates.push({ line, firstLine });
      } catch (error) {
        if (!(error instanceof RowError || error instanceof ImageError)) throw error;
        result.bad.push({ line, reason: error.message });
      }
    });
    return result;
  }
}

/**
 * Problems of a dataset under a mapping; rows that cannot be used are listed with the reason.
 * @throws AresError bad-data when the mapping has no prompt or no answer
 */
export function toProblems(dataset: Dataset, mapping: Mapping): Problems {
  return new ProblemBuilder(dataset, mapping).add(dataset);
}

/**
 * Reads a file or folder into problems, with a guessed mapping unless one is given.
 * @throws AresError as readDataset does, and bad-data when no row is a problem
 */
export async function loadProblems(
  path: string,
  mapping?: Mapping,
): Promise<Problems & { dataset: Dataset; mapping: Mapping }> {
  const dataset = await readDataset(path);
  const used = mapping ?? guessMapping(dataset.columns, dataset.rows, dataset.images);
  const found = toProblems(dataset, used);
  const bad = [...dataset.bad, ...found.bad].sort((a, b) => a.line - b.line);
  if (found.problems.length === 0) {
    throw new AresError('bad-data', `No row of this dataset can be used (at ${bad[0]!.line}: ${bad[0]!.reason}).`, {
      where: path,
      hint: 'Check that the prompt and the answer are taken from the right columns.',
    });
  }
  return { ...found, bad, dataset, mapping: used };
}

/** The fields of a mapping as readers of rows; null where nothing is mapped. */
type Readers = { [K in Exclude<keyof Mapping, 'choices'>]-?: CellReader | null } & {
  prompt: CellReader;
  answer: CellReader;
  /** One cell with all options, or several with one each. */
  choices: CellReader[];
  /** The answer column is also the worked solution, which holds the answer somewhere. */
  answerIsSolution: boolean;
};

function readersOf(mapping: Mapping & { prompt: string; answer: string }): Readers {
  const optional = (path: string | undefined) => (path === undefined ? null : cellReader(path));
  return {
    prompt: cellReader(mapping.prompt),
    answer: cellReader(mapping.answer),
    input: optional(mapping.input),
    id: optional(mapping.id),
    source: optional(mapping.source),
    images: optional(mapping.images),
    response: optional(mapping.response),
    level: optional(mapping.level),
    passRate: optional(mapping.passRate),
    group: optional(mapping.group),
    choices: choicePaths(mapping).map(cellReader),
    answerIsSolution: mapping.answer === mapping.response,
  };
}

function toProblem(
  row: Row,
  line: number,
  dataset: { name: string; imageRoot: ImageRoot },
  readers: Readers,
): { problem: Problem; digest: string } {
  const choices = choicesOf(row, readers);
  const asked = readPrompt(row, readers);
  const prompt = choices === null ? asked : askWith(asked, (text) => withChoices(text, choices));
  const answer = choices === null ? readAnswerText(row, readers) : letterOf(readers.answer(row), choices);
  if (answer === null) throw new RowError('the answer is none of the options');
  const images = readers.images === null ? [] : resolveImages(readers.images(row), dataset.imageRoot);
  const digest = digestOf(prompt, images.map(imageIdentity));
  const problem: Problem = {
    key: keyOf(digest),
    id: optionalText(row, readers.id) ?? String(line),
    prompt,
    answer,
    source: optionalText(row, readers.source) ?? dataset.name,
    images,
    meta: readMeta(row, line, readers),
  };
  return { problem, digest };
}

/** The options of a row; null where the mapping has none, or the row has not. */
function choicesOf(row: Row, { choices }: Readers) {
  if (choices.length === 0) return null;
  const cells = choices.map((read) => read(row));
  const found = readChoices(cells.length === 1 ? cells[0]! : cells.filter((cell) => cell !== null && cell !== ''));
  if (found === null && cells.some((cell) => cell !== null && cell !== '')) {
    throw new RowError('the options cannot be read');
  }
  return found;
}

/** The prompt with the last question changed. */
function askWith(prompt: string | ChatMessage[], change: (text: string) => string): string | ChatMessage[] {
  if (typeof prompt === 'string') return change(prompt);
  const last = prompt.findLastIndex(({ role }) => role === 'user');
  return prompt.map((turn, i) => (i === last ? { ...turn, content: change(turn.content) } : turn));
}

function readPrompt(row: Row, readers: Readers): string | ChatMessage[] {
  const value = readers.prompt(row);
  const conversation = asConversation(value);
  if (conversation !== null) {
    const turns = promptTurns(conversation);
    if (!turns.some(({ role, content }) => role === 'user' && content.trim() !== ''))
      throw new RowError('the conversation asks nothing');
    return turns;
  }
  const text = scalarText(value, 'prompt');
  const input = optionalText(row, readers.input);
  return input === undefined ? text : `${text}\n\n${input}`;
}

function readAnswerText(row: Row, readers: Readers): string {
  const value = readers.answer(row);
  const turn = lastAnswer(value);
  const text = turn ?? scalarText(Array.isArray(value) && value.length === 1 ? value[0]! : value, 'answer');
  // Finding a marked answer takes longer than in proportion to the text.
  if (text.length > MAX_ANSWER_CHARACTERS)
    throw new RowError(`the answer is longer than ${MAX_ANSWER_CHARACTERS.toLocaleString('en')} characters`);
  const answer = (readers.answerIsSolution ? extractAnswer(text)?.answer : undefined) ?? goldAnswer(text);
  if (answer === '') throw new RowError('the answer is empty');
  return answer;
}

function readMeta(row: Row, line: number, readers: Readers): ProblemMeta {
  const meta: ProblemMeta = { line };
  if (readers.response !== null) {
    const value = readers.response(row);
    const response = lastAnswer(value) ?? (typeof value === 'string' ? value : '');
    if (response.trim() !== '') meta.response = response;
  }
  const level = optionalText(row, readers.level);
  if (level !== undefined) meta.level = level;
  const group = optionalText(row, readers.group);
  if (group !== undefined) meta.group = group;
  const passRate = optionalText(row, readers.passRate);
  if (passRate !== undefined) {
    const value = Number(passRate);
    if (!(value >= 0 && value <= 1)) throw new RowError('the pass rate is not a number from 0 to 1');
    meta.passRate = value;
  }
  return meta;
}

/** A text, number or truth value as text. */
function scalarText(cell: Cell, what: string): string {
  if (cell === null) throw new RowError(`the ${what} is missing`);
  if (typeof cell === 'object') throw new RowError(`the ${what} is not a text`);
  // What pandas writes where a number is missing.
  if (typeof cell === 'number' && !Number.isFinite(cell)) throw new RowError(`the ${what} is not a number`);
  const text = String(cell);
  if (text.trim() === '') throw new RowError(`the ${what} is empty`);
  return text;
}

function optionalText(row: Row, read: CellReader | null): string | undefined {
  const cell = read === null ? null : read(row);
  if (cell === null || typeof cell === 'object' || Number.isNaN(cell) || String(cell).trim() === '') return undefined;
  return String(cell);
}

/** Texts that are clean already are the rule, and cleaning is what costs most. */
const needsCleaning = /[^\x20-\x7e]|  |^ | $/;

function cleanSpaces(text: string): string {
  return needsCleaning.test(text) ? text.normalize('NFC').replaceAll(/\s+/g, ' ').trim() : text;
}

/** The prompt as duplicates are found by it: Unicode composed, white space of any kind and length one space. */
export function normalisePrompt(prompt: string | readonly ChatMessage[]): string {
  return typeof prompt === 'string'
    ? cleanSpaces(prompt)
    : prompt.map(({ role, content }) => `${role}: ${cleanSpaces(content)}`).join('\n');
}

/** SHA-256 of the normalised prompt and of what identifies its images, as hexadecimal. */
function digestOf(prompt: string | readonly ChatMessage[], images: readonly (string | Uint8Array)[]): string {
  const text = normalisePrompt(prompt);
  if (images.length === 0) return hash('sha256', text, 'hex');
  const parts = [Buffer.from(text), ...images.flatMap((image) => [ZERO, Buffer.from(image)])];
  return hash('sha256', Buffer.concat(parts), 'hex');
}

const ZERO = Buffer.from([0]);

function keyOf(digest: string): number {
  return Number.parseInt(digest.slice(0, 8), 16);
}

/** The key of a problem that was changed; images by their names in the project. */
export function problemKey(prompt: string | readonly ChatMessage[], images: readonly string[]): number {
  return keyOf(digestOf(prompt, images));
}
