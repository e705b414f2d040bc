/** Loading weights: single files, shards, and every way in which files and configuration disagree. */
import { renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTextConfig } from '#core/model/config.ts';
import { readJsonObject } from '#core/model/json.ts';
import { type TensorToWrite, readSafetensors, writeSafetensors } from '#core/model/safetensors.ts';
import { loadWeights } from '#core/model/weights.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';
import { temporaryFolder, tinyConfig, tinyTensors, writeJson, writeShards, writeTinyModel } from './tinyModel.ts';

const config = parseTextConfig(tinyConfig, 'tiny');
const embedding = 'model.embed_tokens.weight';
const head = 'lm_head.weight';

const load = (tensors: TensorToWrite[]) => loadWeights(writeTinyModel({ tensors }), config);
const failure = (code: string, ...parts: string[]) =>
  expect.objectContaining({
    code,
    hint: expect.any(String),
    message: expect.stringMatching(
      new RegExp(parts.map((part) => part.replaceAll(/[[\].()]/g, String.raw`\$&`)).join('.*')),
    ),
  });

const withHead = (change: number) => {
  const tensors = tinyTensors();
  const data = Float32Array.from(tensors[0]!.data);
  data[5]! += change;
  return [...tensors, { name: head, shape: [20, 8], data }];
};

const sharded = () => {
  const folder = writeTinyModel();
  rmSync(join(folder, 'model.safetensors'));
  const [first, second] = writeShards(folder, tinyTensors());
  return { folder, first, second };
};

const folderWith = (...names: string[]) => {
  const folder = temporaryFolder();
  for (const name of names) writeFileSync(join(folder, name), 'x');
  return folder;
};

describe('a single file', () => {
  it('gives all parameters in forward order, whatever their order in the file', () => {
    const tensors = tinyTensors();
    const weights = load([...tensors].reverse());
    expect([...weights.keys()]).toEqual(tensors.map(({ name }) => name));
    for (const { name, data } of tensors) expect(weights.get(name)).toEqual(data);
  });

  it('widens bfloat16', () => {
    const tensors = tinyTensors().map((tensor): TensorToWrite => ({
      ...tensor,
      data: tensor.data.slice().fill(1.5),
      dtype: 'BF16',
    }));
    expect(load(tensors).get(embedding)![3]).toBe(1.5);
  });

  it('names missing tensors', () => {
    expect(() => load(tinyTensors().slice(0, -1))).toThrow(failure('bad-file', '1 of 24', 'model.norm.weight'));
  });

  it('names tensors of another architecture', () => {
    const extra = { name: 'model.layers.0.self_attn.q_proj.bias', shape: [12], data: new Float32Array(12) };
    expect(() => load([...tinyTensors(), extra])).toThrow(failure('bad-file', 'self_attn.q_proj.bias'));
  });

  it('ignores stored rotary frequencies', () => {
    const extra = { name: 'model.layers.0.self_attn.rotary_emb.inv_freq', shape: [3], data: new Float32Array(3) };
    expect(load([...tinyTensors(), extra]).has(extra.name)).toBe(false);
  });

  it('gives both shapes where configuration and file differ', () => {
    const wrong = { ...tinyConfig, hidden_size: 10 };
    expect(() => loadWeights(writeTinyModel(), parseTextConfig(wrong, 'wrong'))).toThrow(
      failure('bad-file', embedding, '[20, 8]', '[20, 10]'),
    );
  });

  it('does not take the same number of elements in another shape', () => {
    const tensors = tinyTensors().map((tensor) => (tensor.name === embedding ? { ...tensor, shape: [8, 20] } : tensor));
    expect(() => load(tensors)).toThrow(failure('bad-file', '[8, 20]', '[20, 8]'));
  });

  it('refuses quantised integers', () => {
    const tensors = tinyTensors().map((tensor) =>
      tensor.name === embedding ? { ...tensor, data: new Uint8Array(160) } : tensor,
    );
    expect(() => load(tensors)).toThrow(failure('unsupported', embedding, 'U8'));
  });
});

describe('tied embeddings', () => {
  it('a copy of the embedding as lm_head is ignored', () => {
    expect(load(withHead(0)).has(head)).toBe(false);
  });

  it('a different lm_head is an error, since transformers would use it', () => {
    expect(() => load(withHead(1e-3))).toThrow(failure('bad-file', 'tie_word_embeddings', head));
  });

  it('an untied model without lm_head is told what may be wrong', () => {
    const untied = parseTextConfig({ ...tinyConfig, tie_word_embeddings: false }, 'x');
    expect(() => loadWeights(writeTinyModel(), untied)).toThrow(failure('bad-file', head, 'tie_word_embeddings'));
  });
});

