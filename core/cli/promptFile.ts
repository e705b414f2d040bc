/**
 * Prompts given on the command line or in a file, as token ids of a model.
 *
 * Owns: the forms a line of a prompt file may have. Rendering through the chat template is
 * runs/prompts.ts, so that a prompt typed here becomes the very tokens it becomes in a run.
 */
import { readFile } from 'node:fs/promises';
import type { RolloutJob } from '#core/engine/api.ts';
import type { ChatMessage } from '#core/model/chatTemplate.ts';
import { isObject } from '#core/model/json.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import { type PromptImages, openPromptImages } from '#core/runs/promptImages.ts';
import { prepareProblems } from '#core/runs/prompts.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { readJsonLinesStrictly } from './jsonLines.ts';

/** A user's text, a whole chat, or tokens as they are. */
export type Prompt = { text: string; images?: readonly string[] } | { messages: ChatMessage[] } | { ids: number[] };

/** A prompt as an engine takes it in. */
export type EncodedPrompt = Pick<RolloutJob, 'promptIds' | 'images'>;

const LINE_HINT = 'A line is {"prompt": "…"}, {"messages": [{"role": "user", "content": "…"}]} or {"ids": [1, 2, …]}.';

/** @throws AresError 'bad-data' naming the line */
export async function readPromptFile(path: string): Promise<Prompt[]> {
  const prompts = await readJsonLinesStrictly(path, readPrompt, LINE_HINT);
  if (prompts.length > 0) return prompts;
  throw new AresError('bad-data', 'There is no prompt in this file.', { where: path, hint: LINE_HINT });
}

function readPrompt(value: unknown): Prompt | string {
  if (typeof value === 'string') return { text: value };
  if (!isObject(value)) return 'it is no JSON object';
  const { prompt, messages, ids } = value;
  if (typeof prompt === 'string') return { text: prompt };
  const chat = messages ?? prompt;
  if (Array.isArray(chat)) {
    return chat.length > 0 && chat.every(isTextMessage)
      ? { messages: chat }
      : 'its messages are not all of text with a role';
  }
  if (Array.isArray(ids)) return ids.length > 0 && ids.every(isTokenId) ? { ids } : 'its ids are not all token ids';
  return 'it has neither prompt nor messages nor ids';
}

function isTextMessage(value: unknown): value is ChatMessage {
  return isObject(value) && typeof value['role'] === 'string' && typeof value['content'] === 'string';
}

function isTokenId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

/**
 * Every prompt as token ids, with its images.
 * @param plain encode the text as the tokenizer does on its own, without the chat template
 * @throws AresError 'bad-data' for ids the model does not have and images that cannot be read, 'unsupported' for
 *   images where the model cannot see
 */
export async function encodePrompts(
  model: ModelFolder,
  prompts: readonly Prompt[],
  plain: boolean,
): Promise<EncodedPrompt[]> {
  const hasImages = prompts.some((prompt) => 'text' in prompt && (prompt.images?.length ?? 0) > 0);
  const images = hasImages ? openPromptImages(model, readImageFile) : null;
  const encoded: EncodedPrompt[] = [];
  for (const prompt of prompts) {
    const one = await encodePrompt(model, prompt, plain, images);
    const beyond = one.promptIds.find((id) => id >= model.config.vocabSize);
    if (beyond !== undefined) {
      throw new AresError(
        'bad-data',
        `A prompt has the token ${beyond}, but the model has ${model.config.vocabSize} tokens.`,
        {
          where: model.folder,
          hint: 'Check that tokenizer.json and config.json belong to the same model.',
        },
      );
    }
    encoded.push(one);
  }
  return encoded;
}

async function readImageFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((thrown: unknown) => {
    throw toAresError(thrown);
  });
}

async function encodePrompt(
  model: ModelFolder,
  prompt: Prompt,
  plain: boolean,
  images: PromptImages | null,
): Promise<EncodedPrompt> {
  if ('ids' in prompt) return { promptIds: Int32Array.from(prompt.ids) };
  if (!plain) {
    const problem =
      'text' in prompt
        ? { prompt: prompt.text, ...(prompt.images === undefined ? {} : { images: prompt.images }) }
        : { prompt: prompt.messages };
    const [prepared] = await prepareProblems(model, [problem], images);
    const { promptIds, imageInputs } = prepared!;
    return { promptIds, ...(imageInputs === undefined ? {} : { images: await imageInputs() }) };
  }
  if ('text' in prompt && prompt.images === undefined)
    return { promptIds: model.tokenizer.encode(prompt.text, { addSpecialTokens: true }) };
  throw new AresError('usage', 'A chat of messages, or a prompt with images, cannot be given --plain.', {
    hint: 'Give its text as {"prompt": "…"}.',
  });
}
