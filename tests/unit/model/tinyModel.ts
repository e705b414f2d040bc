/**
 * Small model folders and tokenizers that the tests of this room write themselves, so that every
 * field can be bent on its own. No shared fixtures are needed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseTextConfig } from '#core/model/config.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { type TensorToWrite, writeSafetensors } from '#core/model/safetensors.ts';

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ares-model-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** config.json of a Qwen3 model small enough to write in a millisecond. */
export const tinyConfig = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  vocab_size: 20,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 6,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
  eos_token_id: 7,
  torch_dtype: 'float32',
};

/** All tensors of a configuration, every value different. */
export function tinyTensors(config: object = tinyConfig): (TensorToWrite & { data: Float32Array })[] {
  let next = 0;
  return parameterSpecs(parseTextConfig(config, 'tiny')).map(({ name, shape }) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return { name, shape, data: Float32Array.from({ length }, () => Math.sin(next++)) };
  });
}

export function writeJson(folder: string, name: string, value: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(value));
}

/** A whole folder; returns its path. */
export function writeTinyModel({
  config = tinyConfig as object,
  tensors = tinyTensors(config) as TensorToWrite[],
} = {}): string {
  const folder = temporaryFolder();
  writeJson(folder, 'config.json', config);
  writeJson(folder, 'tokenizer.json', byteLevelTokenizer());
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}

/** Splits tensors over two files with an index; returns the names of the files. */
export function writeShards(folder: string, tensors: TensorToWrite[]): [string, string] {
  const files: [string, string] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const halves = [tensors.slice(0, 5), tensors.slice(5)];
  const weightMap: Record<string, string> = {};
  halves.forEach((half, i) => {
    writeSafetensors(join(folder, files[i]!), half);
    for (const { name } of half) weightMap[name] = files[i]!;
  });
  writeJson(folder, 'model.safetensors.index.json', { metadata: {}, weight_map: weightMap });
  return files;
}

const qwenPattern = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** Printable ASCII stands for itself; Ġ is a space, Ċ a line break, Ã © the two bytes of é. */
const bytes = [...Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)), 'Ġ', 'Ċ', 'Ã', '©', 'ð', 'Ł'];

function addedToken(id: number, content: string, special: boolean) {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}

/** A byte-level tokenizer like Qwen's: 100 bytes, 4 merges, 3 added tokens. */
export function byteLevelTokenizer() {
  const merges = ['h e', 'Ġ he', 'l l', 'Ã ©'];
  const vocab = Object.fromEntries(
    [...bytes, ...merges.map((merge) => merge.replace(' ', ''))].map((token, id) => [token, id]),
  );
  return {
    version: '1.0',
    added_tokens: [
      addedToken(104, '<|end|>', true),
      addedToken(105, '<think>', false),
      addedToken(106, '</think>', false),
    ],
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: qwenPattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '<|end|>', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<|end|>': { id: '<|end|>', ids: [104], tokens: ['<|end|>'] } },
    },
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: { type: 'BPE', dropout: null, unk_token: null, byte_fallback: false, vocab, merges },
  };
}

/** A tokenizer like Llama 2's: ▁ for spaces, bytes spelled <0xNN> where nothing else fits. */
export function sentencePieceTokenizer() {
  const byteTokens = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  const merges = ['h e', '▁ he', 'l l'];
  const tokens = ['<unk>', '<s>', '</s>', ...byteTokens, '▁', 'h', 'e', 'l', 'o', '▁he', 'he', 'll'];
  return {
    version: '1.0',
    added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => addedToken(id, content, true)),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** The tokenizer with one value replaced, addressed by a path of keys; undefined removes it. */
export function withField(
  document: object,
  path: readonly (string | number)[],
  value: unknown,
): Record<string, unknown> {
  const copy = structuredClone(document) as Record<string, unknown>;
  let target = copy;
  for (const key of path.slice(0, -1)) target = target[key] as Record<string, unknown>;
  const last = path.at(-1)!;
  if (value !== undefined) target[last] = value;
  else if (Array.isArray(target)) target.splice(Number(last), 1);
  else delete target[last];
  return copy;
}
