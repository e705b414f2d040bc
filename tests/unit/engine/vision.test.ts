/** Images through the engine: sampler and scorer agree, groups share them, training sees them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ImageInput, RolloutColumns, RolloutJob } from '#core/engine/api.ts';
import { loadModel, trainedWeights } from '#core/engine/modelState.ts';
import { generateRollouts } from '#core/engine/sampler.ts';
import { scoreSequences } from '#core/engine/scorer.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { computeGradients } from '#core/engine/trainer.ts';
import { decodeImage } from '#core/model/vision/decodeImage.ts';
import { imageTokens } from '#core/model/vision/geometry.ts';
import { processImage, readImageProcessor } from '#core/model/vision/imageProcessor.ts';
import { VISION_PREFIX } from '#core/model/vision/parameters.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';

const sessions = new SessionCache(1);
const sampling = {
  temperature: 1,
  topK: 0,
  topP: 1,
  greedy: false,
  maxNewTokens: 16,
  stopIds: [2],
  alternatives: 0,
};
const options = { maxRows: 16, chunkTokens: 8, prefillTokenBudget: 256 };

function responses({ lengths, ids }: RolloutColumns): Int32Array[] {
  let offset = 0;
  return Array.from(lengths, (length) => ids.slice(offset, (offset += length)));
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

describeWithShared('a model that sees', () => {
  const folder = sharedPath('fixtures', 'hf', 'qwen2_5_vl-tiny');

  const load = async () => {
    const state = loadModel(folder);
    const { vision, imageTokenId } = state.config.multimodal!;
    const config = readImageProcessor(folder, vision);
    const images: ImageInput[] = [];
    for (const name of ['image0.png', 'image1.png', 'image2.png']) {
      const { grid, pixels } = processImage(await decodeImage(readFileSync(`${folder}/${name}`), name), vision, config);
      images.push({ key: name, grid, pixels });
    }
    const tokensOf = (image: ImageInput) => Array.from({ length: imageTokens(image.grid, 2) }, () => imageTokenId);
    const prompt = (own: ImageInput[]) =>
      Int32Array.from([20, ...own.flatMap((image) => [3, ...tokensOf(image), 4]), 30, 31]);
    /** No image, one, another, two; two samples of each. */
    const jobs = [[], [images[0]!], [images[2]!], [images[1]!, images[0]!]].flatMap((own, promptKey) =>
      [0, 1].map((sampleKey): RolloutJob => ({
        promptIds: prompt(own),
        prefixIds: new Int32Array(0),
        images: own,
        promptKey,
        sampleKey,
      })),
    );
    const run = (chosen = jobs, changes = {}) =>
      generateRollouts(sessions, state, { jobs: chosen, seed: 1, step: 2, sampling }, { ...options, ...changes });
    return { state, images, jobs, run };
  };

  it('samples with the log-probs and entropies that teacher forcing gives', async () => {
    const { state, jobs, run } = await load();
    const rollouts = await run();
    const sequences = responses(rollouts).map((responseIds, i) => ({ ...jobs[i]!, responseIds }));
    const scores = await scoreSequences(sessions, state, { sequences, temperature: 1 }, 200);
    expect(largestDifference(rollouts.logprobs, scores.logprobs)).toBeLessThanOrEqual(1e-5);
    expect(largestDifference(rollouts.entropiesNats, scores.entropiesNats)).toBeLessThanOrEqual(1e-5);
  });

  it('samples the same alone and in company, whatever the chunk and the prefill budget', async () => {
    const { jobs, run } = await load();
    const reference = responses(await run());
    expect(responses(await run(jobs, { chunkTokens: 3, maxRows: 3 }))).toEqual(reference);
    expect(responses(await run(jobs, { prefillTokenBudget: 1 }))).toEqual(reference);
    expect(responses(await run([jobs[7]!]))[0]).toEqual(reference[7]);
  });

  it('sees: another image of the same size gives other log-probs', async () => {
    const { state, images, jobs } = await load();
    const sequence = { ...jobs[2]!, responseIds: Int32Array.of(40, 41) };
    const negative = { ...images[0]!, key: 'negative', pixels: images[0]!.pixels.map((value) => -value) };
    const score = async (image: ImageInput) =>
      (await scoreSequences(sessions, state, { sequences: [{ ...sequence, images: [image] }], temperature: 1 }, 200))
        .logprobs;
    expect(largestDifference(await score(images[0]!), await score(negative))).toBeGreaterThan(1e-4);
  });

  it('trains the language part on features, or everything through the tower, with the same gradients where both have one', async () => {
    const { state, jobs } = await load();
    const sequences = jobs.map((job) => ({ ...job, responseIds: Int32Array.of(40, 41, 42) }));
    const loss = { kind: 'supervised' as const, weights: new Float32Array(3 * jobs.length).fill(0.1) };
    const compute = { tokenBudget: 100, checkpointBlocks: false };
    const language = await computeGradients(sessions, state, { sequences, loss }, compute);
    expect([...language.gradients.keys()].some((name) => name.startsWith(VISION_PREFIX))).toBe(false);
    state.trainsVision = true;
    const all = await computeGradients(sessions, state, { sequences, loss }, compute);
    expect([...all.gradients.keys()].sort()).toEqual([...trainedWeights(state).keys()].sort());
    for (const [name, gradient] of language.gradients) {
      expect(largestDifference(gradient, all.gradients.get(name)!), name).toBeLessThanOrEqual(1e-5);
    }
    const embedding = all.gradients.get('visual.patch_embed.proj.weight')!;
    expect(embedding.some((value) => value !== 0)).toBe(true);
    const checkpointed = await computeGradients(
      sessions,
      state,
      { sequences, loss },
      { ...compute, checkpointBlocks: true },
    );
    for (const [name, gradient] of all.gradients) {
      expect(largestDifference(gradient, checkpointed.gradients.get(name)!), name).toBeLessThanOrEqual(1e-5);
    }
  });

  it('refuses prompts whose image tokens and images do not match', async () => {
    const { images, jobs, run } = await load();
    await expect(run([{ ...jobs[2]!, images: [] }])).rejects.toThrow('do not match');
    await expect(run([{ ...jobs[2]!, images: [images[1]!] }])).rejects.toThrow('do not match');
    await expect(run([{ ...jobs[2]!, images: [images[0]!, images[2]!] }])).rejects.toThrow('do not match');
  });
});
