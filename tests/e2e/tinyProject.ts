/**
 * A project small enough to be trained from beginning to end in a few seconds, and the command line to do
 * it with. The model is random and knows twelve tokens, two of them digits: a third of its answers is
 * right by chance, so every stage has something to learn from.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import { parseTextConfig } from '#core/model/config.ts';
import { initialWeights } from '#core/model/initialise.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { writeSafetensors } from '#core/model/safetensors.ts';

const main = resolve(import.meta.dirname, '..', '..', 'core', 'cli', 'main.ts');

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ares-run-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const words = ['b', 'c', 'd', 'e', 'f', 'g', 'h'];
/** As in tokenizer.json, where Ġ is a space and Ċ a line break. */
const pieces = ['Ġ1', 'Ġ2', ...words.map((word) => `Ġ${word}`), 'a', 'Ċ'];
const END = '<|end|>';
const config = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  vocab_size: pieces.length + 1,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  max_position_embeddings: 64,
  tie_word_embeddings: false,
  eos_token_id: pieces.length,
  torch_dtype: 'float32',
};

const imageTokens = ['<|vision_start|>', '<|image_pad|>', '<|vision_end|>'];
const visionConfig = {
  ...config,
  architectures: ['Qwen2_5_VLForConditionalGeneration'],
  model_type: 'qwen2_5_vl',
  vocab_size: pieces.length + 1 + imageTokens.length,
  rope_scaling: { type: 'mrope', mrope_section: [2, 1, 1] },
  vision_start_token_id: pieces.length + 1,
  image_token_id: pieces.length + 2,
  video_token_id: 1_000,
  vision_config: {
    depth: 1,
    fullatt_block_indexes: [0],
    hidden_size: 8,
    num_heads: 2,
    intermediate_size: 16,
    out_hidden_size: 16,
    patch_size: 14,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    window_size: 112,
    in_channels: 3,
  },
};
const imageProcessor = { patch_size: 14, merge_size: 2, temporal_patch_size: 2, min_pixels: 784, max_pixels: 3136 };
const imageTemplate =
  '{% for message in messages %}{% if message.content is string %}{{ message.content }}{% else %}' +
  '{% for part in message.content %}{% if part.type == "image" %}' +
  imageTokens.join('') +
  '{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}{{ "\\n" }}{% endfor %}';

/** @param seesImages a Qwen2.5-VL model with a tower of one layer, in place of a text model */
export function writeTinyModel(folder: string, seesImages = false): string {
  const specials = seesImages ? [END, ...imageTokens] : [END];
  const modelConfig = seesImages ? visionConfig : config;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const tokenizer = {
    version: '1.0',
    added_tokens: specials.map((content, i) => ({
      id: pieces.length + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: ' ?[a-z0-9]|\\n' }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: [],
    },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(modelConfig));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  if (seesImages) {
    writeFileSync(join(folder, 'chat_template.jinja'), imageTemplate);
    writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(imageProcessor));
  }
  const parsed = parseTextConfig(modelConfig, 'tiny');
  const weights = initialWeights(parsed, 3, 0.05);
  const tensors = parameterSpecs(parsed).map(({ name, shape }) => ({ name, shape, data: weights.get(name)! }));
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}

/** Problems whose answers are 1 or 2. */
export function writeProblems(file: string, count: number): string {
  const rows = Array.from({ length: count }, (_, i) => ({
    question: `a ${words[i % 7]} ${words[Math.floor(i / 7) % 7]}`,
    answer: String(1 + (i % 2)),
  }));
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

/** Every third problem of text alone, the others with one image or two, placed by the text or in front of it. */
export async function writeImageProblems(folder: string, count: number): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const colours = ['red', 'green', 'blue', 'black', 'white'];
  for (const [i, background] of colours.entries()) {
    const size = { width: 28 * (1 + (i % 2)), height: 28, channels: 3 as const, background };
    await sharp({ create: size })
      .png()
      .toFile(join(folder, `${background}.png`));
  }
  const image = (i: number) => `${colours[i % colours.length]}.png`;
  const rows = Array.from({ length: count }, (_, i) => ({
    question: `${i % 3 === 2 ? '<image>' : ''}a ${words[i % 7]}${i % 3 === 2 ? '<image>' : ''} ${words[Math.floor(i / 7) % 7]}`,
    images: i % 3 === 0 ? [] : i % 3 === 1 ? [image(i)] : [image(i), image(i + 1)],
    answer: String(1 + (i % 2)),
  }));
  const file = join(folder, 'data.jsonl');
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

/** Every stage, with branching, extra samples and several checkpoints. */
export const tinyRecipe = {
  version: 1,
  name: 'Tiny',
  seed: 5,
  label: { samples: 4, extraSamples: 2, extraAtMost: 1, maxNewTokens: 16, responsesPerChunk: 12 },
  coldStart: {
    curation: { selection: 'vanilla', brackets: 4, perBracket: 4 },
    epochs: 2,
    batchSize: 4,
    schedule: { peak: 0.01, warmupSteps: 1 },
  },
  policy: {
    preset: 'aepo',
    method: { groupSize: 4, count: { vocabulary: ['b', 'c'] } },
    steps: 12,
    promptsPerStep: 3,
    maxDraws: 2,
    schedule: { peak: 0.01 },
    maxNewTokens: 16,
  },
  evaluation: { samples: 2, maxNewTokens: 16, responsesPerChunk: 8 },
  compare: { resamples: 200 },
  checkpoints: { everySteps: 2, keep: 2 },
  engine: { threads: 1 },
};

/** Writes model, data and recipe into a folder; returns the arguments of `ares run` but for --out. */
export function writeTinyInputs(folder: string, recipe: object = tinyRecipe): string[] {
  const model = writeTinyModel(join(folder, 'model'));
  const data = writeProblems(join(folder, 'data.jsonl'), 30);
  const file = join(folder, 'recipe.json');
  writeFileSync(file, JSON.stringify(recipe));
  return ['--model', model, '--data', data, '--recipe', file];
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningAres {
  child: ChildProcess;
  /** What it has written so far. */
  output: Readonly<{ stdout: string; stderr: string }>;
  ended: Promise<Ended>;
}

/** Starts `ares` in a process group of its own. */
export function startAres(...args: string[]): RunningAres {
  const child = spawn(process.execPath, [main, ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => (output.stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output.stderr += text.toString()));
  const ended = new Promise<Ended>((done) => {
    child.on('close', (code, signal) => done({ code, signal, ...output }));
  });
  return { child, output, ended };
}

export function ares(...args: string[]): Promise<Ended> {
  return startAres(...args).ended;
}
