/** Batches and losses from safetensors files: defaults, normalisation, and every way to be refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readBatch, readPolicyLoss, readSupervisedLoss } from '#core/cli/forwardInputs.ts';
import { ReferenceTensors } from '#core/cli/referenceTensors.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { type TensorToWrite, writeSafetensors } from '#core/model/safetensors.ts';
import { AresError } from '#core/util/errors.ts';

const config = parseTextConfig(
  {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: 20,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    max_position_embeddings: 16,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: true,
    eos_token_id: 1,
  },
  'test',
);

const int64 = (name: string, shape: number[], values: number[]): TensorToWrite => ({
  name,
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const float32 = (name: string, shape: number[], values: number[]): TensorToWrite => ({
  name,
  shape,
  data: Float32Array.from(values),
});

function fileWith(...tensors: TensorToWrite[]): ReferenceTensors {
  const folder = mkdtempSync(join(tmpdir(), 'ares-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'inputs.safetensors');
  writeSafetensors(path, tensors);
  return new ReferenceTensors(path);
}

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(AresError);
    expect(['bad-data', 'unsupported']).toContain((error as AresError).code);
    return (error as AresError).message;
  }
  throw new Error('The inputs were accepted.');
}

const ids = int64('input_ids', [2, 3], [5, 6, 7, 8, 9, 10]);
const coefficients = { clipLow: 0.2, clipHigh: 0.3, dualClip: 3, klCoefficient: 0.5 };

describe('the batch', () => {
  it('is real everywhere and counted from 0 when nothing else is said', () => {
    const batch = readBatch(fileWith(ids), config);
    expect(batch).toMatchObject({ batch: 2, length: 3 });
    expect([...batch.inputIds]).toEqual([5, 6, 7, 8, 9, 10]);
    expect([...batch.attentionMask]).toEqual([1, 1, 1, 1, 1, 1]);
    expect([...batch.positionIds]).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('counts real tokens only, so that padding on the left shifts no position', () => {
    const mask = int64('attention_mask', [2, 3], [0, 0, 1, 0, 1, 1]);
    expect([...readBatch(fileWith(ids, mask), config).positionIds]).toEqual([0, 0, 0, 0, 0, 1]);
  });

  it('takes positions as they are given', () => {
    const positions = int64('position_ids', [2, 3], [3, 4, 5, 0, 0, 15]);
    expect([...readBatch(fileWith(ids, positions), config).positionIds]).toEqual([3, 4, 5, 0, 0, 15]);
  });

  it.each<[string, TensorToWrite[], string]>([
    ['no ids', [float32('logits', [1], [0])], 'There is no tensor "input_ids" among the inputs.'],
    [
      'ids of one axis',
      [int64('input_ids', [3], [1, 2, 3])],
      'Tensor "input_ids" has the shape [3], but [batch, length] is needed.',
    ],
    [
      'an empty batch',
      [int64('input_ids', [0, 3], [])],
      'Tensor "input_ids" has the shape [0, 3], but [batch, length] is needed.',
    ],
    [
      'fractional ids',
      [float32('input_ids', [1, 2], [1, 2])],
      'Tensor "input_ids" holds F32, but whole numbers are needed.',
    ],
    [
      'ids beyond the vocabulary',
      [int64('input_ids', [2, 2], [0, 1, 2, 20])],
      'Tensor "input_ids" holds 20 at [1, 1]; values from 0 to 19 are possible.',
    ],
    [
      'negative ids',
      [int64('input_ids', [1, 2], [-1, 1])],
      'Tensor "input_ids" holds -1 at [0, 0]; values from 0 to 19 are possible.',
    ],
    [
      'ids that 32 bits would wrap around',
      [int64('input_ids', [1, 2], [2 ** 32 + 1, 1])],
      'Tensor "input_ids" holds 4294967297 at [0, 0]; values from 0 to 19 are possible.',
    ],
    [
      'a mask of another shape',
      [ids, int64('attention_mask', [3, 2], [1, 1, 1, 1, 1, 1])],
      'Tensor "attention_mask" has the shape [3, 2], but [2, 3] is needed.',
    ],
    [
      'a mask that is none',
      [ids, int64('attention_mask', [2, 3], [1, 1, 2, 1, 1, 1])],
      'Tensor "attention_mask" holds 2 at [0, 2]; values from 0 to 1 are possible.',
    ],
    [
      'positions the model does not have',
      [ids, int64('position_ids', [2, 3], [0, 1, 16, 0, 1, 2])],
      'Tensor "position_ids" holds 16 at [0, 2]; values from 0 to 15 are possible.',
    ],
  ])('is refused with %s', (_name, tensors, sentence) => {
    expect(refusal(() => readBatch(fileWith(...tensors), config))).toBe(sentence);
  });
});

describe('the supervised loss', () => {
  const lossOf = (...labels: number[]) => {
    const tensors = fileWith(ids, int64('labels', [2, 3], labels));
    return readSupervisedLoss(tensors, readBatch(tensors, config), config);
  };

  it('is a mean over the labels that count, of the tokens they are predicted from', () => {
    const { weights } = lossOf(-100, 6, 7, -100, -100, 10);
    expect([...weights]).toEqual([1, 1, 0, 1].map((weight) => Math.fround(weight / 3)));
  });

  it('ignores the first label of a row, which nothing predicts', () => {
    expect([...lossOf(17, 6, -100, 17, -100, -100).weights]).toEqual([1, 0, 0, 0]);
  });

  it('is refused where it would not be the loss that was asked for', () => {
    expect(refusal(() => lossOf(-100, 6, 8, -100, -100, -100))).toBe(
      'The label at [0, 2] is 8, but the token there is 7.',
    );
    expect(refusal(() => lossOf(-100, -100, -100, 8, -100, -100))).toBe(
      'No token counts: the mean over "labels" is over nothing.',
    );
    expect(refusal(() => lossOf(-100, 6, -99, -100, -100, -100))).toContain('The label at [0, 2] is -99');
    const single = fileWith(int64('input_ids', [1, 1], [3]), int64('labels', [1, 1], [3]));
    expect(refusal(() => readSupervisedLoss(single, readBatch(single, config), config))).toContain(
      'Sequences of one token',
    );
  });
});

describe('the policy loss', () => {
  const tensorsWith = (...changed: TensorToWrite[]): TensorToWrite[] => {
    const usual = [
      float32('rl.mask', [2, 2], [0, 1, 1, 1]),
      float32('rl.beta', [2], [1, 3]),
      float32('rl.advantage', [2, 2], [1, 2, 3, 4]),
      float32('rl.old_logprob', [2, 2], [-1, -2, -3, -4]),
      float32('rl.ref_logprob', [2, 2], [-1, -2, -3, -4]),
    ];
    const names = changed.map(({ name }) => name);
    return [ids, ...usual.filter(({ name }) => !names.includes(name)), ...changed];
  };
  const lossOf = (...changed: TensorToWrite[]) => {
    const tensors = fileWith(...tensorsWith(...changed));
    return readPolicyLoss(tensors, readBatch(tensors, config), coefficients);
  };

  it('is a mean over the mask, its KL weighted by the beta of the row and the coefficient', () => {
    const { loss } = lossOf();
    expect([...loss.weights]).toEqual([0, 1, 1, 1].map((weight) => Math.fround(weight / 3)));
    expect([...loss.klWeights].map((weight) => weight * 3)).toEqual(
      [0, 0.5, 1.5, 1.5].map((weight) => expect.closeTo(weight, 6)),
    );
  });

  it('reports the mean of beta · k3 before the coefficient', () => {
    const { meanKl } = lossOf();
    expect(meanKl(Float32Array.of(9, -2, -3, -4))).toBe(0);
    // k = ref − logπ = −1 at one token of the second row: k3 = exp(−1) + 1 − 1.
    expect(meanKl(Float32Array.of(9, -2, -2, -4))).toBeCloseTo((3 * Math.exp(-1)) / 3, 6);
  });

  it.each<[TensorToWrite, string]>([
    [float32('rl.mask', [2, 2], [0, 0, 0, 0]), 'No token counts: the mean over "rl.mask" is over nothing.'],
    [float32('rl.mask', [2, 2], [0, 0.5, 1, 1]), 'Tensor "rl.mask" holds other values than 0 and 1.'],
    [float32('rl.advantage', [2, 2], [1, NaN, 3, 4]), 'Tensor "rl.advantage" holds NaN at [0, 1].'],
    [
      float32('rl.advantage', [2, 3], [1, 2, 3, 4, 5, 6]),
      'Tensor "rl.advantage" has the shape [2, 3], but [2, 2] is needed.',
    ],
    [int64('rl.beta', [2], [1, 1]), 'Tensor "rl.beta" holds I64, but floating-point numbers are needed.'],
  ])('is refused: %#', (tensor, sentence) => {
    expect(refusal(() => lossOf(tensor))).toBe(sentence);
  });
});
