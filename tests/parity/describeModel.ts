/**
 * Logits, entropies, losses, gradients, one AdamW step and greedy generation against transformers and PyTorch:
 * the same tests and tolerances for every provider.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adamwStep, createAdamW } from '#core/engine/adamw.ts';
import { type RawBatch, forwardRaw, gradientsRaw } from '#core/engine/forward.ts';
import { generateRollouts } from '#core/engine/sampler.ts';
import type { SessionCache } from '#core/engine/sessionCache.ts';
import type { AdamWOptions } from '#core/engine/api.ts';
import { type ModelState, hostTensors, loadModel, makeResident } from '#core/engine/modelState.ts';
import type { DeviceTensors } from '#core/engine/residentModel.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { float32 } from '#core/tensor/types.ts';
import { readSafetensors } from '#core/model/safetensors.ts';
import { sharedPath } from '../shared.ts';
import { relativeError } from './relativeError.ts';

interface Reference {
  loss: number;
  grad_norm: number;
  adamw: { lr: number; betas: [number, number]; eps: number; weight_decay: number; max_grad_norm: number };
  rl: { loss: number; pg_loss: number; kl_loss: number; clip: [number, number]; dual_clip: number; kl_coef: number };
}

export const modelNames = ['qwen2-tiny', 'llama-tiny', 'qwen3-tiny'];

/** @param sessions of the provider; shared, because a device is slow to begin with */
export function describeModel(name: string, sessions: SessionCache): void {
  describe(`${name} against its reference`, () => {
    const folder = sharedPath('fixtures', 'hf', name);
    const load = async () => {
      const tensors = readSafetensors(`${folder}/reference.safetensors`);
      const floats = (key: string) => tensors.get(key)!.data as Float32Array;
      const integers = (key: string) => Int32Array.from(tensors.get(key)!.data as BigInt64Array, Number);
      const [batch, length] = tensors.get('input_ids')!.shape as [number, number];
      const raw: RawBatch = {
        batch,
        length,
        inputIds: integers('input_ids'),
        attentionMask: integers('attention_mask'),
        positionIds: integers('position_ids'),
      };
      const reference = JSON.parse(readFileSync(`${folder}/reference.json`, 'utf8')) as Reference;
      const state = loadModel(folder);
      if (sessions.device !== null) await makeResident(state, sessions.device);
      onTestFinished(() => state.resident?.dispose());
      return { tensors, floats, integers, raw, reference, state };
    };
    const supervisedWeights = ({ integers, raw }: Awaited<ReturnType<typeof load>>) => {
      const labels = integers('labels');
      const targets = Array.from({ length: raw.batch * (raw.length - 1) }, (_, i) => {
        const row = Math.floor(i / (raw.length - 1));
        return labels[row * raw.length + (i % (raw.length - 1)) + 1]!;
      });
      const count = targets.filter((target) => target !== -100).length;
      return Float32Array.from(targets, (target) => (target === -100 ? 0 : 1 / count));
    };

    it('gives the same logits and token entropies at every real position', async () => {
      const reference = await load();
      const { logits, entropiesNats } = await forwardRaw(sessions, reference.state, reference.raw);
      const vocab = logits.length / reference.raw.attentionMask.length;
      const real = (position: number) => reference.raw.attentionMask[position] === 1;
      expect(relativeError(logits, reference.floats('logits'), (i) => real(Math.floor(i / vocab)))).toBeLessThanOrEqual(
        1e-5,
      );
      expect(relativeError(entropiesNats, reference.floats('entropy_nats'), real)).toBeLessThanOrEqual(1e-5);
    });

    it('gives the same supervised loss and gradients, and the same weights after one clipped AdamW step', async () => {
      const reference = await load();
      const weights = supervisedWeights(reference);
      const { loss, gradients } = await gradientsRaw(sessions, reference.state, reference.raw, {
        kind: 'supervised',
        weights,
      });
      expect(Math.abs(loss - reference.reference.loss) / reference.reference.loss).toBeLessThanOrEqual(1e-5);
      for (const [parameter, gradient] of gradients) {
        expect(relativeError(gradient, reference.floats(`grad.${parameter}`)), parameter).toBeLessThanOrEqual(1e-4);
      }
      const { lr, betas, eps, weight_decay, max_grad_norm } = reference.reference.adamw;
      const options = {
        beta1: betas[0],
        beta2: betas[1],
        epsilon: eps,
        weightDecay: weight_decay,
        maxGradientNorm: max_grad_norm,
      };
      const { state } = reference;
      const norm = await updateOnce(sessions, state, gradients, options, lr);
      expect(Math.abs(norm - reference.reference.grad_norm) / reference.reference.grad_norm).toBeLessThanOrEqual(1e-5);
      for (const [parameter, weight] of (await hostTensors(state)).weights) {
        const gradient = reference.floats(`grad.${parameter}`);
        const expected = reference.floats(`adamw1.${parameter}`);
        expect(
          relativeError(weight, expected, (i) => Math.abs(gradient[i]!) > 1e-6),
          parameter,
        ).toBeLessThanOrEqual(1e-5);
      }
    });

    it('gives the same RL loss and gradients', async () => {
      const reference = await load();
      const { rl } = reference.reference;
      const { batch, length } = reference.raw;
      const mask = reference.floats('rl.mask');
      const beta = reference.floats('rl.beta');
      const tokens = mask.reduce((sum, value) => sum + value, 0);
      const result = await gradientsRaw(sessions, reference.state, reference.raw, {
        kind: 'policy',
        clipLow: rl.clip[0],
        clipHigh: rl.clip[1],
        dualClip: rl.dual_clip,
        ratioLevel: 'token',
        weights: mask.map((value) => value / tokens),
        advantages: reference.floats('rl.advantage'),
        oldLogprobs: reference.floats('rl.old_logprob'),
        refLogprobs: reference.floats('rl.ref_logprob'),
        klWeights: mask.map((value, i) => (rl.kl_coef * value * beta[Math.floor(i / (length - 1))]!) / tokens),
      });
      expect(mask.length).toBe(batch * (length - 1));
      expect(relativeError(result.logprobs, reference.floats('rl.logprob'), (i) => mask[i] === 1)).toBeLessThanOrEqual(
        1e-5,
      );
      expect(Math.abs((result.loss - rl.loss) / rl.loss)).toBeLessThanOrEqual(1e-4);
      expect(Math.abs((result.klLoss - rl.kl_coef * rl.kl_loss) / (rl.kl_coef * rl.kl_loss))).toBeLessThanOrEqual(1e-4);
      for (const [parameter, gradient] of result.gradients) {
        expect(relativeError(gradient, reference.floats(`rl.grad.${parameter}`)), parameter).toBeLessThanOrEqual(1e-4);
      }
    });

    it('generates the same greedy tokens, log-probs and entropies', async () => {
      const { tensors, floats, integers, raw, state } = await load();
      const [count, produced] = tensors.get('generate.ids')!.shape as [number, number];
      const jobs = Array.from({ length: count }, (_, b) => {
        const row = raw.inputIds.subarray(b * raw.length, (b + 1) * raw.length);
        const promptIds = row.filter((_id, t) => raw.attentionMask[b * raw.length + t] === 1);
        return { promptIds, prefixIds: new Int32Array(0), promptKey: b, sampleKey: 0 };
      });
      const sampling = {
        temperature: 1,
        topK: 0,
        topP: 1,
        greedy: true,
        maxNewTokens: produced,
        stopIds: [],
        alternatives: 0,
      };
      const options = { maxRows: 2, chunkTokens: 7, prefillTokenBudget: 64 };
      const rollouts = await generateRollouts(sessions, state, { jobs, seed: 1, step: 0, sampling }, options);
      expect([...rollouts.ids]).toEqual([...integers('generate.ids')]);
      expect(relativeError(rollouts.logprobs, floats('generate.logprob'))).toBeLessThanOrEqual(1e-5);
      expect(relativeError(rollouts.entropiesNats, floats('generate.entropy_nats'))).toBeLessThanOrEqual(1e-5);
    });
  });
}

/** One AdamW step where the weights are; returns the norm of the gradients. */
async function updateOnce(
  { device }: SessionCache,
  state: ModelState,
  gradients: ReadonlyMap<string, Float32Array>,
  options: AdamWOptions,
  learningRate: number,
): Promise<number> {
  const { resident } = state;
  if (resident === undefined) {
    return adamwStep(createAdamW(state.weights, options), state.weights, gradients, learningRate);
  }
  await resident.startMoments([...gradients.keys()]);
  const onDevice: DeviceTensors = new Map();
  for (const { name, shape } of parameterSpecs(state.config))
    onDevice.set(name, await device!.upload(float32(gradients.get(name)!, shape)));
  return resident.update(createAdamW(new Map(), options), onDevice, learningRate);
}
