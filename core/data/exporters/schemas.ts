/**
 * Labelled problems in the shapes that other trainers read.
 *
 * Owns: the columns of each shape as rows and as a Parquet schema: a flat table, EasyR1, verl, and
 * LLaMA-Factory's chats. Each carries the pass rate as `average_accuracy`, which their online filters read.
 * Writing files is parquetFile.ts and the caller's.
 */
import type { ChatMessage } from '#core/data/mapping.ts';
import { type Field, binary, float64, int64, list, struct, text } from './parquetFile.ts';

/** A problem as it leaves, with the newest label of one model where it has one. */
export interface ExportedProblem {
  id: string;
  prompt: string | readonly ChatMessage[];
  answer: string;
  source: string;
  split: string;
  /** Contents of its image files, in the order in which the prompt refers to them. */
  images: readonly Uint8Array[];
  label: ExportedLabel | null;
}

export interface ExportedLabel {
  correct: number;
  samples: number;
  temperature: number;
  maxNewTokens: number;
  /** 95 % interval of the pass rate. */
  intervalLow: number;
  intervalHigh: number;
  meanLengthTokens: number;
  grader: string;
  /** Where the model is that was measured, and what it is. */
  model: string;
  modelSha256: string;
}

/** A table: named, typed columns and rows of plain values. */
export interface ExportTable {
  fields: readonly Field[];
  rows: Record<string, unknown>[];
}

const labelFields: readonly Field[] = [
  float64('average_accuracy'),
  int64('correct'),
  int64('n'),
  float64('temperature'),
  int64('max_new_tokens'),
  float64('interval_low'),
  float64('interval_high'),
  float64('mean_length_tokens'),
  text('grader'),
  text('model'),
  text('model_sha256'),
];

function labelColumns(label: ExportedLabel | null): Record<string, unknown> {
  if (label === null) return Object.fromEntries(labelFields.map(({ name }) => [name, null]));
  const { correct, samples, temperature, maxNewTokens, intervalLow, intervalHigh, meanLengthTokens } = label;
  return {
    average_accuracy: correct / samples,
    correct,
    n: samples,
    temperature,
    max_new_tokens: maxNewTokens,
    interval_low: intervalLow,
    interval_high: intervalHigh,
    mean_length_tokens: meanLengthTokens,
    grader: label.grader,
    model: label.model,
    model_sha256: label.modelSha256,
  };
}

const imageField = list('images', struct('element', [binary('bytes'), text('path')]));

function imageCells(images: readonly Uint8Array[]): unknown[] {
  return images.map((bytes) => ({ bytes, path: null }));
}

/** The last thing the user says; what came before it is only in the chats. */
function promptText(prompt: ExportedProblem['prompt']): string {
  return typeof prompt === 'string' ? prompt : (prompt.findLast(({ role }) => role === 'user')?.content ?? '');
}

function promptMessages(prompt: ExportedProblem['prompt']): { role: string; content: string }[] {
  return typeof prompt === 'string'
    ? [{ role: 'user', content: prompt }]
    : prompt.map(({ role, content }) => ({ role, content }));
}

const chatField = (name: string) => list(name, struct('element', [text('role'), text('content')]));

/** One row per problem, flat. Where some are conversations, a column of messages has every turn of all. */
export function flatTable(problems: readonly ExportedProblem[]): ExportTable {
  const hasChats = problems.some(({ prompt }) => typeof prompt !== 'string');
  return {
    fields: [
      text('id'),
      text('problem'),
      ...(hasChats ? [chatField('messages')] : []),
      text('answer'),
      text('source'),
      text('split'),
      imageField,
      ...labelFields,
    ],
    rows: problems.map(({ id, prompt, answer, source, split, images, label }) => ({
      id,
      problem: promptText(prompt),
      ...(hasChats ? { messages: promptMessages(prompt) } : {}),
      answer,
      source,
      split,
      images: imageCells(images),
      ...labelColumns(label),
    })),
  };
}

/** EasyR1: `prompt_key: problem`, `answer_key: answer`, `image_key: images`; `<image>` marks where images stand. */
export function easyR1Table(problems: readonly ExportedProblem[]): ExportTable {
  return {
    fields: [text('problem'), text('answer'), imageField, text('id'), text('source'), ...labelFields],
    rows: problems.map(({ id, prompt, answer, source, images, label }) => ({
      problem: withImageMarks(promptText(prompt), images.length),
      answer,
      images: imageCells(images),
      id,
      source,
      ...labelColumns(label),
    })),
  };
}

/** verl: `prompt` as a chat, the gold in `reward_model.ground_truth`. */
export function verlTable(problems: readonly ExportedProblem[]): ExportTable {
  return {
    fields: [
      text('data_source'),
      chatField('prompt'),
      text('ability'),
      struct('reward_model', [text('style'), text('ground_truth')]),
      struct('extra_info', [text('split'), int64('index'), text('id')]),
      imageField,
      ...labelFields,
    ],
    rows: problems.map(({ id, prompt, answer, source, split, images, label }, index) => ({
      data_source: source,
      prompt: markedMessages(prompt, images.length),
      ability: 'math',
      reward_model: { style: 'rule', ground_truth: answer },
      extra_info: { split, index, id },
      images: imageCells(images),
      ...labelColumns(label),
    })),
  };
}

const IMAGE_MARK = '<image>';

/** A mark for every image: those the text has, or as many at its beginning. */
function withImageMarks(prompt: string, images: number): string {
  return images === 0 || prompt.includes(IMAGE_MARK) ? prompt : IMAGE_MARK.repeat(images) + prompt;
}

function markedMessages(prompt: ExportedProblem['prompt'], images: number): { role: string; content: string }[] {
  const messages = promptMessages(prompt);
  const last = messages.findLastIndex(({ role }) => role === 'user');
  return messages.map((message, i) =>
    i === last ? { ...message, content: withImageMarks(message.content, images) } : message,
  );
}

/** A trace for supervised fine-tuning. */
export interface ExportedTrace {
  prompt: ExportedProblem['prompt'];
  response: string;
  /** Paths relative to the data file. */
  images: readonly string[];
}

/** LLaMA-Factory: chats in one file, and the entry of dataset_info.json that names its columns. */
export function llamaFactoryFiles(
  name: string,
  traces: readonly ExportedTrace[],
): { fileName: string; chats: object[]; info: object } {
  const fileName = `${name}.json`;
  const hasImages = traces.some(({ images }) => images.length > 0);
  return {
    fileName,
    chats: traces.map(({ prompt, response, images }) => ({
      messages: [...markedMessages(prompt, images.length), { role: 'assistant', content: response }],
      ...(hasImages ? { images } : {}),
    })),
    info: {
      [name]: {
        file_name: fileName,
        formatting: 'sharegpt',
        columns: { messages: 'messages', ...(hasImages ? { images: 'images' } : {}) },
        tags: {
          role_tag: 'role',
          content_tag: 'content',
          user_tag: 'user',
          assistant_tag: 'assistant',
          system_tag: 'system',
        },
      },
    },
  };
}
