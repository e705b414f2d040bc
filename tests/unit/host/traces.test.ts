// Traces, branches and statistics of a real, very short run on the sample's base model.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countHighEntropy } from '#core/ares/counts.ts';
import { buckets } from '#core/ares/options.ts';
import type { RewardOptions } from '#core/ares/options.ts';
import { rewardOf } from '#core/ares/rewards.ts';
import { windowMeans } from '#core/ares/windows.ts';
import { type CallName, type Handlers, type RequestOf, type ResponseOf, calls } from '#core/contract/contract.ts';
import { LocalEngine } from '#core/engine/localEngine.ts';
import { createRun } from '#core/host/createRun.ts';
import { executeRun } from '#core/host/executeRun.ts';
import { entropyHandlers } from '#core/host/handlers/entropy.ts';
import { rolloutHandlers } from '#core/host/handlers/rollouts.ts';
import { traceHandlers } from '#core/host/handlers/traces.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { createJobs } from '#core/host/jobs.ts';
import { createInspectionEngine } from '#core/host/inspectionEngine.ts';
import { openProject } from '#core/host/project.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import type { Store } from '#core/store/store.ts';
import * as z from 'zod/mini';

const sample = join(import.meta.dirname, '..', '..', '..', 'resources', 'sample');
const recipe = `version: 1
name: Three steps
seed: 3
policy:
  preset: aepo
  steps: 3
  promptsPerStep: 3
  miniBatches: 1
  maxNewTokens: 60
  temperature: 0.9
  schedule: { kind: constant, peak: 0.001 }
  method:
    threshold: { quantile: 0.8 }
    count: { vocabulary: [wait, hmm, but, maybe, actually] }
    target: { rule: groupMean }
evaluation: { samples: 2, maxNewTokens: 60, responsesPerChunk: 8 }
checkpoints: { everySteps: 2, keep: 5 }
preflight: { minSignalFraction: 0 }
engine: { threads: 1 }
`;

let folder: string;
let store: Store;
let runId: number;
const policy = 1;
const startEngine = async (options: ConstructorParameters<typeof LocalEngine>[0]) => new LocalEngine(options);
const inspection = createInspectionEngine({ startEngine, limits: () => ({ threads: 1, memoryLimitBytes: null }) });

/** A call as the host serves it: what comes back must fit the contract. */
async function ask<N extends CallName>(name: N, request: RequestOf<N>): Promise<ResponseOf<N>> {
  const host = {
    project: () => ({ folder, store }),
    inspection: () => inspection,
    jobs: createJobs({ announce: () => undefined }),
  } as Partial<HostContext> as HostContext;
  const handlers: Partial<Handlers> = { ...rolloutHandlers(host), ...traceHandlers(host), ...entropyHandlers(host) };
  const handler = handlers[name] as Handlers[N];
  return z.parse(
    calls[name].response,
    await handler(z.parse(calls[name].request, request) as RequestOf<N>),
  ) as ResponseOf<N>;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ares-traces-'));
  const lines = (file: string, count: number) =>
    readFileSync(join(sample, file), 'utf8').split('\n').slice(0, count).join('\n');
  writeFileSync(join(folder, 'train.jsonl'), lines('problems-train.jsonl', 12));
  writeFileSync(join(folder, 'heldout.jsonl'), lines('problems-heldout.jsonl', 8));
  const created = await createRun({
    projectFolder: folder,
    kind: 'aepo',
    recipe: parseRecipe(recipe, 'recipe'),
    dataFile: join(folder, 'train.jsonl'),
    heldoutFile: join(folder, 'heldout.jsonl'),
    modelFolder: join(sample, 'base'),
  });
  runId = created.runId;
  const listener = { progress: () => undefined, metrics: () => undefined, message: () => undefined };
  await executeRun({ projectFolder: folder, runId, listener, stopRequested: () => false, startEngine });
  store = openProject(folder);
}, 120_000);

