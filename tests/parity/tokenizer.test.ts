/** Token ids, decoded text and rendered chats against transformers, for every model folder of the fixtures. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type ChatMessage, loadChatTemplate, renderChat } from '#core/model/chatTemplate.ts';
import { loadTokenizer } from '#core/model/tokenizer.ts';
import { describeWithShared, sharedPath } from '../shared.ts';

interface Reference {
  tokenizer: { text: string; ids: number[]; decoded: string }[];
  chat: { messages: ChatMessage[]; text: string }[];
}

describeWithShared('tokenizer and chat template', () => {
  it.each(['llama-tiny', 'qwen2-tiny', 'qwen3-tiny', 'qwen2_5_vl-tiny'])('%s', (name) => {
    const folder = sharedPath('fixtures', 'hf', name);
    const reference = JSON.parse(readFileSync(`${folder}/reference.json`, 'utf8')) as Reference;
    const tokenizer = loadTokenizer(folder);
    const template = loadChatTemplate(folder);
    expect(reference.tokenizer.length).toBeGreaterThan(10);
    expect(reference.chat.length).toBeGreaterThan(1);

    for (const { text, ids, decoded } of reference.tokenizer) {
      expect([...tokenizer.encode(text)], text).toEqual(ids);
      expect([...tokenizer.encode(text, { addSpecialTokens: true })], text).toEqual(ids);
      expect(tokenizer.decode(ids), text).toBe(decoded);
    }
    for (const { messages, text } of reference.chat) {
      expect(renderChat(template, messages, { addGenerationPrompt: true })).toBe(text);
    }
  });
});
