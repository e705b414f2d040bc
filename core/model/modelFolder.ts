/**
 * A Hugging Face model folder as a whole: opened, and written so that transformers opens it too.
 *
 * Owns: which files make up a folder, what is carried over into a trained copy, and when weights are
 * split into shards. The meaning of each file is in config.ts, weights.ts, tokenizer.ts and
 * chatTemplate.ts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AresError } from '#core/util/errors.ts';
import { writeFlushed, writeFolderAtomic } from '#core/util/atomicFiles.ts';
import { type ChatTemplate, findChatTemplate } from './chatTemplate.ts';
import { parseTextConfig, readTokenIds, type TextConfig, type WeightDtype } from './config.ts';
import { type JsonObject, readJsonObject } from './json.ts';
import { parameterSpecs } from './parameters.ts';
import { type TensorToWrite, writeSafetensors } from './safetensors.ts';
import { dtypeBytes } from './safetensorsHeader.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';
import { ADAPTER_CONFIG_FILE, adapterAlone, INDEX_FILE, WEIGHTS_FILE } from './weights.ts';

export interface ModelFolder {
  folder: string;
  config: TextConfig;
  /** config.json as it stands. */
  rawConfig: JsonObject;
  /** Tokens that end a response, from generation_config.json and config.json together. */
  stopIds: number[];
  /** Loaded on first use; throws as loadTokenizer does. */
  readonly tokenizer: Tokenizer;
  /** Loaded on first use; null when the model has none. */
  readonly chatTemplate: ChatTemplate | null;
  readonly hasChatTemplate: boolean;
}

export interface SaveOptions {
  /** Narrower than float32 rounds every weight to nearest even. */
  dtype: WeightDtype;
  /** A shard is closed before it exceeds this. */
  maxShardBytes?: number;
}

export const CONFIG_FILE = 'config.json';
export const GENERATION_CONFIG_FILE = 'generation_config.json';
const DEFAULT_SHARD_BYTES = 4_000_000_000;

/** Files that training does not change, copied where the source has them. */
const carriedFiles = [
  GENERATION_CONFIG_FILE,
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'processor_config.json',
  'LICENSE',
  'NOTICE',
];

const storedDtypes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

/**
 * Opens a folder: reads its configuration, nothing large.
 * @throws AresError 'not-found', 'bad-file' or 'unsupported'
 */
export function openModelFolder(folder: string): ModelFolder {
  const path = join(folder, CONFIG_FILE);
  if (!existsSync(path)) {
    if (existsSync(join(folder, ADAPTER_CONFIG_FILE))) throw adapterAlone(folder);
    throw new AresError('not-found', 'There is no config.json in this folder.', {
      where: folder,
      hint: 'Choose a Hugging Face model folder, with config.json, tokenizer.json and .safetensors weights.',
    });
  }
  const rawConfig = readJsonObject(path);
  const config = parseTextConfig(rawConfig, path);
  let tokenizer: Tokenizer | undefined;
  let chatTemplate: ChatTemplate | null | undefined;
  return {
    folder,
    config,
    rawConfig,
    stopIds: readStopIds(folder, rawConfig, config),
    get tokenizer() {
      return (tokenizer ??= loadTokenizer(folder));
    },
    get chatTemplate() {
      if (chatTemplate === undefined) chatTemplate = findChatTemplate(folder);
      return chatTemplate;
    },
    get hasChatTemplate() {
      return this.chatTemplate !== null;
    },
  };
}

/**
 * Writes a trained copy of a model as a new folder, atomically.
 * @param target must not exist
 * @param source the folder the weights descend from
 * @param weights every parameter of source.config, by name
 * @throws AresError 'usage' when the target exists, 'unsupported' when a weight does not fit the dtype
 */
export function saveModelFolder(
  target: string,
  source: ModelFolder,
  weights: ReadonlyMap<string, Float32Array>,
  options: SaveOptions,
): void {
  if (existsSync(target)) {
    throw new AresError('usage', 'This folder already exists.', { where: target, hint: 'Choose another name.' });
  }
  const tensors = tensorsToWrite(source.config, weights, options.dtype);
  const shards = splitIntoShards(tensors, options.maxShardBytes ?? DEFAULT_SHARD_BYTES);
  writeFolderAtomic(target, (temporary) => {
    carryFiles(source.folder, temporary);
    writeJson(join(temporary, CONFIG_FILE), withDtype(source.rawConfig, options.dtype));
    const only = shards.length === 1 ? shards[0] : undefined;
    if (only === undefined) writeShards(temporary, shards);
    else writeSafetensors(join(temporary, WEIGHTS_FILE), only);
  });
}

