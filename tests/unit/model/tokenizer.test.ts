/** Tokenizers of both kinds: ids as the reference library gives them, and refusal of everything else. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer, loadTokenizer } from '#core/model/tokenizer.ts';
import { AresError } from '#core/util/errors.ts';
import { byteLevelTokenizer, sentencePieceTokenizer, temporaryFolder, withField, writeJson } from './tinyModel.ts';

const byteLevel = createTokenizer(byteLevelTokenizer(), 'tokenizer.json');
const sentencePiece = createTokenizer(sentencePieceTokenizer(), 'tokenizer.json');

const refuse = (json: Record<string, unknown>, code: string, message: RegExp) =>
  expect(() => createTokenizer(json, 'tokenizer.json')).toThrow(
    expect.objectContaining({
      code,
      message: expect.stringMatching(message),
      where: expect.stringContaining('tokenizer.json'),
      hint: expect.any(String),
    }),
  );

const bend = (path: (string | number)[], value: unknown) => withField(byteLevelTokenizer(), path, value);

// The expected ids and texts are those of Hugging Face tokenizers 0.23.2 for the same files.
describe('byte-level (Qwen, Llama 3)', () => {
  it.each([
    ['hello', [100, 102, 78]],
    ["Hello, he'll", [39, 68, 102, 78, 11, 101, 6, 102]],
    ['cafe\u0301', [66, 64, 69, 103]],
    ['he<think>2+2</think>\n\n  he', [100, 105, 17, 10, 17, 106, 95, 95, 94, 101]],
    [' hello  hello', [101, 102, 78, 94, 101, 102, 78]],
    ['<|end|>he</s>', [104, 100, 27, 14, 82, 29]],
    ['', []],
  ])('%j', (text, ids) => {
    expect([...byteLevel.encode(text)]).toEqual(ids);
    expect([...byteLevel.encode(text, { addSpecialTokens: true })]).toEqual([...ids, 104]);
    expect(byteLevel.decode(ids)).toBe(text.normalize('NFC'));
  });

  it.each([
    [[96, 71], '\ufffdh'],
    [[98, 99], '\ufffd'],
    [[97, 97], '\ufffd\ufffd'],
    [[96, 97], 'é'],
    [[96, 104, 97], '\ufffd<|end|>\ufffd'],
  ])('decodes incomplete characters %j', (ids, text) => {
    expect(byteLevel.decode(ids)).toBe(text);
  });

  it('leaves special tokens out on request, joining the bytes around them', () => {
    expect(byteLevel.decode([96, 104, 97, 105], { skipSpecial: true })).toBe('é<think>');
  });

  it('knows its size and special tokens, and gives no text for padding ids', () => {
    expect(byteLevel.vocabSize).toBe(107);
    expect([...byteLevel.specialIds]).toEqual([104]);
    expect(byteLevel.decode(Int32Array.of(100, 5000, -1, 102))).toBe('hell');
    expect(byteLevel.decodeToken(5000)).toBe('');
  });

  it('shows single tokens', () => {
    expect([101, 106, 103, 96].map((id) => byteLevel.decodeToken(id))).toEqual([' he', '</think>', 'é', '\ufffd']);
  });

  it("splits on Unicode's white space, not JavaScript's, where ByteLevel does the splitting", () => {
    // U+0085 is white space, so both line breaks stay together in front of it; it has no token here.
    const { model } = byteLevelTokenizer();
    const merges = [...model.merges, 'Ċ Ċ'];
    const json = {
      ...byteLevelTokenizer(),
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      model: { ...model, merges, vocab: { ...model.vocab, ĊĊ: 107 } },
    };
    expect([...createTokenizer(json, 'x').encode('\n\n\u0085he')]).toEqual([107, 100]);
  });
});

describe('sentencepiece-like (Llama 2)', () => {
  it.each([
    ['hello', [264, 266, 263], 'hello'],
    [' hello  hello', [259, 264, 266, 263, 259, 264, 266, 263], ' hello  hello'],
    ['a\ufeffb', [259, 100, 242, 190, 194, 101], 'a\ufeffb'],
    ['é🙂', [259, 198, 172, 243, 162, 156, 133], 'é🙂'],
    ['<|end|>he</s>', [259, 63, 127, 261, 113, 103, 127, 65, 265, 2], '<|end|>he</s>'],
  ])('%j', (text, ids, decoded) => {
    expect([...sentencePiece.encode(text)]).toEqual(ids);
    expect([...sentencePiece.encode(text, { addSpecialTokens: true })]).toEqual([1, ...ids]);
    expect(sentencePiece.decode(ids)).toBe(decoded);
  });

  it.each([
    [[198, 260], '\ufffdh'],
    [[243, 162, 156], '\ufffd\ufffd\ufffd'],
    [[68, 258, 68], '\ufffd\ufffd\ufffd'],
    [[259, 259, 264], '  he'],
    [[1, 264, 229], '<s> he\ufffd'],
    [[242, 190, 194], '\ufeff'],
  ])('decodes byte tokens %j', (ids, text) => {
    expect(sentencePiece.decode(ids)).toBe(text);
  });

  it('shows single tokens with the space they bring', () => {
    expect([264, 265, 198].map((id) => sentencePiece.decodeToken(id))).toEqual([' he', 'he', '\ufffd']);
  });
});

describe('round trip', () => {
  it('a tokenizer with byte fallback gives any text back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const ids = sentencePiece.encode(text);
        expect([...ids].every((id) => id >= 0 && id < sentencePiece.vocabSize)).toBe(true);
        expect(sentencePiece.decode(ids)).toBe(text.replaceAll('▁', ' '));
      }),
    );
  });

  it('a byte-level tokenizer gives text of its alphabet back', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...' \n!heloé<think>9~') }), (text) => {
        expect(byteLevel.decode(byteLevel.encode(text))).toBe(text);
      }),
    );
  });
});

describe('files that are not accepted', () => {
  it.each<[string, (string | number)[], unknown, RegExp]>([
    ['no model', ['model'], undefined, /"model"/],
    ['no merges', ['model', 'merges'], undefined, /"merges"/],
    ['merges that are no list', ['model', 'merges'], { a: 'b' }, /"merges"/],
    ['a merge of one', ['model', 'merges', 2], 'ab', /Merge 2/],
    ['a merge of three', ['model', 'merges', 0], ['a', 'b', 'c'], /Merge 0/],
    ['a merge into nothing', ['model', 'merges', 3], 'q q', /Merge 3.*"qq"/],
    ['no vocabulary', ['model', 'vocab'], undefined, /"vocab"/],
    ['a vocabulary that is a list', ['model', 'vocab'], ['a', 'b'], /"vocab"/],
    ['an id as text', ['model', 'vocab', 'he'], '100', /"he".*"100"/],
    ['a negative id', ['model', 'vocab', 'he'], -1, /"he"/],
    ['an id of a billion', ['model', 'vocab', 'he'], 1e9, /"he"/],
    ['an id twice', ['model', 'vocab', 'he'], 5, /id 5/],
    ['added tokens that are no list', ['added_tokens'], {}, /added_tokens/],
    ['an added token without text', ['added_tokens', 0, 'content'], '', /added token/],
    ['an added token on the id of another', ['added_tokens', 0, 'id'], 3, /contradicts/],
    ['two added tokens on one id', ['added_tokens', 1, 'id'], 104, /contradicts/],
    ['a pre-tokenizer that is no object', ['pre_tokenizer'], 'ByteLevel', /pre_tokenizer/],
    ['a sequence without parts', ['pre_tokenizer', 'pretokenizers'], undefined, /pretokenizers/],
    ['a pattern that is none', ['pre_tokenizer', 'pretokenizers', 0, 'pattern'], { Regex: '(' }, /cannot be used/],
  ])('%s is a bad file', (_, path, value, message) => {
    refuse(bend(path, value), 'bad-file', message);
  });

  it.each<[string, (string | number)[], unknown, RegExp]>([
    ['WordPiece', ['model', 'type'], 'WordPiece', /WordPiece/],
    ['dropout', ['model', 'dropout'], 0.1, /dropout/],
    ['prefixes inside of words', ['model', 'continuing_subword_prefix'], '##', /continuing_subword_prefix/],
    ['whole-word tokens', ['added_tokens', 0, 'single_word'], true, /single_word/],
    ['a BERT normalizer', ['normalizer'], { type: 'BertNormalizer' }, /BertNormalizer/],
    [
      'a nested normalizer',
      ['normalizer'],
      { type: 'Sequence', normalizers: [{ type: 'Precompiled' }] },
      /Precompiled/,
    ],
    ['another way to split', ['pre_tokenizer', 'pretokenizers', 0, 'behavior'], 'MergedWithNext', /MergedWithNext/],
    [
      'splitting at ▁',
      ['pre_tokenizer'],
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first' },
      /Metaspace/,
    ],
    ['a type from the prototype', ['pre_tokenizer'], { type: 'constructor' }, /constructor/],
    ['a BERT template', ['post_processor'], { type: 'BertProcessing' }, /BertProcessing/],
    ['a WordPiece decoder', ['decoder'], { type: 'WordPiece' }, /WordPiece/],
    ['no decoder', ['decoder'], null, /decoder/],
  ])('%s is unsupported', (_, path, value, message) => {
    refuse(bend(path, value), 'unsupported', message);
  });

  it('a template that adds an unknown token fails instead of adding token 0', () => {
    const json = bend(['post_processor', 'single', 1, 'SpecialToken', 'id'], '<|gone|>');
    expect(() => createTokenizer(json, 'x').encode('he', { addSpecialTokens: true })).toThrow(
      expect.objectContaining({ code: 'bad-file' }),
    );
  });

  it('no change of one value ever gives another exception', () => {
    const paths = allPaths(byteLevelTokenizer()).filter((path) => !path.includes('vocab') || path.at(-1) === 'he');
    const junk = fc.constantFrom<unknown>(null, undefined, 0, -1, 1.5, '', 'x', [], {}, true, [[]], { type: 'x' });
    fc.assert(
      fc.property(fc.constantFrom(...paths), junk, (path, value) => {
        try {
          createTokenizer(bend(path, value), 'x').encode('he<think> é 12', { addSpecialTokens: true });
        } catch (error) {
          expect(error).toBeInstanceOf(AresError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('loadTokenizer', () => {
  it('reads tokenizer.json of a folder', () => {
    const folder = temporaryFolder();
    writeJson(folder, 'tokenizer.json', byteLevelTokenizer());
    expect(loadTokenizer(folder).vocabSize).toBe(107);
  });

  it('completes a file that leaves optional sections out', () => {
    const { model, decoder } = byteLevelTokenizer();
    expect([...createTokenizer({ model: { ...model, type: undefined }, decoder }, 'x').encode('hell')]).toEqual([
      100, 102,
    ]);
  });

  it('takes merges as texts, as pairs, and as both', () => {
    const texts = byteLevelTokenizer().model.merges;
    const both = texts.map((merge, i) => (i % 2 === 0 ? merge : merge.split(' ')));
    const mixed = createTokenizer(withField(byteLevelTokenizer(), ['model', 'merges'], both), 'x');
    expect([...mixed.encode(' hello é')]).toEqual([...byteLevel.encode(' hello é')]);
  });

  it('says what is missing', () => {
    const folder = temporaryFolder();
    expect(() => loadTokenizer(folder)).toThrow(expect.objectContaining({ code: 'not-found', where: folder }));
    writeFileSync(join(folder, 'tokenizer.model'), 'x');
    expect(() => loadTokenizer(folder)).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('tokenizer.model') }),
    );
    writeFileSync(join(folder, 'tokenizer.json'), '{"model":');
    expect(() => loadTokenizer(folder)).toThrow(expect.objectContaining({ code: 'bad-file' }));
  });
});

function allPaths(value: unknown, prefix: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const path = [...prefix, Array.isArray(value) ? Number(key) : key];
    return [path, ...allPaths(child, path)];
  });
}
