/**
 * From rows to problems.
 *
 * Owns: applying a mapping, what makes a row unusable, the key of a problem, and finding duplicates. It guesses
 * nothing: that is mapping.ts.
 */
import { createHash } from 'node:crypto';
import { extractAnswer } from '#core/grading/extract.ts';
import { goldAnswer } from '#core/grading/grade.ts';
import { AresError } from '#core/util/errors.ts';
import { type BadRow, type Cell, type Row, valueAt } from './cells.ts';
import { type Dataset, readDataset } from './dataset.ts';
import { ImageError, type ImageSource, imageIdentity, resolveImages } from './images.ts';
import { type ChatMessage, type Mapping, asConversation, guessMapping, lastAnswer, promptTurns } from './mapping.ts';

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

/**
 * Problems of a dataset under a mapping; rows that cannot be used are listed with the reason.
 * @throws AresError bad-data when the mapping has no prompt or no answer
 */
export function toProblems(dataset: Dataset, mapping: Mapping): Problems {
  const { prompt, answer } = mapping;
  if (prompt === null || answer === null) {
    throw new AresError('bad-data', `No column looks like the ${prompt === null ? 'prompt' : 'answer'}.`, {
      where: `${dataset.name} (columns: ${dataset.columns.map(({ name }) => name).join(', ')})`,
      hint: 'Say which column it is.',
    });
  }
  const result: Problems = { problems: [], bad: [], duplicates: [] };
  const firstLines = new Map<string, number>();
  dataset.rows.forEach((row, index) => {
    const line = dataset.lines[index]!;
    try {
      const { problem, digest } = toProblem(row, line, dataset, { ...mapping, prompt, answer });
      result.problems.push(problem);
      const firstLine = firstLines.get(digest);
      if (firstLine === undefined) firstLines.set(digest, line);
      else result.duplicates.push({ line, firstLine });
    } catch (error) {
      if (!(error instanceof RowError || error instanceof ImageError)) throw error;
      result.bad.push({ line, reason: error.message });
    }
  });
  return result;
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

type CompleteMapping = Mapping & { prompt: string; answer: string };

function toProblem(
  row: Row,
  line: number,
  dataset: Dataset,
  mapping: CompleteMapping,
): { problem: Problem; digest: string } {
  const prompt = readPrompt(row, mapping);
  const answer = readAnswerText(row, mapping);
  const images = mapping.images === undefined ? [] : resolveImages(valueAt(row, mapping.images), dataset.imageRoot);
  const digest = digestOf(prompt, images.map(imageIdentity));
  const problem: Problem = {
    key: keyOf(digest),
    id: optionalText(row, mapping.id) ?? String(line),
    prompt,
    answer,
    source: optionalText(row, mapping.source) ?? dataset.name,
    images,
    meta: readMeta(row, line, mapping),
  };
  return { problem, digest };
}

function readPrompt(row: Row, mapping: CompleteMapping): string | ChatMessage[] {
  const value = valueAt(row, mapping.prompt);
  const conversation = asConversation(value);
  if (conversation !== null) {
    const turns = promptTurns(conversation);
    if (!turns.some(({ role, content }) => role === 'user' && content.trim() !== ''))
      throw new RowError('the conversation asks nothing');
    return turns;
  }
  const text = scalarText(value, 'prompt');
  const input = optionalText(row, mapping.input);
  return input === undefined ? text : `${text}\n\n${input}`;
}

function readAnswerText(row: Row, mapping: CompleteMapping): string {
  const value = valueAt(row, mapping.answer);
  const turn = lastAnswer(value);
  const text = turn ?? scalarText(Array.isArray(value) && value.length === 1 ? value[0]! : value, 'answer');
  // A column that is also the worked solution holds the answer somewhere in it; any other is the answer.
  const isSolution = mapping.answer === mapping.response;
  const answer = (isSolution ? extractAnswer(text)?.answer : undefined) ?? goldAnswer(text);
  if (answer === '') throw new RowError('the answer is empty');
  return answer;
}

function readMeta(row: Row, line: number, mapping: Mapping): ProblemMeta {
  const meta: ProblemMeta = { line };
  if (mapping.response !== undefined) {
    const value = valueAt(row, mapping.response);
    const response = lastAnswer(value) ?? (typeof value === 'string' ? value : '');
    if (response.trim() !== '') meta.response = response;
  }
  const level = optionalText(row, mapping.level);
  if (level !== undefined) meta.level = level;
  const group = optionalText(row, mapping.group);
  if (group !== undefined) meta.group = group;
  const passRate = Number(optionalText(row, mapping.passRate) ?? NaN);
  if (passRate >= 0 && passRate <= 1) meta.passRate = passRate;
  return meta;
}

/** A text, number or truth value as text. */
function scalarText(cell: Cell, what: string): string {
  if (cell === null) throw new RowError(`the ${what} is missing`);
  if (typeof cell === 'object') throw new RowError(`the ${what} is not a text`);
  const text = String(cell);
  if (text.trim() === '') throw new RowError(`the ${what} is empty`);
  return text;
}

function optionalText(row: Row, path: string | undefined): string | undefined {
  const cell = path === undefined ? null : valueAt(row, path);
  if (cell === null || typeof cell === 'object' || String(cell).trim() === '') return undefined;
  return String(cell);
}

function cleanSpaces(text: string): string {
  return text.normalize('NFC').replaceAll(/\s+/g, ' ').trim();
}

/** The prompt as duplicates are found by it: Unicode composed, white space of any kind and length one space. */
export function normalisePrompt(prompt: string | readonly ChatMessage[]): string {
  return typeof prompt === 'string'
    ? cleanSpaces(prompt)
    : prompt.map(({ role, content }) => `${role}: ${cleanSpaces(content)}`).join('\n');
}

/** SHA-256 of the normalised prompt and of what identifies its images, as hexadecimal. */
function digestOf(prompt: string | readonly ChatMessage[], images: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256').update(normalisePrompt(prompt));
  for (const image of images) hash.update('\0').update(image);
  return hash.digest('hex');
}

function keyOf(digest: string): number {
  return Number.parseInt(digest.slice(0, 8), 16);
}

/** The key of a problem that was changed; images by their names in the project. */
export function problemKey(prompt: string | readonly ChatMessage[], images: readonly string[]): number {
  return keyOf(digestOf(prompt, images));
}
