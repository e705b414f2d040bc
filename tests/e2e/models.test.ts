/** `ares model` on the reference models: the numbers of transformers, end to end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { GeneratedResponse } from '#core/cli/generated.ts';
import { readSafetensors } from '#core/model/safetensors.ts';
import { relativeError } from '../relativeError.ts';
import { describeWithShared, sharedPath } from '../shared.ts';
import { runAres, temporaryFolder } from './ares.ts';

interface Reference {
  loss: number;
  grad_norm: number;
  rl: { loss: number; pg_loss: number; kl_loss: number; clip: [number, number]; dual_clip: number; kl_coef: number };
}

function tensorsOf(path: string) {
  const tensors = readSafetensors(path);
  return {
    names: [...tensors.keys()],
    shape: (name: string) => tensors.get(name)!.shape,
    floats: (name: string) => tensors.get(name)!.data as Float32Array,
    integers: (name: string) => Array.from(tensors.get(name)!.data as BigInt64Array, Number),
  };
}

for (const name of ['qwen2-tiny', 'llama-tiny', 'qwen3-tiny']) {
  describeWithShared(`ares model on ${name}`, () => {
    const folder = sharedPath('fixtures', 'hf', name);
    const inputs = join(folder, 'reference.safetensors');

    it('forward writes the logits, entropies, supervised loss and gradients of the reference', async () => {
      const out = join(temporaryFolder(), 'out.safetensors');
      const { code, stdout, stderr } = await runAres(
        'model',
        'forward',
        '--model',
        folder,
        '--inputs',
        inputs,
        '--out',
        out,
        '--grad',
        '--json',
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

      const reference = tensorsOf(inputs);
      const result = tensorsOf(out);
      const mask = reference.integers('attention_mask');
      const vocab = reference.shape('logits')[2]!;
      expect(result.shape('logits')).toEqual(reference.shape('logits'));
      expect(
        relativeError(result.floats('logits'), reference.floats('logits'), (i) => mask[Math.floor(i / vocab)] === 1),
      ).toBeLessThanOrEqual(1e-5);
      expect(
        relativeError(result.floats('entropy_nats'), reference.floats('entropy_nats'), (i) => mask[i] === 1),
      ).toBeLessThanOrEqual(1e-5);
      const gradients = reference.names.filter((tensor) => tensor.startsWith('grad.'));
      expect(result.names.filter((tensor) => tensor.startsWith('grad.')).sort()).toEqual(gradients.sort());
      for (const tensor of gradients) {
        expect(result.shape(tensor)).toEqual(reference.shape(tensor));
        expect(relativeError(result.floats(tensor), reference.floats(tensor)), tensor).toBeLessThanOrEqual(1e-4);
      }

      const { loss, grad_norm } = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')) as Reference;
      expect(result.shape('loss')).toEqual([]);
      expect(relativeError(result.floats('loss'), [loss])).toBeLessThanOrEqual(1e-5);
      const summary = JSON.parse(stdout) as { loss: number; gradientNorm: number; shapes: Record<string, number[]> };
      expect(relativeError([summary.loss, summary.gradientNorm], [loss, grad_norm])).toBeLessThanOrEqual(1e-5);
      expect(summary.shapes['logits']).toEqual(reference.shape('logits'));
    });

    it('forward --loss rl writes the policy loss, its parts and its gradients', async () => {
      const out = join(temporaryFolder(), 'out.safetensors');
      const { rl } = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')) as Reference;
      const scalars = [
        '--clip-low',
        rl.clip[0],
        '--clip-high',
        rl.clip[1],
        '--dual-clip',
        rl.dual_clip,
        '--kl-coef',
        rl.kl_coef,
      ].map(String);
      const { code, stderr } = await runAres(
        'model',
        'forward',
        '--model',
        folder,
        '--inputs',
        inputs,
        '--out',
        out,
        '--loss',
        'rl',
        '--grad',
        ...scalars,
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

      const reference = tensorsOf(inputs);
      const result = tensorsOf(out);
      const counts = reference.floats('rl.mask');
      expect(
        relativeError(result.floats('rl.logprob'), reference.floats('rl.logprob'), (i) => counts[i] === 1),
      ).toBeLessThanOrEqual(1e-5);
      for (const [tensor, expected] of [
        ['rl.loss', rl.loss],
        ['rl.pg_loss', rl.pg_loss],
        ['rl.kl_loss', rl.kl_loss],
      ] as const) {
        expect(relativeError(result.floats(tensor), [expected]), tensor).toBeLessThanOrEqual(1e-4);
      }
      const gradients = reference.names.filter((tensor) => tensor.startsWith('rl.grad.'));
      expect(gradients.length).toBeGreaterThan(0);
      for (const tensor of gradients) {
        expect(relativeError(result.floats(tensor), reference.floats(tensor)), tensor).toBeLessThanOrEqual(1e-4);
      }
    });

    it('generate --greedy continues as the reference does', async () => {
      const reference = tensorsOf(inputs);
      const [count, produced] = reference.shape('generate.ids') as [number, number];
      const length = reference.shape('input_ids')[1]!;
      const mask = reference.integers('attention_mask');
      const ids = reference.integers('input_ids');
      const rows = Array.from({ length: count }, (_, b) => {
        const row = Array.from({ length }, (_, t) => b * length + t).filter((cell) => mask[cell] === 1);
        return JSON.stringify({ ids: row.map((cell) => ids[cell]) });
      });
      const prompts = join(temporaryFolder(), 'prompts.jsonl');
      writeFileSync(prompts, rows.join('\n'));
      const { code, stdout, stderr } = await runAres(
        'model',
        'generate',
        '--model',
        folder,
        '--prompts',
        prompts,
        '--greedy',
        '--max-new-tokens',
        String(produced),
        '--json',
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

      const responses = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as GeneratedResponse);
      expect(responses.map(({ prompt }) => prompt)).toEqual([0, 1, 2]);
      expect(responses.flatMap((response) => response.ids)).toEqual(reference.integers('generate.ids'));
      expect(
        relativeError(
          responses.flatMap(({ logprobs }) => logprobs),
          reference.floats('generate.logprob'),
        ),
      ).toBeLessThanOrEqual(1e-5);
      expect(
        relativeError(
          responses.flatMap(({ entropiesNats }) => entropiesNats),
          reference.floats('generate.entropy_nats'),
        ),
      ).toBeLessThanOrEqual(1e-5);
    });
  });
}

describeWithShared('ares model generate', () => {
  const folder = sharedPath('fixtures', 'hf', 'qwen3-tiny');
  const generate = async (...args: string[]) => {
    const { code, stdout, stderr } = await runAres(
      'model',
      'generate',
      '--model',
      folder,
      '--json',
      '--max-new-tokens',
      '5',
      ...args,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as GeneratedResponse);
  };

  it('repeats a sample by its seed and number, whatever else is sampled with it', async () => {
    const several = await generate('--prompt', 'What is 2+3?', '--samples', '3', '--seed', '9', '--alternatives', '2');
    const fewer = await generate('--prompt', 'What is 2+3?', '--samples', '2', '--seed', '9', '--alternatives', '2');
    expect(several.slice(0, 2).map(({ ids }) => ids)).toEqual(fewer.map(({ ids }) => ids));
    expect(new Set(several.map(({ ids }) => ids.join())).size).toBe(3);
    for (const { ids, alternatives } of several) {
      expect(alternatives).toHaveLength(ids.length);
      for (const [first, second] of alternatives!) expect(first!.logprob).toBeGreaterThanOrEqual(second!.logprob);
    }
  });

  it('applies the chat template unless told otherwise', async () => {
    const [chat] = await generate('--prompt', 'What is 2+3?', '--greedy');
    const [rendered] = await generate(
      '--plain',
      '--greedy',
      '--prompt',
      '<|im_start|>user\nWhat is 2+3?<|im_end|>\n<|im_start|>assistant\n',
    );
    const [plain] = await generate('--plain', '--greedy', '--prompt', 'What is 2+3?');
    expect(chat!.logprobs).toEqual(rendered!.logprobs);
    expect(chat!.logprobs).not.toEqual(plain!.logprobs);
  });
});
