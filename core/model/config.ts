/**
 * What config.json of a text model says, checked and made explicit.
 *
 * Owns: the supported families (Llama, Qwen2/2.5, Qwen3, and the language part of Qwen2.5-VL), their defaults as transformers has
 * them, both styles of writing RoPE, and the refusal of everything that would change the result and
 * is not computed here. It does not look at weights, and it does not write files.
 *
 * Not refused because it changes no number: `pretraining_tp` (a way to split the same matrix
 * products), `attention_dropout` (off outside of transformers' own training), `use_cache`.
 */
import { AresError } from '#core/util/errors.ts';
import { Fields, type JsonObject, isObject, shorten } from './json.ts';
import { parseRope, type RopeSpec } from './ropeSpec.ts';
import { type MultimodalConfig, parseMultimodalConfig } from './vision/config.ts';

export type Family = 'llama' | 'qwen2' | 'qwen3' | 'qwen2_5_vl';
export type WeightDtype = 'float32' | 'float16' | 'bfloat16';

export interface TextConfig {
  family: Family;
  vocabSize: number;
  hiddenSize: number;
  layers: number;
  heads: number;
  /** Heads of keys and values; divides `heads`. */
  kvHeads: number;
  /** Width of one head; even. heads × headDim need not equal hiddenSize. */
  headDim: number;
  intermediateSize: number;
  rmsNormEps: number;
  /** The output projection is the embedding matrix; there is no lm_head.weight. */
  tiedEmbeddings: boolean;
  qkvBias: boolean;
  /** Bias of o_proj. */
  outputBias: boolean;
  mlpBias: boolean;
  /** RMSNorm over each head of queries and keys before RoPE. */
  qkNorm: boolean;
  rope: RopeSpec;
  /** The vision tower and what ties it to the language part; null for a model of text alone. */
  multimodal: MultimodalConfig | null;
  maxPositions: number;
  eosIds: number[];
  bosId: number | null;
  padId: number | null;
  /** Format the weights are published in; the engine computes in float32 whatever it is. */
  dtype: WeightDtype;
}

/** What transformers assumes for a field that config.json leaves out. */
interface FamilyDefaults {
  /** null: as many as there are heads. */
  kvHeads: number | null;
  /** null: hidden_size / num_attention_heads. */
  headDim: number | null;
  maxPositions: number;
  bosId: number | null;
  eosId: number | null;
}

const families: Record<Family, FamilyDefaults> = {
  llama: { kvHeads: null, headDim: null, maxPositions: 2048, bosId: 1, eosId: 2 },
  qwen2: { kvHeads: 32, headDim: null, maxPositions: 32768, bosId: null, eosId: null },
  qwen3: { kvHeads: 32, headDim: 128, maxPositions: 32768, bosId: null, eosId: null },
  qwen2_5_vl: { kvHeads: 32, headDim: null, maxPositions: 32768, bosId: null, eosId: null },
};

const dtypes: readonly string[] = ['float32', 'float16', 'bfloat16'] satisfies WeightDtype[];

/** Fields that would change the numbers, with the values that do not. Absent and null are always harmless. */
const harmlessValues: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu', 'swish'],
  quantization_config: [],
  use_mrope: [false],
  attn_logit_softcapping: [],
  final_logit_softcapping: [],
  num_experts: [0],
  num_local_experts: [0],
  n_routed_experts: [0],
  moe_intermediate_size: [0],
};

/** More layers than any published model by far; keeps a lying config from filling memory with names. */
const MAX_LAYERS = 2048;

/**
 * Reads the configuration of a text model.
 * @param json the parsed config.json
 * @param where the file, for errors
 * @throws AresError 'unsupported' naming field and value, 'bad-file' for missing or contradictory fields
 */
export function parseTextConfig(json: unknown, where: string): TextConfig {
  if (!isObject(json)) throw new AresError('bad-file', 'A model configuration must be a JSON object.', { where });
  const family = readFamily(new Fields(json, where));
  const fields = new Fields(languagePart(json), where);
  refuseUnsupported(fields);

  const defaults = families[family];
  const hiddenSize = fields.count('hidden_size');
  const layers = fields.count('num_hidden_layers');
  if (layers > MAX_LAYERS) throw fields.bad('num_hidden_layers', `at most ${MAX_LAYERS}`);
  const heads = fields.count('num_attention_heads');
  const kvHeads = fields.count('num_key_value_heads', defaults.kvHeads ?? heads);
  const headDim = fields.count('head_dim', defaults.headDim ?? Math.floor(hiddenSize / heads));
  checkHeads(fields, family, { hiddenSize, heads, kvHeads, headDim });
  refuseSlidingWindow(fields, layers);

  const maxPositions = fields.count('max_position_embeddings', defaults.maxPositions);
  const hasQkvBias = family === 'qwen2' || family === 'qwen2_5_vl';
  const attentionBias = !hasQkvBias && fields.flag('attention_bias', false);
  return {
    family,
    vocabSize: fields.count('vocab_size'),
    hiddenSize,
    layers,
    heads,
    kvHeads,
    headDim,
    intermediateSize: fields.count('intermediate_size'),
    rmsNormEps: fields.positive('rms_norm_eps', 1e-6),
    tiedEmbeddings: fields.flag('tie_word_embeddings', false),
    qkvBias: hasQkvBias || attentionBias,
    outputBias: attentionBias,
    mlpBias: family === 'llama' && fields.flag('mlp_bias', false),
    qkNorm: family === 'qwen3',
    rope: parseRope(fields, maxPositions, family === 'qwen2_5_vl'),
    multimodal: family === 'qwen2_5_vl' ? parseMultimodalConfig(json, where, headDim) : null,
    maxPositions,
    eosIds: readTokenIds(fields.object, 'eos_token_id', where, defaults.eosId),
    bosId: readTokenIds(fields.object, 'bos_token_id', where, defaults.bosId)[0] ?? null,
    padId: readTokenIds(fields.object, 'pad_token_id', where, null)[0] ?? null,
    dtype: readDtype(fields),
  };
}

