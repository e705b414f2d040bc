/**
 * LoRA adapters as PEFT writes them: `adapter_config.json` and `adapter_model.safetensors`.
 *
 * Owns: reading an adapter against the base it is for, refusing what would compute something else, and
 * writing one that PEFT opens. What an adapter does is lora.ts.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFlushed, writeFolderAtomic } from '#core/util/atomicFiles.ts';
import { AresError } from '#core/util/errors.ts';
import { baseFingerprint } from './baseFingerprint.ts';
import type { TextConfig } from './config.ts';
import { Fields, type JsonObject, isObject, readJsonObject, shorten } from './json.ts';
import { type Lora, type LoraLayout, type LoraModule, linearModules, loraSpecs } from './lora.ts';
import type { ModelFolder } from './modelFolder.ts';
import { readFloat32, readSafetensorsHeader, writeSafetensors } from './safetensors.ts';
import { ADAPTER_CONFIG_FILE as CONFIG_FILE } from './weights.ts';

const WEIGHTS_FILE = 'adapter_model.safetensors';
/** In the metadata of the weights, where PEFT looks for nothing. */
const FINGERPRINT = 'base_fingerprint_sha256';

/** The model an adapter is for. */
type BaseModel = Pick<ModelFolder, 'folder' | 'config'>;

/** Before the name of a module in PEFT's files: PEFT wraps the model twice. */
export const PEFT_PREFIX = 'base_model.model.';

/** Fields that would change the numbers, with the values that do not. Absent, null and empty are harmless. */
const harmlessValues: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ['LORA'],
  bias: ['none'],
  fan_in_fan_out: [false],
  use_dora: [false],
  use_qalora: [false],
  use_bdlora: [false],
  lora_bias: [false],
  modules_to_save: [],
  layer_replication: [],
  target_parameters: [],
  trainable_token_indices: [],
  alora_invocation_tokens: [],
  arrow_config: [],
  kasa_config: [],
  velora_config: [],
  monteclora_config: [],
};

/**
 * Reads an adapter for a base model. Everything is checked on headers, and on the first values of the base where
 * the adapter says what those were, before any of the two is loaded.
 * @throws AresError 'not-found', 'unsupported' naming the field, 'bad-file' when it belongs to another base
 */
export function loadAdapter(folder: string, base: BaseModel): Lora {
  const { config } = base;
  const configPath = join(folder, CONFIG_FILE);
  if (!existsSync(configPath)) {
    throw new AresError('not-found', `There is no ${CONFIG_FILE} in this folder.`, {
      where: folder,
      hint: 'Choose a folder written by PEFT or by this program.',
    });
  }
  const json = readJsonObject(configPath);
  refuseUnsupported(json, configPath);
  const layout = readLayout(json, configPath, config);
  const path = join(folder, WEIGHTS_FILE);
  if (!existsSync(path)) {
    throw new AresError('not-found', `There is no ${WEIGHTS_FILE} in this folder.`, {
      where: folder,
      hint: 'The download is not complete, or the adapter was saved as a Python pickle, which is never opened here.',
    });
  }
  const header = readSafetensorsHeader(path);
  const specs = loraSpecs(config, layout);
  const expected = new Map(specs.map(({ name, shape }) => [PEFT_PREFIX + name, shape]));
  for (const [name, shape] of expected) {
    const found = header.tensors.get(name);
    if (found !== undefined && found.shape.length === 2 && found.shape.every((size, axis) => size === shape[axis])) {
      continue;
    }
    const what = found === undefined ? 'is missing' : `has the shape [${found.shape.join(', ')}]`;
    throw anotherBase(path, `Tensor "${name}" ${what}; this base model needs [${shape.join(', ')}].`);
  }
  const stranger = [...header.tensors.keys()].find((name) => !expected.has(name));
  if (stranger !== undefined)
    throw anotherBase(path, `Tensor "${stranger}" belongs to no layer that the adapter names.`);
  const madeFor = header.metadata[FINGERPRINT];
  if (madeFor !== undefined && madeFor !== baseFingerprint(base)) {
    throw anotherBase(
      path,
      `The adapter fits the shape of ${base.folder}, but was made for a model with other weights.`,
    );
  }
  return {
    layout,
    weights: new Map(specs.map(({ name }) => [name, readFloat32(header, PEFT_PREFIX + name)])),
  };
}

/**
 * Writes an adapter as a new folder, atomically.
 * @param base its folder is what PEFT is told to load, its fingerprint what is checked when it is opened here
 * @throws AresError 'usage' when the folder exists, 'disk'
 */
export function saveAdapter(target: string, base: BaseModel, { layout, weights }: Lora): void {
  if (existsSync(target)) {
    throw new AresError('usage', 'This folder already exists.', { where: target, hint: 'Choose another name.' });
  }
  const tensors = loraSpecs(base.config, layout).map(({ name, shape }) => ({
    name: PEFT_PREFIX + name,
    shape,
    data: weights.get(name)!,
  }));
  writeFolderAtomic(target, (temporary) => {
    writeFlushed(join(temporary, CONFIG_FILE), [`${JSON.stringify(peftConfig(layout, base.folder), null, 2)}\n`]);
    writeSafetensors(join(temporary, WEIGHTS_FILE), tensors, { format: 'pt', [FINGERPRINT]: baseFingerprint(base) });
  });
}

