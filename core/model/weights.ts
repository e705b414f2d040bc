/**
 * The weights of a model folder: found, checked against the configuration, then read as float32.
 *
 * Owns: single files and sharded checkpoints with an index, and the comparison of what the
 * configuration promises with what the files hold. Every check is made on headers, before any data
 * is read. Pickled checkpoints (.bin, .pt) are refused: reading one runs code from it.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AresError } from '#core/util/errors.ts';
import type { TextConfig } from './config.ts';
import { isObject, readJsonObject, shorten } from './json.ts';
import { parameterSpecs, type ParameterSpec } from './parameters.ts';
import { readFloat32, readSafetensorsHeader } from './safetensors.ts';
import type { SafetensorsHeader } from './safetensorsHeader.ts';

export const WEIGHTS_FILE = 'model.safetensors';
export const ADAPTER_CONFIG_FILE = 'adapter_config.json';
export const INDEX_FILE = 'model.safetensors.index.json';
const EMBEDDING = 'model.embed_tokens.weight';
const OUTPUT_PROJECTION = 'lm_head.weight';

/**
 * Loads all parameters of a text model.
 * @returns name → values in row-major order, in forward order of parameterSpecs(config)
 * @throws AresError 'not-found', 'unsupported' (pickles, quantised weights) or 'bad-file' naming file,
 *   tensor, expected and found shapes
 */
export function loadWeights(folder: string, config: TextConfig): Map<string, Float32Array> {
  const sources = checkWeights(folder, config);
  return new Map(parameterSpecs(config).map(({ name }) => [name, readSource(sources.get(name)!)]));
}

/**
 * Makes sure that the weights are those the configuration promises, by their headers alone.
 * @returns where each tensor is
 * @throws AresError as loadWeights
 */
export function checkWeights(folder: string, config: TextConfig): ReadonlyMap<string, TensorSource> {
  const sources = locateTensors(folder);
  const specs = parameterSpecs(config);
  const problems = [...missingTensors(specs, sources, config), ...unexpectedTensors(specs, sources, config)];
  if (problems.length > 0) {
    throw new AresError('bad-file', problems.join(' '), {
      where: folder,
      hint: 'config.json and the weights do not belong together, or the model has parts that are not supported.',
    });
  }
  for (const spec of specs) checkShape(spec, sources.get(spec.name)!);
  if (config.tiedEmbeddings) checkTiedOutput(sources);
  return sources;
}

function readSource({ header, stored }: TensorSource): Float32Array {
  return readFloat32(header, stored);
}

/** Every tensor of the folder with the file that holds it. */
function locateTensors(folder: string): Map<string, TensorSource> {
  const single = join(folder, WEIGHTS_FILE);
  if (existsSync(single)) return tensorsOf([readSafetensorsHeader(single)]);
  const index = join(folder, INDEX_FILE);
  if (existsSync(index)) return locateShardedTensors(folder, index);
  throw noWeights(folder);
}

function locateShardedTensors(folder: string, index: string): Map<string, TensorSource> {
  const weightMap = readWeightMap(index);
  const shards = new Map<string, SafetensorsHeader>();
  for (const shard of new Set(weightMap.values())) {
    const path = join(folder, shard);
    if (!existsSync(path)) {
      const count = new Set(weightMap.values()).size;
      throw new AresError('bad-file', `The file ${shard} is missing; the index names ${count} files.`, {
        where: folder,
        hint: 'The download is not complete. Download the missing file.',
      });
    }
    shards.set(shard, readSafetensorsHeader(path));
  }
  for (const [name, shard] of weightMap) {
    if (!shards.get(shard)!.tensors.has(name)) {
      throw new AresError('bad-file', `The index says that tensor "${name}" is in ${shard}, but it is not.`, {
        where: index,
        hint: 'Index and weight files come from different downloads; download both again.',
      });
    }
  }
  return tensorsOf([...shards.values()]);
}

/** Tensor name → shard file name, each checked to lie in the model's own folder. */
function readWeightMap(index: string): Map<string, string> {
  const weightMap = readJsonObject(index)['weight_map'];
  if (!isObject(weightMap)) {
    throw new AresError('bad-file', 'The index has no "weight_map".', {
      where: index,
      hint: 'Download the file again.',
    });
  }
  return new Map(
    Object.entries(weightMap).map(([name, shard]) => {
      if (typeof shard === 'string' && isPlainFileName(shard)) return [name, shard];
      throw new AresError(
        'bad-file',
        `The index puts tensor "${name}" into ${shorten(shard)}, which is no file of this folder.`,
        {
          where: index,
          hint: 'Do not use this model: an index has no reason to point elsewhere.',
        },
      );
    }),
  );
}

function isPlainFileName(name: string): boolean {
  return basename(name) === name && !/[\\/:\0]/.test(name) && name.endsWith('.safetensors');
}

/** Where a tensor is, and what it is called there. */
export interface TensorSource {
  header: SafetensorsHeader;
  stored: string;
}