/**
 * A field that holds one token id, a list of them, or null for none. Negative ids, which some older
 * folders use for "none", are left out. An absent field gives the fallback, an explicit null does not.
 */
export function readTokenIds(
  json: Readonly<Record<string, unknown>>,
  name: string,
  where: string,
  fallback: number | null,
): number[] {
  const value = json[name] === undefined ? fallback : json[name];
  const list: unknown[] = Array.isArray(value) ? value : value === null ? [] : [value];
  return list.filter((id): id is number => {
    if (!Number.isInteger(id)) throw new Fields(json, where).bad(name, 'a token id, a list of token ids, or null');
    return (id as number) >= 0;
  });
}

/** Fields of the language part: at the top level, or since transformers 4.52 of a multimodal model in `text_config`. */
function languagePart(json: JsonObject): JsonObject {
  const { text_config: text, ...rest } = json;
  return isObject(text) ? { ...rest, ...text, model_type: rest['model_type'] } : json;
}

function readFamily(fields: Fields): Family {
  const modelType = fields.text('model_type');
  if (!Object.hasOwn(families, modelType)) {
    throw unsupported(fields, 'model_type', `Use a model of one of these types: ${familyNames()}.`);
  }
  const { architectures } = fields.object;
  if (Array.isArray(architectures) && !architectures.some(isCausalLm)) {
    throw unsupported(fields, 'architectures', 'Use a model for text generation (…ForCausalLM).');
  }
  return modelType as Family;
}

function isCausalLm(architecture: unknown): boolean {
  return (
    typeof architecture === 'string' &&
    (architecture.endsWith('ForCausalLM') || architecture === 'Qwen2_5_VLForConditionalGeneration')
  );
}

function familyNames(): string {
  return Object.keys(families).join(', ');
}

function refuseUnsupported(fields: Fields): void {
  for (const [name, harmless] of Object.entries(harmlessValues)) {
    if (fields.has(name) && !harmless.includes(fields.object[name])) {
      throw unsupported(fields, name, 'Use a model without this feature; it would give other numbers here.');
    }
  }
}

function refuseSlidingWindow(fields: Fields, layers: number): void {
  const { layer_types: layerTypes, max_window_layers: firstWindowed } = fields.object;
  if (layerTypes !== undefined && layerTypes !== null) {
    if (!Array.isArray(layerTypes)) throw fields.bad('layer_types', 'a list');
    if (layerTypes.length !== layers)
      throw fields.bad('layer_types', `a list with one entry for each of ${layers} layers`);
    const other = layerTypes.find((type) => type !== 'full_attention');
    if (other !== undefined) {
      throw new AresError('unsupported', `The field "layer_types" contains ${shorten(other)}.`, {
        where: fields.where,
        hint: 'Only full attention in every layer is computed here; use another model.',
      });
    }
    return;
  }
  const inUse = fields.flag('use_sliding_window', false) && fields.has('sliding_window');
  if (inUse && !(typeof firstWindowed === 'number' && firstWindowed >= layers)) {
    throw unsupported(fields, 'sliding_window', 'Only full attention is computed here; use another model.');
  }
}

interface HeadSizes {
  hiddenSize: number;
  heads: number;
  kvHeads: number;
  headDim: number;
}

function checkHeads(fields: Fields, family: Family, { hiddenSize, heads, kvHeads, headDim }: HeadSizes): void {
  const lie = (sentence: string): AresError =>
    new AresError('bad-file', sentence, {
      where: fields.where,
      hint: 'Correct the configuration, or download the model again.',
    });
  // transformers asks this of Llama even where head_dim is given.
  const mustDivide = family === 'llama' || (!fields.has('head_dim') && families[family].headDim === null);
  if (mustDivide && hiddenSize % heads !== 0) {
    throw lie(`hidden_size (${hiddenSize}) is not a multiple of num_attention_heads (${heads}).`);
  }
  if (heads % kvHeads !== 0) {
    throw lie(`num_attention_heads (${heads}) is not a multiple of num_key_value_heads (${kvHeads}).`);
  }
  if (headDim % 2 !== 0) throw lie(`The head width (${headDim}) is odd; rotary positions need pairs.`);
}

/** `dtype` since transformers 4.56, `torch_dtype` before; float32 where neither is given. */
function readDtype(fields: Fields): WeightDtype {
  const name = fields.has('dtype') ? 'dtype' : 'torch_dtype';
  const dtype = fields.text(name, 'float32');
  if (!dtypes.includes(dtype)) throw unsupported(fields, name, `Use weights in one of: ${dtypes.join(', ')}.`);
  return dtype as WeightDtype;
}

function unsupported(fields: Fields, name: string, hint: string): AresError {
  return new AresError(
    'unsupported',
    `The model configuration has "${name}": ${shorten(fields.object[name])}, which is not supported.`,
    { where: fields.where, hint },
  );
}
