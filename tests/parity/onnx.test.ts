/** What is exported as ONNX, loaded and run by transformers.js from the folder alone, against our own sampler. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AutoModelForCausalLM,
  AutoTokenizer,
  env,
  pipeline,
  type PreTrainedModel,
  type PreTrainedTokenizer,
  type Tensor,
  type TextGenerationPipeline,
} from '@huggingface/transformers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '#core/engine/modelState.ts';
import { generateRollouts } from '#core/engine/sampler.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { renderChat } from '#core/model/chatTemplate.ts';
import { type ModelFolder, openModelFolder } from '#core/model/modelFolder.ts';
import { type OnnxOptions, writeOnnxFolder } from '#core/model/onnx/onnxFolder.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';
import { relativeError } from '../relativeError.ts';
import { describeWithShared, sharedPath } from '../shared.ts';

const MAX_NEW_TOKENS = 48;
const sampleBase = join(resourcesFolder, 'sample', 'base');
/** Of three lengths, so that a batch of them is padded on the left. */
const texts = ['1', 'What is 3 + 4?', 'It’s 3.14159 — naïve café: x = \\frac{a}{b}, is it not?'];

let exported: string;
beforeAll(() => {
  exported = mkdtempSync(join(tmpdir(), 'ares-onnx-'));
  env.allowRemoteModels = false;
  env.localModelPath = exported;
});
afterAll(() => rmSync(exported, { recursive: true, force: true }));

async function exportAs(name: string, folder: string, options: OnnxOptions): Promise<ModelFolder> {
  const source = openModelFolder(folder);
  mkdirSync(join(exported, name));
  await writeOnnxFolder(join(exported, name), source, options, () => undefined);
  return source;
}

interface Loaded {
  model: PreTrainedModel;
  tokenizer: PreTrainedTokenizer;
}

async function load(name: string): Promise<Loaded> {
  const model = await AutoModelForCausalLM.from_pretrained(name);
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  tokenizer.padding_side = 'left';
  return { model, tokenizer };
}

/** Greedy responses of our own sampler, token ids up to and with the stop token. */
async function ourTokens(source: ModelFolder, prompts: readonly string[]): Promise<number[][]> {
  const jobs = prompts.map((prompt, promptKey) => ({
    promptIds: source.tokenizer.encode(prompt),
    prefixIds: new Int32Array(0),
    promptKey,
    sampleKey: 0,
  }));
  const sampling = {
    temperature: 1,
    topK: 0,
    topP: 1,
    greedy: true,
    maxNewTokens: MAX_NEW_TOKENS,
    stopIds: source.stopIds,
    alternatives: 0,
  };
  const { ids, lengths } = await generateRollouts(
    new SessionCache(1),
    loadModel(source.folder),
    { jobs, seed: 1, step: 0, sampling },
    { maxRows: 8, chunkTokens: 16, prefillTokenBudget: 4096 },
  );
  let at = 0;
  return [...lengths].map((length) => [...ids.subarray(at, (at += length))]);
}

/** Greedy responses of transformers.js to a padded batch; what follows a row's stop token is padding and left out. */
async function theirTokens({ model, tokenizer }: Loaded, prompts: string[], stopIds: number[]): Promise<number[][]> {
  const inputs = tokenizer(prompts, { padding: true, add_special_tokens: false }) as { input_ids: Tensor };
  const output = (await model.generate({
    ...inputs,
    max_new_tokens: MAX_NEW_TOKENS,
    do_sample: false,
  } as Parameters<PreTrainedModel['generate']>[0])) as Tensor;
  return (output.tolist() as bigint[][]).map((row) => {
    const response = row.slice(inputs.input_ids.dims[1]!).map(Number);
    const stop = response.findIndex((id) => stopIds.includes(id));
    return stop === -1 ? response : response.slice(0, stop + 1);
  });
}

async function logitsOf({ model, tokenizer }: Loaded, prompt: string): Promise<Float32Array> {
  const { logits } = (await model(tokenizer(prompt, { add_special_tokens: false }))) as { logits: Tensor };
  return logits.data as Float32Array;
}