afterAll(async () => {
  await inspection.close();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** All responses of a policy step. */
async function responsesAt(step: number) {
  const columns = await ask('rollouts.columns', { runId, stage: policy, step });
  const groups = await Promise.all(
    [...new Set(columns.problemId)].map((problemId) =>
      ask('rollouts.group', { runId, stage: policy, step, problemId }),
    ),
  );
  return groups.flat();
}

describe('rollouts', () => {
  it('name the steps that have responses, stage by stage', async () => {
    const stages = await ask('rollouts.steps', { runId });
    expect(stages.map(({ name, steps }) => [name, [...steps]])).toEqual([
      ['evaluate base', [0, 1]],
      ['policy', [0, 1, 2]],
      ['evaluate policy', [0, 1]],
    ]);
  });

  it('are refused for a run that does not exist', async () => {
    await expect(ask('rollouts.steps', { runId: 99 })).rejects.toThrow(/no run 99/);
    await expect(ask('rollouts.trace', { rolloutId: 999_999 })).rejects.toThrow(/no longer stored/);
  });
});

describe('a trace', () => {
  it('is counted as the run counted it, at the threshold of its step', async () => {
    for (const step of [0, 1, 2]) {
      for (const { rolloutId, highEntropyCount } of await responsesAt(step)) {
        const trace = await ask('rollouts.trace', { rolloutId });
        expect(trace.thresholdSource).toBe('step');
        const { entropiesNats, triggers, count, window } = trace;
        const response = { entropiesNats, windowMeansNats: windowMeans(entropiesNats, window) };
        const counted = countHighEntropy(count.definition, response, triggers, trace.thresholdNats!);
        expect(counted.positions.length).toBe(highEntropyCount);
      }
    }
  });

  it('reads, piece by piece, like the response', async () => {
    for (const { rolloutId, response, lengthTokens } of await responsesAt(1)) {
      const { pieces } = await ask('rollouts.trace', { rolloutId });
      expect(pieces).toHaveLength(lengthTokens);
      expect(pieces.join('')).toBe(response);
    }
  });

  it('carries what its reward was computed from', async () => {
    const rewarded = await Promise.all(
      [0, 1, 2].map(async (step) =>
        Promise.all((await responsesAt(step)).map(({ rolloutId }) => ask('rollouts.trace', { rolloutId }))),
      ),
    );
    for (const { rollout, reward, maxNewTokens } of rewarded.flat()) {
      const { options, targetCount, alpha } = reward!;
      const input = {
        bucket: rollout.bucket!,
        correct: rollout.verdict === 'correct',
        count: rollout.highEntropyCount!,
        target: targetCount!,
        alpha: alpha!,
        lengthTokens: rollout.lengthTokens,
        softCostNats: 0,
      };
      const none = { easy: 0, medium: 0, hard: 0 };
      const context = { lambda: none, lengthTargetTokens: none, limitTokens: maxNewTokens };
      const parts = rewardOf(input, context, options as RewardOptions);
      expect(parts.shaping).toBeCloseTo(rollout.rewardParts['shaping']!, 9);
    }
    expect(rewarded.flat().some(({ rollout }) => rollout.rewardParts['shaping'] !== 0)).toBe(true);
  });

  it('of an evaluation is measured with the yardstick of the report', async () => {
    const columns = await ask('rollouts.columns', { runId, stage: 2, step: 0 });
    const trace = await ask('rollouts.trace', { rolloutId: columns.rolloutId[0]! });
    expect(trace).toMatchObject({ thresholdSource: 'yardstick', model: 'AEPO', reward: null, temperature: 1 });
    expect(trace.thresholdNats).toBeGreaterThan(0);
  });
});

describe('alternatives', () => {
  it('come from the very weights that wrote the trace where these are kept', async () => {
    const cases = [
      { step: 0, model: 'Base' },
      { step: 2, model: 'AEPO after step 2' },
    ];
    for (const { step, model } of cases) {
      const [response] = await responsesAt(step);
      const found = await ask('rollouts.alternatives', { rolloutId: response!.rolloutId, k: 5 });
      expect(found.model).toBe(model);
      expect(found.differenceNats).toBeLessThan(1e-5);
      expect(found.ids).toHaveLength(5 * response!.lengthTokens);
      const trace = await ask('rollouts.trace', { rolloutId: response!.rolloutId });
      trace.ids.forEach((id, t) => {
        const place = found.ids.subarray(5 * t, 5 * t + 5).indexOf(id);
        if (place >= 0) expect(found.logprobs[5 * t + place]).toBeCloseTo(trace.logprobs[t]!, 4);
        if (place >= 0) expect(found.ranks[t]).toBe(place + 1);
        else expect(found.ranks[t]).toBeGreaterThan(5);
      });
      const texts = new Map(found.pieces.map(({ id, text }) => [id, text]));
      expect([...found.ids].every((id) => texts.has(id))).toBe(true);
    }
  });

  it('say so where only a neighbour of those weights is left', async () => {
    const [response] = await responsesAt(1);
    const found = await ask('rollouts.alternatives', { rolloutId: response!.rolloutId, k: 3 });
    expect(['Base', 'AEPO after step 2']).toContain(found.model);
    expect(found.differenceNats).toBeGreaterThan(1e-5);
  });
});

describe('a fork', () => {
  it('keeps the prefix, takes the token chosen, and goes on by itself, the same again for the same seed', async () => {
    const [response] = await responsesAt(0);
    const { rolloutId } = response!;
    const trace = await ask('rollouts.trace', { rolloutId });
    const { ids } = await ask('rollouts.alternatives', { rolloutId, k: 2 });
    const position = 6;
    const other = [ids[2 * position]!, ids[2 * position + 1]!].find((id) => id !== trace.ids[position])!;
    const request = { rolloutId, position, tokenId: other, samples: 3, temperature: 0.9, maxNewTokens: 20, seed: 8 };
    const { branches, model } = await ask('rollouts.fork', request);
    expect(model).toBe('Base');
    expect(branches).toHaveLength(3);
    for (const branch of branches) {
      expect(branch.ids[0]).toBe(other);
      expect(branch.ids.length).toBeLessThanOrEqual(21);
      expect(branch.logprobs).toHaveLength(branch.ids.length);
      expect(branch.response.startsWith(trace.pieces.slice(0, position).join(''))).toBe(true);
      expect(branch.response.endsWith(branch.pieces.join(''))).toBe(true);
    }
    // The token before it is the same, so is the distribution it was chosen from.
    expect(branches[0]!.entropiesNats[0]).toBeCloseTo(trace.entropiesNats[position]!, 4);
    expect((await ask('rollouts.fork', request)).branches).toEqual(branches);
    expect((await ask('rollouts.fork', { ...request, seed: 9 })).branches).not.toEqual(branches);
  });

  it('that chooses the end is over', async () => {
    const [response] = await responsesAt(0);
    const request = {
      rolloutId: response!.rolloutId,
      position: 3,
      samples: 4,
      temperature: 1,
      maxNewTokens: 9,
      seed: 1,
    };
    const stop = JSON.parse(readFileSync(join(sample, 'base', 'generation_config.json'), 'utf8')) as {
      eos_token_id: number | number[];
    };
    const [tokenId] = [stop.eos_token_id].flat();
    const { branches } = await ask('rollouts.fork', { ...request, tokenId: tokenId! });
    expect(branches.map(({ ids, stopped }) => [[...ids], stopped])).toEqual([[[tokenId], true]]);
  });

  it('is refused outside the trace', async () => {
    const [response] = await responsesAt(0);
    const request = {
      rolloutId: response!.rolloutId,
      tokenId: null,
      samples: 1,
      temperature: 1,
      maxNewTokens: 9,
      seed: 1,
    };
    await expect(ask('rollouts.fork', { ...request, position: response!.lengthTokens })).rejects.toThrow(/no token/);
    await expect(ask('rollouts.fork', { ...request, position: 0, tokenId: 1e6 })).rejects.toThrow(/no token 1000000/);
  });
});

describe('statistics', () => {
  it('of words agree with the counts of the responses', async () => {
    const key = { runId, stage: policy, step: 1 };
    const { words, thresholdNats } = await ask('entropy.words', { ...key, thresholdNats: null });
    const counted = (await responsesAt(1)).reduce((total, { highEntropyCount }) => total + highEntropyCount!, 0);
    const valid = words.filter(({ isTrigger }) => isTrigger).reduce((total, word) => total + word.valid, 0);
    // Definition C counts exactly the valid trigger words.
    expect(valid).toBe(counted);
    const all = await ask('entropy.words', { ...key, thresholdNats: 0 });
    expect(all.thresholdNats).toBe(0);
    expect(all.words.every(({ invalid }) => invalid === 0)).toBe(true);
    expect(thresholdNats).toBeGreaterThan(0);
  });

  it('of a stage hold every response with its bucket, stored or measured', async () => {
    const trained = await ask('entropy.responses', { runId, stage: policy, step: null });
    expect(trained.countedBy).toBe('step');
    expect(trained.rolloutId).toHaveLength(3 * 3 * 8);
    expect(new Set(trained.step)).toEqual(new Set([0, 1, 2]));
    const one = await ask('entropy.responses', { runId, stage: policy, step: 2 });
    expect(one.rolloutId).toHaveLength(3 * 8);
    const evaluated = await ask('entropy.responses', { runId, stage: 2, step: null });
    expect(evaluated.countedBy).toBe('yardstick');
    expect(evaluated.rolloutId).toHaveLength(8 * 2);
    expect([...evaluated.bucket].every((code) => code < buckets.length)).toBe(true);
  });

  it('of windows are one point per size and percentile', async () => {
    const request = { runId, stage: policy, step: 0, windowSizes: [1, 4], percentiles: [0.5, 0.9] };
    const points = await ask('entropy.sweep', request);
    expect(points.map(({ windowSize, percentile }) => [windowSize, percentile])).toEqual([
      [1, 0.5],
      [1, 0.9],
      [4, 0.5],
      [4, 0.9],
    ]);
    expect(points[1]!.thresholdNats).toBeGreaterThan(points[0]!.thresholdNats);
  });
});