/** transformers 5 nests the parts of a multimodal model one deeper in memory, and some files keep that. */
function canonicalName(stored: string): string {
  return stored.replace(/^model\.language_model\./, 'model.').replace(/^model\.visual\./, 'visual.');
}

/** The name of a multimodal model's weight in memory of transformers 5, from the one files mostly have. */
export function moduleName(name: string): string {
  return name.startsWith('visual.') ? `model.${name}` : name.replace(/^model\./, 'model.language_model.');
}

function tensorsOf(headers: readonly SafetensorsHeader[]): Map<string, TensorSource> {
  const sources = new Map<string, TensorSource>();
  for (const header of headers) {
    for (const stored of header.tensors.keys()) {
      const name = canonicalName(stored);
      const other = sources.get(name)?.header;
      if (other !== undefined) {
        throw new AresError(
          'bad-file',
          `Tensor "${name}" is in ${basename(other.path)} and in ${basename(header.path)}.`,
          {
            where: header.path,
            hint: 'The files come from different downloads; download the model again.',
          },
        );
      }
      sources.set(name, { header, stored });
    }
  }
  return sources;
}

/** What is said of a folder that holds an adapter where a model is needed. */
export function adapterAlone(folder: string): AresError {
  return new AresError('unsupported', 'This folder holds a LoRA adapter, not a whole model.', {
    where: folder,
    hint: 'Open the base model the adapter was trained on, or merge the two with PEFT first.',
  });
}

function noWeights(folder: string): AresError {
  const names = readdirSync(folder);
  if (names.some((name) => /\.(bin|pt|pth|ckpt)$/.test(name))) {
    return new AresError(
      'unsupported',
      'This folder has its weights as a Python pickle only, which is never opened here.',
      {
        where: folder,
        hint: 'Reading a pickle runs code from it. Use a model with .safetensors files, or convert it in Python first.',
      },
    );
  }
  if (names.includes(ADAPTER_CONFIG_FILE)) return adapterAlone(folder);
  return new AresError('not-found', `There is neither ${WEIGHTS_FILE} nor ${INDEX_FILE} in this folder.`, {
    where: folder,
    hint: 'Choose a Hugging Face model folder with .safetensors weights.',
  });
}

function missingTensors(
  specs: readonly ParameterSpec[],
  sources: ReadonlyMap<string, TensorSource>,
  config: TextConfig,
): string[] {
  const missing = specs.map(({ name }) => name).filter((name) => !sources.has(name));
  if (missing.length === 0) return [];
  const tieable = missing.length === 1 && missing[0] === OUTPUT_PROJECTION && !config.tiedEmbeddings;
  const advice = tieable ? ' If the model shares it with the embedding, "tie_word_embeddings" must be true.' : '';
  return [`${missing.length} of ${specs.length} tensors are missing: ${firstFew(missing)}.${advice}`];
}

function unexpectedTensors(
  specs: readonly ParameterSpec[],
  sources: ReadonlyMap<string, TensorSource>,
  config: TextConfig,
): string[] {
  const known = new Set(specs.map(({ name }) => name));
  if (config.tiedEmbeddings) known.add(OUTPUT_PROJECTION);
  // Old checkpoints store the rotary frequencies, which follow from the configuration.
  const unexpected = [...sources.keys()].filter((name) => !known.has(name) && !name.endsWith('.rotary_emb.inv_freq'));
  if (unexpected.length === 0) return [];
  return [`${unexpected.length} tensors do not belong to this architecture: ${firstFew(unexpected)}.`];
}

function firstFew(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', ');
}

function checkShape({ name, shape }: ParameterSpec, { header, stored }: TensorSource): void {
  const found = header.tensors.get(stored)!.shape;
  if (found.length === shape.length && found.every((size, axis) => size === shape[axis])) return;
  throw new AresError(
    'bad-file',
    `Tensor "${name}" has the shape [${found.join(', ')}], but config.json makes it [${shape.join(', ')}].`,
    { where: header.path, hint: 'config.json and the weights do not belong together; download both again.' },
  );
}

/**
 * A tied checkpoint may repeat the embedding as lm_head.weight. If the copy differs, transformers
 * unties it, so the model is not what its configuration says.
 */
function checkTiedOutput(sources: ReadonlyMap<string, TensorSource>): void {
  const source = sources.get(OUTPUT_PROJECTION);
  if (source === undefined) return;
  const embedding = readSource(sources.get(EMBEDDING)!);
  const output = readSource(source);
  if (output.length === embedding.length && output.every((value, i) => value === embedding[i])) return;
  throw new AresError(
    'bad-file',
    `"tie_word_embeddings" is true, but ${OUTPUT_PROJECTION} differs from ${EMBEDDING}.`,
    {
      where: source.header.path,
      hint: 'Set "tie_word_embeddings" to false in config.json if the separate output weights are wanted.',
    },
  );
}