describe('shards', () => {
  it('are put together', () => {
    const weights = loadWeights(sharded().folder, config);
    for (const { name, data } of tinyTensors()) expect(weights.get(name)).toEqual(data);
  });

  it('a missing one is named', () => {
    const { folder, second } = sharded();
    rmSync(join(folder, second));
    expect(() => loadWeights(folder, config)).toThrow(failure('bad-file', second, 'missing'));
  });

  it('a truncated one is named', () => {
    const { folder, second } = sharded();
    truncateSync(join(folder, second), 2000);
    expect(() => loadWeights(folder, config)).toThrow(failure('bad-file', 'truncated'));
    expect(() => loadWeights(folder, config)).toThrow(expect.objectContaining({ where: join(folder, second) }));
  });

  it('one that lacks a tensor of the index is named', () => {
    const { folder, first, second } = sharded();
    renameSync(join(folder, first), join(folder, second));
    writeSafetensors(join(folder, first), []);
    expect(() => loadWeights(folder, config)).toThrow(failure('bad-file', embedding, first));
  });

  it('a tensor in two of them is an error', () => {
    const { folder, second } = sharded();
    writeSafetensors(join(folder, second), tinyTensors());
    expect(() => loadWeights(folder, config)).toThrow(failure('bad-file', second));
  });

  it.each([
    '../model.safetensors',
    '/etc/x.safetensors',
    'sub/x.safetensors',
    '..\\x.safetensors',
    'C:x.safetensors',
    'x.bin',
    7,
  ])('an index that points to %j is refused before anything is opened', (target) => {
    const { folder } = sharded();
    writeJson(folder, 'model.safetensors.index.json', { weight_map: { [embedding]: target } });
    expect(() => loadWeights(folder, config)).toThrow(failure('bad-file', embedding, 'no file of this folder'));
  });

  it('an index without a map is refused', () => {
    const { folder } = sharded();
    writeJson(folder, 'model.safetensors.index.json', { metadata: {} });
    expect(() => loadWeights(folder, config)).toThrow(failure('bad-file', 'weight_map'));
  });

  it('the single file goes first, as in transformers', () => {
    const { folder } = sharded();
    const other = tinyTensors().map((tensor) => ({ ...tensor, data: tensor.data.slice().fill(2) }));
    writeSafetensors(join(folder, 'model.safetensors'), other);
    expect(loadWeights(folder, config).get(embedding)![0]).toBe(2);
  });
});

describe('folders without safetensors', () => {
  it.each(['pytorch_model.bin', 'consolidated.00.pth'])('%s is never opened, and it says why', (name) => {
    expect(() => loadWeights(folderWith(name), config)).toThrow(
      expect.objectContaining({ code: 'unsupported', hint: expect.stringContaining('runs code') }),
    );
  });

  it('an adapter is not a model', () => {
    expect(() => loadWeights(folderWith('adapter_config.json', 'adapter_model.safetensors'), config)).toThrow(
      failure('unsupported', 'LoRA adapter'),
    );
  });

  it('an empty folder is not found', () => {
    expect(() => loadWeights(folderWith(), config)).toThrow(failure('not-found', 'model.safetensors'));
  });
});

describeWithShared('the reference checkpoints', () => {
  it.each(['llama-tiny', 'qwen2-tiny', 'qwen3-tiny'])('%s loads', (name) => {
    const folder = sharedPath('fixtures', 'hf', name);
    const reference = parseTextConfig(readJsonObject(join(folder, 'config.json')), name);
    const weights = loadWeights(folder, reference);
    expect(weights.get(embedding)!.length).toBe(384 * 48);
    expect([...weights.values()].every((values) => values.every(Number.isFinite))).toBe(true);
  });

  it('bfloat16 shards give the stored bits', () => {
    const folder = sharedPath('fixtures', 'hf', 'qwen3-tiny');
    const reference = parseTextConfig(readJsonObject(join(folder, 'config.json')), 'qwen3');
    const norm = loadWeights(folder, reference).get('model.norm.weight')!;
    const stored = readSafetensors(join(folder, 'model-00003-of-00003.safetensors')).get('model.norm.weight')!;
    expect(stored.dtype).toBe('BF16');
    expect(norm).toEqual(stored.data);
    expect([...new Uint32Array(norm.buffer)].every((bits) => bits % 0x10000 === 0)).toBe(true);
  });
});