/** Rank and alpha of most modules as the default, those of the others by pattern. */
function peftConfig(layout: LoraLayout, base: string): JsonObject {
  const modules = Object.entries(layout);
  const [, { rank, scaling }] = modules[0]!;
  const others = modules.filter(([, own]) => own.rank !== rank || own.scaling !== scaling);
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: rank,
    lora_alpha: scaling * rank,
    rank_pattern: Object.fromEntries(others.map(([name, own]) => [name, own.rank])),
    alpha_pattern: Object.fromEntries(others.map(([name, own]) => [name, own.scaling * own.rank])),
    target_modules: modules.map(([name]) => name),
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    inference_mode: true,
  };
}

function refuseUnsupported(json: JsonObject, where: string): void {
  for (const [name, harmless] of Object.entries(harmlessValues)) {
    const value = json[name];
    const isEmpty = Array.isArray(value) && value.length === 0;
    if (value === undefined || value === null || isEmpty || harmless.includes(value)) continue;
    throw new AresError('unsupported', `The adapter has "${name}": ${shorten(value)}, which is not supported.`, {
      where,
      hint: 'Use a plain LoRA adapter, or merge this one with PEFT and open the merged model.',
    });
  }
}

function readLayout(json: JsonObject, where: string, config: TextConfig): LoraLayout {
  const fields = new Fields(json, where);
  const rank = fields.count('r');
  const alpha = fields.positive('lora_alpha', 8);
  const isRankStabilised = fields.flag('use_rslora', false);
  const patterns = (name: string): [string, number][] => {
    const value = json[name] ?? {};
    if (!isObject(value)) throw fields.bad(name, 'an object');
    return Object.entries(value).map(([pattern, number]) => {
      if (typeof number !== 'number' || !(number > 0)) throw fields.bad(name, 'an object of positive numbers');
      if (!/^[\w.]+$/.test(pattern)) throw notPlainNames(name, fields);
      return [pattern, number];
    });
  };
  const ranks = patterns('rank_pattern');
  const alphas = patterns('alpha_pattern');
  const isTarget = targetTest(json, fields);
  const chosen = [...linearModules(config).keys()].filter(isTarget);
  if (chosen.length === 0) {
    throw anotherBase(where, 'No layer of this base model is among the target_modules of the adapter.');
  }
  const patternValue = (own: readonly [string, number][], module: string) =>
    own.find(([pattern]) => endsWithName(module, pattern))?.[1];
  return Object.fromEntries(
    chosen.map((module): [string, LoraModule] => {
      const own = patternValue(ranks, module) ?? rank;
      const numerator = patternValue(alphas, module) ?? alpha;
      return [module, { rank: own, scaling: numerator / (isRankStabilised ? Math.sqrt(own) : own) }];
    }),
  );
}

/**
 * PEFT matches a module whose whole name, or whose last names, equal an entry; 'all-linear' is every linear
 * layer but the output. A single string otherwise is a regular expression, which is not evaluated here.
 */
function targetTest(json: JsonObject, fields: Fields): (module: string) => boolean {
  const targets = json['target_modules'];
  const layers = json['layers_to_transform'];
  const excluded = json['exclude_modules'];
  const names = (value: unknown): string[] | null =>
    Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
  const isLayerChosen = (module: string): boolean => {
    if (layers === undefined || layers === null) return true;
    const layer = Number(/\.layers\.(\d+)\./.exec(module)?.[1] ?? NaN);
    return Array.isArray(layers) ? layers.includes(layer) : layers === layer;
  };
  const excludedNames = excluded === undefined || excluded === null ? [] : names(excluded);
  if (excludedNames === null) throw notPlainNames('exclude_modules', fields);
  const isExcluded = (module: string) => excludedNames.some((name) => endsWithName(module, name));
  if (targets === 'all-linear') {
    return (module) => module !== 'lm_head' && isLayerChosen(module) && !isExcluded(module);
  }
  const wanted = names(targets);
  if (wanted === null) throw notPlainNames('target_modules', fields);
  return (module) => wanted.some((name) => endsWithName(module, name)) && isLayerChosen(module) && !isExcluded(module);
}

function endsWithName(module: string, name: string): boolean {
  return module === name || module.endsWith(`.${name}`);
}

function notPlainNames(name: string, fields: Fields): AresError {
  return new AresError(
    'unsupported',
    `The adapter gives "${name}" as ${shorten(fields.object[name])}, not by plain names.`,
    {
      where: fields.where,
      hint: 'Write the module names out: a pattern could match other layers here than in PEFT.',
    },
  );
}

function anotherBase(where: string, sentence: string): AresError {
  return new AresError('bad-file', sentence, {
    where,
    hint: 'This adapter was made for another base model: open the one it was trained on.',
  });
}