/** Copies what training does not change, except files of the given names. */
export function carryFiles(from: string, to: string, except: readonly string[] = []): void {
  for (const name of carriedFiles) {
    const path = join(from, name);
    if (!except.includes(name) && existsSync(path)) writeFlushed(join(to, name), [readFileSync(path)]);
  }
}

function readStopIds(folder: string, rawConfig: JsonObject, config: TextConfig): number[] {
  const path = join(folder, GENERATION_CONFIG_FILE);
  const generation = existsSync(path) ? readTokenIds(readJsonObject(path), 'eos_token_id', path, null) : [];
  // The family's default applies only where no file says anything: it may be an ordinary token here.
  const own = rawConfig['eos_token_id'] === undefined && generation.length > 0 ? [] : config.eosIds;
  return [...new Set([...generation, ...own])];
}

function tensorsToWrite(
  config: TextConfig,
  weights: ReadonlyMap<string, Float32Array>,
  dtype: WeightDtype,
): TensorToWrite[] {
  const specs = parameterSpecs(config);
  if (weights.size !== specs.length) {
    throw new AresError('internal', `${weights.size} weights were given to save; the model has ${specs.length}.`);
  }
  return specs.map(({ name, shape }) => {
    const data = weights.get(name);
    if (data === undefined) throw new AresError('internal', `The weights to save lack "${name}".`);
    if (dtype === 'float16') refuseOverflow(name, data);
    return { name, shape, data, ...(dtype === 'float32' ? {} : { dtype: storedDtypes[dtype] }) };
  });
}

/** @throws AresError 'unsupported'; the largest float32 that rounds to a finite float16 is just below 65520 */
export function refuseOverflow(name: string, data: Float32Array): void {
  const beyond = data.find((value) => Math.abs(value) >= 65520);
  if (beyond === undefined) return;
  throw new AresError('unsupported', `A weight of "${name}" is ${beyond}, which float16 cannot hold.`, {
    hint: 'Save as bfloat16 or float32.',
  });
}

function splitIntoShards(tensors: readonly TensorToWrite[], maxBytes: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [];
  let shardBytes = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (shards.length === 0 || shardBytes + bytes > maxBytes) {
      shards.push([]);
      shardBytes = 0;
    }
    shards.at(-1)!.push(tensor);
    shardBytes += bytes;
  }
  return shards;
}

function bytesOf({ data, dtype }: TensorToWrite): number {
  return data.length * dtypeBytes[dtype ?? 'F32'];
}

function writeShards(folder: string, shards: readonly (readonly TensorToWrite[])[]): void {
  const weightMap: Record<string, string> = {};
  for (const [index, tensors] of shards.entries()) {
    const file = `model-${fiveDigits(index + 1)}-of-${fiveDigits(shards.length)}.safetensors`;
    writeSafetensors(join(folder, file), tensors);
    for (const { name } of tensors) weightMap[name] = file;
  }
  const total = shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  writeJson(join(folder, INDEX_FILE), { metadata: { total_size: total }, weight_map: weightMap });
}

function fiveDigits(number: number): string {
  return String(number).padStart(5, '0');
}

/** The configuration with its dtype changed, under the name (or names) it is already written. */
function withDtype(rawConfig: JsonObject, dtype: WeightDtype): JsonObject {
  const names = ['dtype', 'torch_dtype'].filter((name) => name in rawConfig);
  // transformers before 4.56 knows only torch_dtype, later versions read both.
  const written = names.length > 0 ? names : ['torch_dtype'];
  return { ...rawConfig, ...Object.fromEntries(written.map((name) => [name, dtype])) };
}

export function writeJson(path: string, value: JsonObject): void {
  writeFlushed(path, [`${JSON.stringify(value, null, 2)}\n`]);
}
