/** Adapters that do not belong to a base, or are no plain LoRA: refused before either of the two is loaded. */
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAdapter, saveAdapter } from '#core/model/adapterFolder.ts';
import { initialLora, loraLayout } from '#core/model/lora.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { writeSafetensors } from '#core/model/safetensors.ts';
import { temporaryFolder, tinyConfig, tinyTensors, writeJson, writeTinyModel } from './tinyModel.ts';

/** An adapter of the tiny model, and the model. */
function made() {
  const base = openModelFolder(writeTinyModel());
  const layout = loraLayout(base.config, { rank: 2, scaling: 2 }, ['q_proj', 'down_proj']);
  const adapter = join(temporaryFolder(), 'adapter');
  saveAdapter(adapter, base, initialLora(base.config, layout, 1));
  return { base, adapter };
}

function change(adapter: string, fields: object): void {
  const path = join(adapter, 'adapter_config.json');
  writeJson(adapter, 'adapter_config.json', { ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...fields });
}

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message), hint: expect.any(String) });

describe('an adapter', () => {
  it('is read for the base it was made for, wherever that lies', () => {
    const { base, adapter } = made();
    const moved = join(temporaryFolder(), 'moved');
    cpSync(base.folder, moved, { recursive: true });
    expect(loadAdapter(adapter, openModelFolder(moved)).weights.size).toBe(8);
  });

  it('is refused on a base of the same shape with other weights', () => {
    const { adapter } = made();
    const tensors = tinyTensors();
    // One value in the first row of one matrix: what merging another adapter does to it.
    tensors.find(({ name }) => name.endsWith('layers.1.mlp.up_proj.weight'))!.data[0]! += 0.01;
    const other = openModelFolder(writeTinyModel({ tensors }));
    expect(() => loadAdapter(adapter, other)).toThrow(refusal('bad-file', /made for a model with other weights/));
  });

  it('is refused on a base of another shape, of which nothing but config.json is there', () => {
    const { adapter } = made();
    const folder = temporaryFolder();
    writeJson(folder, 'config.json', { ...tinyConfig, intermediate_size: 16 });
    expect(() => loadAdapter(adapter, openModelFolder(folder))).toThrow(
      refusal('bad-file', /down_proj.*this base model needs \[2, 16\]/),
    );
    writeJson(folder, 'config.json', { ...tinyConfig, num_hidden_layers: 1 });
    expect(() => loadAdapter(adapter, openModelFolder(folder))).toThrow(refusal('bad-file', /layers\.1\./));
  });

  it('is refused on a deeper base, though it names no layer that is not there', () => {
    const { adapter } = made();
    const deeper = openModelFolder(writeTinyModel({ config: { ...tinyConfig, num_hidden_layers: 3 } }));
    expect(() => loadAdapter(adapter, deeper)).toThrow(refusal('bad-file', /made for a model with other weights/));
  });

  it.each<[string, object, string, RegExp]>([
    ['another kind than LoRA', { peft_type: 'IA3' }, 'unsupported', /peft_type/],
    ['DoRA', { use_dora: true }, 'unsupported', /use_dora/],
    ['whole layers beside it', { modules_to_save: ['lm_head'] }, 'unsupported', /modules_to_save/],
    ['layers chosen by a pattern', { target_modules: '.*q_proj' }, 'unsupported', /target_modules/],
    ['layers that the base has not', { target_modules: ['c_attn'] }, 'bad-file', /No layer of this base model/],
    ['a rank that would fill memory', { r: 2 ** 30 }, 'bad-file', /this base model needs/],
    ['no rank', { r: 'two' }, 'bad-file', /"r"/],
  ])('with %s is refused', (_, fields, code, message) => {
    const { base, adapter } = made();
    change(adapter, fields);
    // Headers alone are looked at: the model's weights could not be read.
    rmSync(join(base.folder, 'model.safetensors'));
    expect(() => loadAdapter(adapter, base)).toThrow(refusal(code, message));
  });

  it('that is cut off, pickled or not there is refused', () => {
    const { base, adapter } = made();
    const weights = join(adapter, 'adapter_model.safetensors');
    truncateSync(weights, 700);
    expect(() => loadAdapter(adapter, base)).toThrow(refusal('bad-file', /truncated|claims|ended|JSON/));
    rmSync(weights);
    writeFileSync(join(adapter, 'adapter_model.bin'), 'pickle');
    expect(() => loadAdapter(adapter, base)).toThrow(refusal('not-found', /adapter_model\.safetensors/));
    expect(() => loadAdapter(base.folder, base)).toThrow(refusal('not-found', /adapter_config\.json/));
  });

  it('is told from a model where a model is wanted', () => {
    const { adapter } = made();
    expect(() => openModelFolder(adapter)).toThrow(refusal('unsupported', /LoRA adapter, not a whole model/));
  });

  it('of PEFT, which says nothing of its base’s weights, is read by its shapes', () => {
    const { base, adapter } = made();
    const { layout, weights } = loadAdapter(adapter, base);
    const plain = join(temporaryFolder(), 'plain');
    mkdirSync(plain);
    cpSync(join(adapter, 'adapter_config.json'), join(plain, 'adapter_config.json'));
    writeSafetensors(
      join(plain, 'adapter_model.safetensors'),
      [...weights].map(([name, data]) => {
        const rank = layout[name.replace(/\.lora_[AB]\.weight$/, '')]!.rank;
        const other = data.length / rank;
        return {
          name: `base_model.model.${name}`,
          shape: name.includes('lora_A') ? [rank, other] : [other, rank],
          data,
        };
      }),
    );
    expect(loadAdapter(plain, base).weights).toEqual(weights);
  });
});
