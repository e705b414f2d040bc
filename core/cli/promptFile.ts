/**
 * Prompts given on the command line or in a file, as token ids of a model.
 *
 * Owns: the forms a line of a prompt file may have. Rendering through the chat template is
 * runs/prompts.ts, so that a prompt typed here becomes the very tokens it becomes in a run.
 */
import type { ChatMessage } from '#core/model/chatTemplate.ts';
import { isObject } from '#core/model/json.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import { prepareProblems } from '#core/runs/prompts.ts';
import { AresError } from '#core/util/errors.ts';
import { readJsonLinesStrictly } from './jsonLines.ts';

/** A user's text, a whole chat, or tokens as they are. */
export type Prompt = { text: string } | { messages: ChatMessage[] } | { ids: number[] };

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
 * Token ids of every prompt.
 * @param plain encode the text as the tokenizer does on its own, without the chat template
 * @throws AresError 'bad-data' for ids the model does not have
 */
export function encodePrompts(model: ModelFolder, prompts: readonly Prompt[], plain: boolean): Int32Array[] {
  return prompts.map((prompt) => {
    const ids = encodePrompt(model, prompt, plain);
    const beyond = ids.find((id) => id >= model.config.vocabSize);
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
    return ids;
  });
}

function encodePrompt(model: ModelFolder, prompt: Prompt, plain: boolean): Int32Array {
  if ('ids' in prompt) return Int32Array.from(prompt.ids);
  if (!plain) {
    const chat = 'text' in prompt ? prompt.text : prompt.messages;
    return prepareProblems(model, [{ prompt: chat }])[0]!.promptIds;
  }
  if ('text' in prompt) return model.tokenizer.encode(prompt.text, { addSpecialTokens: true });
  throw new AresError('usage', 'A chat of messages cannot be given --plain.', {
    hint: 'Give its text as {"prompt": "…"}.',
  });
}
