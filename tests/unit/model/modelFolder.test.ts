/** Whole folders: opening, and saving a copy that this program and transformers read alike. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WeightDtype } from '#core/model/config.ts';
import { openModelFolder, saveModelFolder } from '#core/model/modelFolder.ts';
import { readSafetensorsHeader } from '#core/model/safetensors.ts';
import { loadWeights } from '#core/model/weights.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';
import { temporaryFolder, tinyConfig, tinyTensors, writeJson, writeTinyModel } from './tinyModel.ts';

const weightsOf = (folder: string) => loadWeights(folder, openModelFolder(folder).config);
const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8')) as Record<string, unknown>;

const save = (source: string, dtype: WeightDtype, maxShardBytes?: number) => {
  const target = join(temporaryFolder(), 'saved');
  const options = { dtype, ...(maxShardBytes === undefined ? {} : { maxShardBytes }) };
  saveModelFolder(target, openModelFolder(source), weightsOf(source), options);
  return target;
};

const fiveDigits = (value: number) => String(value).padStart(5, '0');

describe('openModelFolder', () => {
  it('keeps config.json as it stands', () => {
    const folder = writeTinyModel({ config: { ...tinyConfig, my_note: [1] } });
    expect(openModelFolder(folder).rawConfig).toEqual({ ...tinyConfig, my_note: [1] });
  });

  it('loads tokenizer and template only when asked', () => {
    const folder = writeTinyModel();
    const model = openModelFolder(folder);
    expect(model.hasChatTemplate).toBe(false);
    expect([...model.tokenizer.encode('hell')]).toEqual([100, 102]);
    expect(model.tokenizer).toBe(model.tokenizer);
    rmSync(join(folder, 'tokenizer.json'));
    expect(() => openModelFolder(folder).tokenizer).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  it('says what is missing', () => {
    const folder = temporaryFolder();
    expect(() => openModelFolder(folder)).toThrow(expect.objectContaining({ code: 'not-found', where: folder }));
    expect(() => openModelFolder(join(folder, 'nowhere'))).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  it.each([
    ['both files', [7], [9, 7], [9, 7]],
    ['different tokens', 7, 9, [9, 7]],
    ['config.json alone', [7, 8], undefined, [7, 8]],
    ['generation_config.json alone', undefined, 9, [9]],
    ['null', null, null, []],
  ])('stop tokens from %s', (_, own, generation, expected) => {
    // Llama: its default end token, 2, must not slip in where a file names another.
    const folder = writeTinyModel({ config: { ...tinyConfig, model_type: 'llama', eos_token_id: own } });
    if (generation !== undefined) writeJson(folder, 'generation_config.json', { eos_token_id: generation });
    expect(openModelFolder(folder).stopIds).toEqual(expected);
  });
});

describe('saveModelFolder', () => {
  it('float32 survives to the bit', () => {
    const source = writeTinyModel();
    const saved = save(source, 'float32');
    expect(weightsOf(saved)).toEqual(weightsOf(source));
    expect(read(saved, 'config.json')).toEqual(tinyConfig);
    expect(existsSync(`${saved}.tmp`)).toBe(false);
  });

  it.each([
    ['bfloat16', 2 ** -8, 'BF16'],
    ['float16', 2 ** -11, 'F16'],
  ] as const)('%s is rounded once: saving again changes nothing', (dtype, relative, stored) => {
    const source = writeTinyModel();
    const saved = save(source, dtype);
    expect(read(saved, 'config.json')).toEqual({ ...tinyConfig, torch_dtype: dtype });
    const types = [...readSafetensorsHeader(join(saved, 'model.safetensors')).tensors.values()].map(
      ({ dtype }) => dtype,
    );
    expect(new Set(types)).toEqual(new Set([stored]));
    const [before, after] = [weightsOf(source), weightsOf(saved)];
    for (const [name, values] of after) {
      values.forEach((value, i) => {
        const exact = before.get(name)![i]!;
        expect(Math.abs(value - exact)).toBeLessThanOrEqual(Math.max(Math.abs(exact) * relative, 2 ** -25));
      });
    }
    expect(weightsOf(save(saved, dtype))).toEqual(after);
  });

  it('splits into shards below the limit, with an index', () => {
    const source = writeTinyModel();
    const limit = 1000;
    const saved = save(source, 'float32', limit);
    const shards = readdirSync(saved).filter((name) => name.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(2);
    expect(existsSync(join(saved, 'model.safetensors'))).toBe(false);
    for (const [index, shard] of shards.sort().entries()) {
      expect(shard).toBe(`model-${fiveDigits(index + 1)}-of-${fiveDigits(shards.length)}.safetensors`);
      const { tensors, metadata } = readSafetensorsHeader(join(saved, shard));
      const bytes = [...tensors.values()].reduce((sum, { start, end }) => sum + end - start, 0);
      expect(bytes).toBeLessThanOrEqual(limit);
      expect(metadata).toEqual({ format: 'pt' });
    }
    const total = tinyTensors().reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(read(saved, 'model.safetensors.index.json')['metadata']).toEqual({ total_size: total });
    expect(weightsOf(saved)).toEqual(weightsOf(source));
  });

  it('a tensor above the limit gets a shard of its own', () => {
    const saved = save(writeTinyModel(), 'float32', 1);
    expect(readdirSync(saved).filter((name) => name.endsWith('.safetensors')).length).toBe(tinyTensors().length);
  });

  it('carries tokenizer, templates and generation settings over, and nothing else', () => {
    const source = writeTinyModel();
    for (const name of ['chat_template.jinja', 'tokenizer_config.json', 'generation_config.json', 'LICENSE']) {
      writeFileSync(join(source, name), name === 'LICENSE' ? 'terms' : '{}');
    }
    writeFileSync(join(source, 'optimizer.pt'), 'x');
    mkdirSync(join(source, 'runs'));
    expect(readdirSync(save(source, 'float32')).sort()).toEqual([
      'LICENSE',
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it.each([
    [
      { dtype: 'float32', torch_dtype: undefined },
      { dtype: 'bfloat16', torch_dtype: undefined },
    ],
    [{ dtype: 'float32' }, { dtype: 'bfloat16', torch_dtype: 'bfloat16' }],
    [{ torch_dtype: undefined }, { torch_dtype: 'bfloat16' }],
  ])('writes the dtype where %j had it', (fields, expected) => {
    const saved = save(writeTinyModel({ config: { ...tinyConfig, ...fields } }), 'bfloat16');
    const { dtype, torch_dtype } = read(saved, 'config.json');
    expect({ dtype, torch_dtype }).toEqual({ dtype: undefined, ...expected });
  });

  it('never overwrites', () => {
    const source = writeTinyModel();
    expect(() => saveModelFolder(source, openModelFolder(source), weightsOf(source), { dtype: 'float32' })).toThrow(
      expect.objectContaining({ code: 'usage', where: source }),
    );
  });

  it('leaves nothing behind when a weight does not fit float16', () => {
    const source = writeTinyModel();
    const weights = weightsOf(source);
    weights.get('model.norm.weight')![3] = -70_000;
    const target = join(temporaryFolder(), 'saved');
    expect(() => saveModelFolder(target, openModelFolder(source), weights, { dtype: 'float16' })).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('-70000') }),
    );
    expect(existsSync(target) || existsSync(`${target}.tmp`)).toBe(false);
  });

  it('insists on exactly the parameters of the model', () => {
    const source = writeTinyModel();
    const weights = weightsOf(source);
    weights.delete('model.norm.weight');
    const target = join(temporaryFolder(), 'saved');
    const attempt = () => saveModelFolder(target, openModelFolder(source), weights, { dtype: 'float32' });
    expect(attempt).toThrow(expect.objectContaining({ code: 'internal' }));
    weights.set('something.else', new Float32Array(8));
    expect(attempt).toThrow(/model\.norm\.weight/);
  });
});

describeWithShared('the reference folders', () => {
  it.each(['llama-tiny', 'qwen2-tiny', 'qwen3-tiny'])('%s opens, saves and opens again', (name) => {
    const source = openModelFolder(sharedPath('fixtures', 'hf', name));
    expect(source).toMatchObject({ stopIds: [2], hasChatTemplate: true });
    expect(source.tokenizer.vocabSize).toBe(source.config.vocabSize);
    const target = join(temporaryFolder(), 'saved');
    const weights = loadWeights(source.folder, source.config);
    saveModelFolder(target, source, weights, { dtype: source.config.dtype });
    const saved = openModelFolder(target);
    expect(saved.config).toEqual(source.config);
    expect(loadWeights(target, saved.config)).toEqual(weights);
    expect(saved.tokenizer.decode(saved.tokenizer.encode('x = \\frac{a}{b}'))).toBe('x = \\frac{a}{b}');
  });
});
