/** Qwen2.5-VL against transformers: pixels, positions, features, logits, gradients, one optimizer step. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { adamwStep, createAdamW } from '#core/engine/adamw.ts';
import { type RawBatch, forwardRaw, gradientsRaw } from '#core/engine/forward.ts';
import { loadModel } from '#core/engine/modelState.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { moduleName } from '#core/model/weights.ts';
import { readSafetensors } from '#core/model/safetensors.ts';
import { decodeImage } from '#core/model/vision/decodeImage.ts';
import { type ImageGrid, tokenPositions } from '#core/model/vision/geometry.ts';
import { processImage, readImageProcessor } from '#core/model/vision/imageProcessor.ts';
import { emitVisionFeatures, visionFeeds, visionInputs, visionWeightInputs } from '#core/model/vision/visionGraph.ts';
import { visionParameterSpecs } from '#core/model/vision/parameters.ts';
import { Graph } from '#core/tensor/graph.ts';
import { Session } from '#core/tensor/runtime.ts';
import { float32 } from '#core/tensor/types.ts';
import { describeWithShared, sharedPath } from '../shared.ts';
import { relativeError } from './relativeError.ts';

interface Reference {
  loss: number;
  adamw: { lr: number; betas: [number, number]; eps: number; weight_decay: number; max_grad_norm: number };
  rl: { loss: number; kl_loss: number; clip: [number, number]; dual_clip: number; kl_coef: number };
}

const sessions = new SessionCache(1);

describeWithShared('qwen2_5_vl-tiny against its reference', () => {
  const folder = sharedPath('fixtures', 'hf', 'qwen2_5_vl-tiny');
  const load = () => {
    const tensors = readSafetensors(`${folder}/reference.safetensors`);
    const floats = (key: string) => tensors.get(key)!.data as Float32Array;
    const integers = (key: string) => Int32Array.from(tensors.get(key)!.data as BigInt64Array, Number);
    const [batch, length] = tensors.get('input_ids')!.shape as [number, number];
    const grid = integers('image_grid_thw');
    const grids = Array.from({ length: grid.length / 3 }, (_, i): ImageGrid => ({
      frames: grid[3 * i]!,
      rows: grid[3 * i + 1]!,
      columns: grid[3 * i + 2]!,
    }));
    const raw: RawBatch = {
      batch,
      length,
      inputIds: integers('input_ids'),
      attentionMask: integers('attention_mask'),
      positionIds: integers('position_ids').subarray(0, batch * length),
      images: { grids, pixels: floats('pixel_values') },
    };
    const reference = JSON.parse(readFileSync(`${folder}/reference.json`, 'utf8')) as Reference;
    return { floats, integers, raw, grids, reference, state: loadModel(folder) };
  };
  const real =
    ({ raw }: ReturnType<typeof load>) =>
    (position: number) =>
      raw.attentionMask[position] === 1;

  it('turns the images into the same pixel values', async () => {
    const { state, floats, grids } = load();
    const { vision } = state.config.multimodal!;
    const config = readImageProcessor(folder, vision);
    const processed = [];
    for (const name of ['image0.png', 'image1.png', 'image2.png']) {
      processed.push(processImage(await decodeImage(readFileSync(`${folder}/${name}`), name), vision, config));
    }
    expect(processed.map(({ grid }) => grid)).toEqual(grids);
    const pixels = processed.flatMap((image) => [...image.pixels]);
    const expected = floats('pixel_values');
    expect(pixels.length).toBe(expected.length);
    const off = pixels.filter((value, i) => Math.abs(value - expected[i]!) > 0.02).length;
    expect(off / pixels.length).toBeLessThanOrEqual(0.005);
  });

  it('gives the same positions on all three axes, and the same delta', () => {
    const { state, raw, grids, integers } = load();
    const expected = integers('position_ids');
    const deltas = integers('rope_deltas');
    for (let b = 0; b < raw.batch; b++) {
      const from = b * raw.length;
      const start = raw.attentionMask.subarray(from, from + raw.length).indexOf(1);
      const end = raw.attentionMask.subarray(from, from + raw.length).lastIndexOf(1) + 1;
      const ids = raw.inputIds.subarray(from + start, from + end);
      const positions = tokenPositions(ids, [grids[b]!], state.config.multimodal!);
      [positions.time, positions.height, positions.width].forEach((axis, i) => {
        const at = (i * raw.batch + b) * raw.length;
        expect([...axis], `row ${b}, axis ${i}`).toEqual([...expected.subarray(at + start, at + end)]);
      });
      expect(positions.delta).toBe(deltas[b]);
    }
  });

  it('gives the same vision features', async () => {
    const { state, raw, floats } = load();
    const { vision } = state.config.multimodal!;
    const g = new Graph();
    const weights = visionWeightInputs(g, vision);
    g.namedOutput(emitVisionFeatures(g, vision, weights, visionInputs(g, vision), false), 'features');
    const session = await Session.create(g.build(), { threads: 1, optimisation: 'disabled' });
    const outputs = await session.run({
      ...Object.fromEntries(
        visionParameterSpecs(vision).map(({ name, shape }) => [name, float32(state.weights.get(name)!, shape)]),
      ),
      ...visionFeeds(vision, raw.images!.grids, raw.images!.pixels),
    });
    expect(relativeError(outputs['features']!.data as Float32Array, floats('vision.features'))).toBeLessThanOrEqual(
      1e-5,
    );
    await session.release();
  });

  it('gives the same logits and token entropies at every real position', async () => {
    const loaded = load();
    const { logits, entropiesNats } = await forwardRaw(sessions, loaded.state, loaded.raw);
    const vocab = logits.length / loaded.raw.attentionMask.length;
    const isReal = real(loaded);
    const logitsError = relativeError(logits, loaded.floats('logits'), (i) => isReal(Math.floor(i / vocab)));
    expect(logitsError).toBeLessThanOrEqual(1e-5);
    expect(relativeError(entropiesNats, loaded.floats('entropy_nats'), isReal)).toBeLessThanOrEqual(1e-5);
  });

  it('gives the same supervised loss, gradients of language and vision, and weights after one clipped AdamW step', async () => {
    const { state, raw, integers, floats, reference } = load();
    const labels = integers('labels');
    const targets = Array.from({ length: raw.batch * (raw.length - 1) }, (_, i) => {
      const row = Math.floor(i / (raw.length - 1));
      return labels[row * raw.length + (i % (raw.length - 1)) + 1]!;
    });
    const count = targets.filter((target) => target !== -100).length;
    const weights = Float32Array.from(targets, (target) => (target === -100 ? 0 : 1 / count));
    const { loss, gradients } = await gradientsRaw(sessions, state, raw, { kind: 'supervised', weights });
    expect(Math.abs(loss - reference.loss)).toBeLessThanOrEqual(1e-5 * Math.abs(reference.loss));
    expect(gradients.size).toBe(state.weights.size);
    for (const [name, gradient] of gradients) {
      expect(relativeError(gradient, floats(`grad.${moduleName(name)}`)), name).toBeLessThanOrEqual(1e-4);
    }
    const { lr, betas, eps, weight_decay, max_grad_norm } = reference.adamw;
    const optimizer = createAdamW(state.weights, {
      beta1: betas[0],
      beta2: betas[1],
      epsilon: eps,
      weightDecay: weight_decay,
      maxGradientNorm: max_grad_norm,
    });
    adamwStep(optimizer, state.weights, gradients, lr);
    for (const [name, weight] of state.weights) {
      const gradient = floats(`grad.${moduleName(name)}`);
      const error = relativeError(weight, floats(`adamw1.${moduleName(name)}`), (i) => Math.abs(gradient[i]!) > 1e-6);
      expect(error, name).toBeLessThanOrEqual(1e-5);
    }
  });

  it('gives the same policy loss and gradients', async () => {
    const { state, raw, floats, reference } = load();
    const { clip, dual_clip, kl_coef } = reference.rl;
    const mask = floats('rl.mask');
    const tokens = mask.reduce((sum, value) => sum + value, 0);
    const beta = floats('rl.beta');
    const { loss, gradients } = await gradientsRaw(sessions, state, raw, {
      kind: 'policy',
      clipLow: clip[0],
      clipHigh: clip[1],
      dualClip: dual_clip,
      ratioLevel: 'token',
      weights: mask.map((value) => value / tokens),
      advantages: floats('rl.advantage'),
      oldLogprobs: floats('rl.old_logprob'),
      refLogprobs: floats('rl.ref_logprob'),
      klWeights: mask.map((value, i) => (kl_coef * value * beta[Math.floor(i / (raw.length - 1))]!) / tokens),
    });
    expect(Math.abs(loss - reference.rl.loss)).toBeLessThanOrEqual(1e-4 * Math.abs(reference.rl.loss));
    for (const [name, gradient] of gradients) {
      expect(relativeError(gradient, floats(`rl.grad.${moduleName(name)}`)), name).toBeLessThanOrEqual(1e-4);
    }
  });
});
