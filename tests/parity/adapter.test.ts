/** A LoRA adapter written by PEFT: logits and gradients against PyTorch, and every way in which it leaves again. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type RawBatch, forwardRaw, gradientsRaw } from '#core/engine/forward.ts';
import { loadModel, mergedWeights, trainedWeights } from '#core/engine/modelState.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { PEFT_PREFIX, loadAdapter, saveAdapter } from '#core/model/adapterFolder.ts';
import { openModelFolder, saveModelFolder } from '#core/model/modelFolder.ts';
import { readSafetensors } from '#core/model/safetensors.ts';
import { describeWithShared, sharedPath } from '../shared.ts';
import { relativeError } from './relativeError.ts';

const sessions = new SessionCache(1);
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ares-adapter-'));
  folders.push(folder);
  return folder;
}

describeWithShared('llama-tiny with its adapter', () => {
  const base = sharedPath('fixtures', 'hf', 'llama-tiny');
  const folder = join(base, 'adapter');

  const load = () => {
    const inputs = readSafetensors(`${base}/reference.safetensors`);
    const reference = readSafetensors(`${folder}/reference.safetensors`);
    const integers = (key: string) => Int32Array.from(inputs.get(key)!.data as BigInt64Array, Number);
    const [batch, length] = inputs.get('input_ids')!.shape as [number, number];
    const raw: RawBatch = {
      batch,
      length,
      inputIds: integers('input_ids'),
      attentionMask: integers('attention_mask'),
      positionIds: integers('position_ids'),
    };
    const state = loadModel(base);
    state.adapter = loadAdapter(folder, state.source);
    const floats = (key: string) => reference.get(key)!.data as Float32Array;
    const labels = integers('labels');
    const targets = Array.from({ length: batch * (length - 1) }, (_, i) => {
      const row = Math.floor(i / (length - 1));
      return labels[row * length + (i % (length - 1)) + 1]!;
    });
    const count = targets.filter((target) => target !== -100).length;
    const weights = Float32Array.from(targets, (target) => (target === -100 ? 0 : 1 / count));
    return { raw, state, floats, reference, weights };
  };
  const realLogitsError = (logits: Float32Array, { raw, floats }: ReturnType<typeof load>) => {
    const vocab = logits.length / raw.attentionMask.length;
    return relativeError(logits, floats('logits'), (i) => raw.attentionMask[Math.floor(i / vocab)] === 1);
  };

  it('gives the same logits as PEFT, with the adapter apart and merged into the weights', async () => {
    const loaded = load();
    const { raw, state } = loaded;
    const apart = await forwardRaw(sessions, state, raw);
    expect(realLogitsError(apart.logits, loaded)).toBeLessThanOrEqual(1e-5);
    const merged = { ...state, weights: new Map(mergedWeights(state)), adapter: null };
    expect(realLogitsError((await forwardRaw(sessions, merged, raw)).logits, loaded)).toBeLessThanOrEqual(1e-5);
    const without = { ...state, adapter: null };
    expect(realLogitsError((await forwardRaw(sessions, without, raw)).logits, loaded)).toBeGreaterThan(1e-3);
  });

  it('gives the same gradients, and of the adapter alone', async () => {
    const { raw, state, weights, reference, floats } = load();
    const { gradients } = await gradientsRaw(sessions, state, raw, { kind: 'supervised', weights });
    expect([...gradients.keys()].map((name) => `grad.${PEFT_PREFIX}${name}`).sort()).toEqual(
      [...reference.keys()].filter((name) => name.startsWith('grad.')).sort(),
    );
    for (const [name, gradient] of gradients) {
      expect(relativeError(gradient, floats(`grad.${PEFT_PREFIX}${name}`)), name).toBeLessThanOrEqual(1e-4);
    }
  });

  it('leaves as an adapter that is read back the same, in the form PEFT writes', () => {
    const { state } = load();
    const target = join(temporaryFolder(), 'adapter');
    saveAdapter(target, state.source, state.adapter!);
    const again = loadAdapter(target, state.source);
    expect(again.layout).toEqual(state.adapter!.layout);
    expect(again.weights).toEqual(state.adapter!.weights);
    const names = (path: string) => [...readSafetensors(`${path}/adapter_model.safetensors`).keys()].sort();
    expect(names(target)).toEqual(names(folder));
    expect(JSON.parse(readFileSync(`${target}/adapter_config.json`, 'utf8'))).toMatchObject({
      peft_type: 'LORA',
      r: 4,
      lora_alpha: 8,
      base_model_name_or_path: base,
    });
  });

  it('leaves merged as a model folder with the same logits', async () => {
    const loaded = load();
    const target = join(temporaryFolder(), 'merged');
    saveModelFolder(target, loaded.state.source, mergedWeights(loaded.state), { dtype: 'float32' });
    const { logits } = await forwardRaw(sessions, loadModel(target), loaded.raw);
    expect(realLogitsError(logits, loaded)).toBeLessThanOrEqual(1e-5);
  });

  it('trains nothing but the adapter', () => {
    const { state } = load();
    expect(trainedWeights(state)).toBe(state.adapter!.weights);
  });

  it('is refused on another base before its weights are read', () => {
    const other = openModelFolder(sharedPath('fixtures', 'hf', 'qwen3-tiny'));
    expect(() => loadAdapter(folder, other)).toThrow(/this base model needs/);
  });
});
