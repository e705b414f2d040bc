/**
 * What it takes to write a model of Qwen2.5-0.5B's shape as ONNX, and to load it in transformers.js: time, peak memory
 * and size. Each part runs in a process of its own, so that its peak is its own.
 *
 *     node core/cli/bootstrap.mjs tests/bench/onnxExport.ts     prints one line of JSON per part
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { writeOnnxFolder } from '#core/model/onnx/onnxFolder.ts';
import { writeRandomModel } from './randomModel.ts';

const config = {
  model_type: 'qwen2',
  architectures: ['Qwen2ForCausalLM'],
  hidden_size: 896,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  intermediate_size: 4864,
  vocab_size: 151_936,
  max_position_embeddings: 32_768,
  rope_theta: 1_000_000,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  eos_token_id: 151_645,
};
const PROMPT_TOKENS = 16;
const NEW_TOKENS = 16;

const [part, root] = process.argv.slice(2);
if (part === undefined || root === undefined) measureAll();
else console.log(JSON.stringify({ part, ...(await measure(part, root)) }));

function measureAll(): void {
  const folder = mkdtempSync(join(tmpdir(), 'ares-onnx-bench-'));
  try {
    writeRandomModel(config, join(folder, 'source'));
    for (const each of ['float32', 'float16', 'load-float32', 'load-float16']) {
      const { stdout, stderr, status } = spawnSync(process.execPath, [import.meta.filename, each, folder], {
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(stderr);
      process.stdout.write(stdout);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(what: string, folder: string): Promise<object> {
  const startMs = performance.now();
  const dtype = what.endsWith('float16') ? 'float16' : 'float32';
  const target = join(folder, dtype);
  const facts = what.startsWith('load') ? await load(folder, dtype) : await write(folder, target, dtype);
  return {
    ...facts,
    totalMs: Math.round(performance.now() - startMs),
    peakBytes: peakBytes(),
    load1: loadavg()[0],
  };
}

/** Of this process's own memory; ru_maxrss would begin with that of the process that started it. */
function peakBytes(): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kibibytes ?? NaN);
}

async function write(folder: string, target: string, dtype: 'float32' | 'float16'): Promise<object> {
  mkdirSync(target);
  await writeOnnxFolder(target, openModelFolder(join(folder, 'source')), { dtype }, () => undefined);
  const files = readdirSync(join(target, 'onnx'));
  return { bytes: Object.fromEntries(files.map((name) => [name, statSync(join(target, 'onnx', name)).size])) };
}

async function load(folder: string, name: string): Promise<object> {
  env.allowRemoteModels = false;
  env.localModelPath = folder;
  const model = await AutoModelForCausalLM.from_pretrained(name);
  const loadedMs = performance.now();
  const ids = BigInt64Array.from({ length: PROMPT_TOKENS }, (_, i) => BigInt(1000 + 37 * i));
  const output = (await model.generate({
    inputs: new Tensor('int64', ids, [1, PROMPT_TOKENS]),
    max_new_tokens: NEW_TOKENS,
    do_sample: false,
  } as Parameters<typeof model.generate>[0])) as Tensor;
  const tokens = output.dims[1]! - PROMPT_TOKENS;
  return { newTokens: tokens, generateMs: Math.round(performance.now() - loadedMs) };
}