describe('the sample’s base model as ONNX', () => {
  const questions = readFileSync(join(resourcesFolder, 'sample', 'problems-heldout.jsonl'), 'utf8')
    .split('\n', 12)
    .map((line) => (JSON.parse(line) as { question: string }).question);
  const prompts = (source: ModelFolder) =>
    questions.map((content) =>
      renderChat(source.chatTemplate!, [{ role: 'user', content }], { addGenerationPrompt: true }),
    );

  it('answers as our sampler does, in a padded batch and through the text-generation pipeline', async () => {
    const source = await exportAs('base', sampleBase, { dtype: 'float32' });
    const loaded = await load('base');
    const ours = await ourTokens(source, prompts(source));
    expect(new Set(ours.map((ids) => ids.length)).size).toBeGreaterThan(3);
    expect(await theirTokens(loaded, prompts(source), source.stopIds)).toEqual(ours);

    const generator = (await pipeline('text-generation', 'base')) as TextGenerationPipeline;
    for (const [i, content] of questions.slice(0, 3).entries()) {
      const [answer] = await generator([{ role: 'user', content }], {
        max_new_tokens: MAX_NEW_TOKENS,
        do_sample: false,
      });
      const messages = answer!.generated_text as unknown as { role: string; content: string }[];
      expect(messages.at(-1)).toEqual({
        role: 'assistant',
        content: source.tokenizer.decode(ours[i]!, { skipSpecial: true }),
      });
    }
  });

  it('answers the same with weights in float16', async () => {
    const source = await exportAs('base-half', sampleBase, { dtype: 'float16' });
    await exportAs('base-full', sampleBase, { dtype: 'float32' });
    const [half, full] = [await load('base-half'), await load('base-full')];
    expect(readdirSync(join(exported, 'base-half', 'onnx'))).toEqual(['model_fp16.onnx', 'model_fp16.onnx_data']);
    const [prompt] = prompts(source);
    expect(relativeError(await logitsOf(half, prompt!), await logitsOf(full, prompt!))).toBeLessThan(5e-3);
    expect(await theirTokens(half, prompts(source), source.stopIds)).toEqual(await ourTokens(source, prompts(source)));
  });

  it('is loaded from as many data files as its weights fill', async () => {
    const source = await exportAs('base-parts', sampleBase, { dtype: 'float32', maxFileBytes: 1_000_000 });
    expect(readdirSync(join(exported, 'base-parts', 'onnx')).sort()).toEqual([
      'model.onnx',
      'model.onnx_data',
      'model.onnx_data_1',
      'model.onnx_data_2',
    ]);
    expect(await theirTokens(await load('base-parts'), texts, source.stopIds)).toEqual(await ourTokens(source, texts));
  });

  it('has the inputs and outputs that transformers.js names', async () => {
    await exportAs('base-names', sampleBase, { dtype: 'float32' });
    const { model } = await load('base-names');
    const { inputNames, outputNames } = (
      model as unknown as { sessions: { model: { inputNames: string[]; outputNames: string[] } } }
    ).sessions.model;
    const cache = (prefix: string) =>
      Array.from({ length: 4 }, (_, layer) => [`${prefix}.${layer}.key`, `${prefix}.${layer}.value`]).flat();
    expect([...inputNames].sort()).toEqual(
      ['attention_mask', 'input_ids', 'position_ids', ...cache('past_key_values')].sort(),
    );
    expect([...outputNames].sort()).toEqual(['logits', ...cache('present')].sort());
  });
});

describeWithShared('ONNX of every family', () => {
  // Of Qwen2.5-VL the language part, which without images is a Qwen2 model.
  for (const name of ['qwen2-tiny', 'llama-tiny', 'qwen3-tiny', 'qwen2_5_vl-tiny']) {
    it(`${name} generates the same greedy tokens`, async () => {
      const source = await exportAs(name, sharedPath('fixtures', 'hf', name), { dtype: 'float32' });
      expect(await theirTokens(await load(name), texts, source.stopIds)).toEqual(await ourTokens(source, texts));
    });
  }
});
