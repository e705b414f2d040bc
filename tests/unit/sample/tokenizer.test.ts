/** The tokenizer files, read by the tokenizer library: whole words, exact text, the ids the corpus writes. */
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawQuestionPieces } from '#core/sample/problems.ts';
import { promptIds, responseIds, sampleModelConfig, sampleModelFiles } from '#core/sample/tokenizer.ts';
import { renderTrace } from '#core/sample/traces.ts';
import type { Style } from '#core/sample/traces.ts';
import { SLOW_WORDS, TURN_END, VOCABULARY_SIZE, WORD_PIECES, pieceId, splitPieces } from '#core/sample/vocabulary.ts';
import { arbitraryChain, arbitraryRandom } from './arbitrary.ts';

const files = sampleModelFiles();
const tokenizer = new Tokenizer(JSON.parse(files['tokenizer.json']!), JSON.parse(files['tokenizer_config.json']!));
const template = new Template(files['chat_template.jinja']!);

describe('vocabulary', () => {
  it('is small, has no duplicates and is as large as config.json says', () => {
    expect(new Set(WORD_PIECES).size).toBe(WORD_PIECES.length);
    expect(tokenizer.get_vocab().size).toBe(VOCABULARY_SIZE);
    expect(sampleModelConfig.vocab_size).toBe(VOCABULARY_SIZE);
    expect(VOCABULARY_SIZE).toBeLessThanOrEqual(448);
  });

  it('cuts every one of its words out as one piece', () => {
    for (const piece of WORD_PIECES) {
      expect(splitPieces(piece)).toEqual([piece]);
      expect(tokenizer.encode(piece).ids).toEqual([pieceId(piece)]);
    }
  });

  it('names the word when a piece is unknown', () => {
    expect(() => pieceId(' divide')).toThrow(expect.objectContaining({ code: 'internal', where: '" divide"' }));
  });
});

describe('tokenizer', () => {
  it('encodes a rendered conversation to the ids the corpus writes, and decodes them to the exact text', () => {
    fc.assert(
      fc.property(arbitraryChain, fc.array(fc.boolean(), { minLength: 5 }), arbitraryRandom, (chain, slow, random) => {
        const question = drawQuestionPieces(random, chain);
        const styles = chain.operations.map((_, step): Style => (slow[step] === true ? 'slow' : 'fast'));
        const trace = renderTrace(chain, styles, random);
        const content = question.join('').slice(1);
        const prompt = template.render({ messages: [{ role: 'user', content }], add_generation_prompt: true });
        const response = trace.join('');
        expect(tokenizer.encode(prompt).ids).toEqual([...promptIds(question)]);
        expect(tokenizer.encode(response + TURN_END).ids).toEqual([...responseIds(trace)]);
        expect(tokenizer.decode([...promptIds(question)])).toBe(prompt);
        // The think tags survive, the end of the turn does not.
        expect(tokenizer.decode([...responseIds(trace)], { skip_special_tokens: true })).toBe(response);
      }),
    );
  });

  it('keeps prompts within 45 tokens for up to four steps', () => {
    fc.assert(
      fc.property(arbitraryChain, arbitraryRandom, (chain, random) => {
        const short = { ...chain, operations: chain.operations.slice(0, 4) };
        expect(promptIds(drawQuestionPieces(random, short)).length).toBeLessThanOrEqual(45);
      }),
    );
  });

  it('round-trips any text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text).ids)).toBe(text);
      }),
    );
  });

  it('spells foreign words in bytes, whose ids are the bytes', () => {
    expect(tokenizer.encode('zoé').ids).toEqual([...Buffer.from('zoé')]);
  });

  it('decodes each trigger word from a single token', () => {
    const decoded = SLOW_WORDS.map((word) => tokenizer.decode([pieceId(` ${word}`)]).trim());
    expect(decoded).toEqual([...SLOW_WORDS]);
  });

  it('stops at the end of the turn', () => {
    const generation = JSON.parse(files['generation_config.json']!) as { eos_token_id: number[] };
    expect(generation.eos_token_id.map((id) => tokenizer.id_to_token(id))).toEqual(['<|im_end|>', '<|endoftext|>']);
    expect(tokenizer.id_to_token(sampleModelConfig.eos_token_id)).toBe('<|im_end|>');
  });
});
