/**
 * A model folder as transformers.js loads it: `onnx/model.onnx` with its data, and the files beside it.
 *
 * Owns: which files there are and what is changed in the configuration, the generation settings and the tokenizer
 * for a reader that knows fewer spellings than transformers. The graph is decoderGraph.ts.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readTemplateSource } from '#core/model/chatTemplate.ts';
import { parseTextConfig, type TextConfig } from '#core/model/config.ts';
import { float32ToFloat16 } from '#core/model/dtypes.ts';
import { isObject, type JsonObject, readJsonObject } from '#core/model/json.ts';
import {
  CONFIG_FILE,
  carryFiles,
  GENERATION_CONFIG_FILE,
  type ModelFolder,
  refuseOverflow,
  writeJson,
} from '#core/model/modelFolder.ts';
import { float32Pieces } from '#core/model/safetensors.ts';
import { checkWeights, type TensorSource } from '#core/model/weights.ts';
import { bytesOf } from '#core/tensor/onnx.ts';
import { writeFlushed } from '#core/util/atomicFiles.ts';
import { createBreather } from '#core/util/breather.ts';
import {
  buildOnnxDecoder,
  dataFileName,
  MAX_ONNX_POSITIONS,
  type OnnxDecoder,
  type OnnxDtype,
} from './decoderGraph.ts';

const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';

/** Names of the model files and of their format, as transformers.js has them. */
const variants = {
  float32: { file: 'model.onnx', name: 'fp32' },
  float16: { file: 'model_fp16.onnx', name: 'fp16' },
} as const;

export interface OnnxOptions {
  dtype: OnnxDtype;
  /** A data file is closed before it exceeds this. */
  maxFileBytes?: number;
}

/** Told how far the work is, in bytes of weights; may throw to end it. */
export type ByteProgress = (doneBytes: number, totalBytes: number) => void;

/**
 * Writes the text part of a model into a folder that exists. Of a model with a vision tower that is the language
 * part, as a Qwen2 model: without images the two compute the same.
 * @throws AresError as loading the weights does, 'unsupported' when a weight does not fit float16, 'disk'
 */
export async function writeOnnxFolder(
  target: string,
  source: ModelFolder,
  { dtype, maxFileBytes }: OnnxOptions,
  progress: ByteProgress,
): Promise<void> {
  const sources = checkWeights(source.folder, source.config);
  const { file, name } = variants[dtype];
  const config = {
    ...textConfig(source),
    max_position_embeddings: Math.min(source.config.maxPositions, MAX_ONNX_POSITIONS),
  };
  const dataFile = `${file}_data`;
  const decoder = buildOnnxDecoder(parseTextConfig(config, source.folder), dtype, { dataFile, maxFileBytes });
  mkdirSync(join(target, 'onnx'));
  await writeWeights(join(target, 'onnx'), dataFile, decoder, sources, progress);
  writeFlushed(join(target, 'onnx', file), [decoder.bytes]);
  writeJson(join(target, CONFIG_FILE), {
    ...config,
    'transformers.js_config': { dtype: name, use_external_data_format: { [file]: decoder.fileBytes.length } },
  });
  carryFiles(source.folder, target, [GENERATION_CONFIG_FILE, TOKENIZER_CONFIG_FILE, ...imageFiles]);
  writeJson(join(target, GENERATION_CONFIG_FILE), generationConfig(source));
  writeJson(join(target, TOKENIZER_CONFIG_FILE), tokenizerConfig(source.folder));
}

const imageFiles = ['preprocessor_config.json', 'processor_config.json', 'chat_template.json'];

async function writeWeights(
  folder: string,
  firstFile: string,
  { weights, fileBytes }: OnnxDecoder,
  sources: ReadonlyMap<string, TensorSource>,
  progress: ByteProgress,
): Promise<void> {
  const totalBytes = weights.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  const giveWay = createBreather();
  let doneBytes = 0;
  for (const number of fileBytes.keys()) {
    const location = dataFileName(firstFile, number);
    const handle = openSync(join(folder, location), 'w');
    try {
      for (const weight of weights.filter((each) => each.location === location)) {
        const { header, stored } = sources.get(weight.name)!;
        let at = weight.offsetBytes;
        for (const piece of float32Pieces(header, stored)) {
          progress(doneBytes, totalBytes);
          const bytes = bytesOf(weight.dtype === 'float16' ? halved(weight.name, piece) : piece);
          for (let done = 0; done < bytes.length;)
            done += writeSync(handle, bytes, done, bytes.length - done, at + done);
          at += bytes.length;
          doneBytes += bytes.length;
          await giveWay();
        }
      }
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
  progress(totalBytes, totalBytes);
}

function halved(name: string, values: Float32Array): Uint16Array {
  refuseOverflow(name, values);
  return float32ToFloat16(values);
}

/** config.json of the text part alone. */
function textConfig({ rawConfig, config }: ModelFolder): JsonObject {
  if (config.multimodal === null) return rawConfig;
  const text = isObject(rawConfig['text_config']) ? rawConfig['text_config'] : {};
  const left = new Set(['text_config', 'vision_config', 'rope_scaling', 'rope_parameters']);
  const kept = Object.entries({ ...rawConfig, ...text }).filter(
    ([name]) => !left.has(name) && !/^(image|video|vision)_/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    model_type: 'qwen2',
    architectures: ['Qwen2ForCausalLM'],
    num_key_value_heads: config.kvHeads,
    tie_word_embeddings: config.tiedEmbeddings,
    rope_theta: config.rope.theta,
  };
}

/** Stop tokens from wherever the folder has them, in the one place where the reader looks first. */
function generationConfig({ folder, stopIds, config }: ModelFolder): JsonObject {
  const path = join(folder, GENERATION_CONFIG_FILE);
  return {
    ...(existsSync(path) ? readJsonObject(path) : padding(config)),
    ...(stopIds.length === 0 ? {} : { eos_token_id: stopIds }),
  };
}

function padding({ padId }: TextConfig): JsonObject {
  return padId === null ? {} : { pad_token_id: padId };
}

/** With the chat template in it: the reader does not look into chat_template.jinja for a text model. */
function tokenizerConfig(folder: string): JsonObject {
  const path = join(folder, TOKENIZER_CONFIG_FILE);
  const template = readTemplateSource(folder);
  return {
    ...(existsSync(path) ? readJsonObject(path) : {}),
    ...(template === null ? {} : { chat_template: template.source }),
  };
}
