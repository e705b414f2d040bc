// Labelling: labels that come in as they are measured, sampling that stops where the bucket is known, and resuming.
import { describe, expect, it } from 'vitest';
import { bucketOf } from '#core/ares/difficulty.ts';
import { labelStopping } from '#core/ares/labelStopping.ts';
import { type LabelStopRule, defaultOptions } from '#core/ares/options.ts';
import type { Engine, RolloutColumns, RolloutRequest } from '#core/engine/api.ts';
import { RandomStep, type RunContext } from '#core/runs/context.ts';
import { readLabels, runLabelStage } from '#core/runs/labelStage.ts';
import { type ResponseSource, engineResponses } from '#core/runs/responseSource.ts';
import { recipeOfKind } from '#core/runs/pipeline.ts';
import type { PreparedProblem } from '#core/runs/prompts.ts';
import { parseRecipe, recipeWarnings } from '#core/runs/recipe.ts';
import { wilsonInterval } from '#core/util/statistics.ts';
import { addProblems, run, temporaryStore } from '../store/helpers.ts';

const options = defaultOptions.buckets;
const PROBLEMS = 20;
const SAMPLES = 8;
const STOP = 1;
const looks = { firstSamples: 3, moreSamples: 2 };

/** Problem `key` solves its samples with the chance key / PROBLEMS, by a fixed pattern. */
const isRight = (key: number, sample: number) => (sample * 7 + key * 3) % PROBLEMS < key;

interface Asked {
  key: number;
  sample: number;
}

function labelling(rule: LabelStopRule, responsesPerChunk = 12) {
  const store = temporaryStore();
  const ids = addProblems(store, PROBLEMS);
  const modelId = store.models.add({ folder: 'm', weightsHash: 'w', parentId: null, createdMs: 1 });
  const runId = store.runs.create(run, [{ name: 'label', plannedUnits: PROBLEMS * SAMPLES }]);
  const train = ids.map((problemId, key): PreparedProblem => ({
    problemId,
    key,
    id: String(key),
    prompt: '?',
    answer: '5',
    source: 's',
    promptIds: Int32Array.of(9),
  }));
  const asked: Asked[] = [];
  const generate = async ({ jobs }: RolloutRequest): Promise<RolloutColumns> => {
    for (const { promptKey, sampleKey } of jobs) asked.push({ key: promptKey, sample: sampleKey });
    const ids = jobs.flatMap(({ promptKey, sampleKey }) => [isRight(promptKey, sampleKey) ? 5 : 6, STOP]);
    return {
      lengths: new Int32Array(jobs.length).fill(2),
      ids: Int32Array.from(ids),
      logprobs: new Float32Array(ids.length),
      entropiesNats: new Float32Array(ids.length),
      stopped: new Uint8Array(jobs.length).fill(1),
    };
  };
  const tokenizer = { decode: (ids: Int32Array) => Array.from(ids, (id) => (id === STOP ? '' : String(id))).join('') };
  const text = `version: 1
label: {samples: ${SAMPLES}, extraSamples: 0, responsesPerChunk: ${responsesPerChunk}, stopEarly: ${JSON.stringify({ rule, ...looks })}}`;
  const plannedUnits: number[] = [];
  const seenLabels: number[] = [];
  let chunksLeft = Infinity;
  const context = {
    store,
    runId,
    train,
    kind: 'label',
    heldout: [],
    baseModelId: modelId,
    folder: '',
    triggers: new Uint8Array(9),
    recipe: recipeOfKind(parseRecipe(text, 'test'), 'label'),
    engine: { generate, memoryBytes: () => Promise.resolve(1) } as unknown as Engine,
    base: { folder: 'm', stopIds: [STOP], tokenizer },
    listener: {
      progress: (_stage: number, done: number, planned: number) => void plannedUnits.push(planned - done),
      metrics: () => void seenLabels.push(store.labels.labelledBy(runId).size),
      message: () => undefined,
    },
    stopRequested: () => chunksLeft-- <= 0,
  } as unknown as RunContext;
  return {
    asked,
    context,
    seenLabels,
    plannedUnits,
    pauseAfter: (chunks: number) => void (chunksLeft = chunks),
    run: () =>
      runLabelStage(context, 0, engineResponses(context, 'model', context.recipe.label, RandomStep.labelling), false),
    labels: () =>
      store.labels.newest(1, modelId).map(({ samples, correct, intervalHigh }) => ({ samples, correct, intervalHigh })),
    accuracies: () => Array.from(store.metrics.read({ runId, stage: 0, name: 'accuracy/mean' }).value),
    responses: () =>
      store.rollouts.steps(runId, 0).flatMap((step) => {
        const { problemId, sample, verdict } = store.rollouts.columns({ runId, stage: 0, step });
        return Array.from(problemId, (id, i) => `${id} ${sample[i]} ${verdict[i]}`);
      }),
  };
}

describe('the stage', () => {
  it('labels problems as their chunks are stored, each once', async () => {
    const stage = labelling('never');
    expect(await stage.run()).toBe('finished');
    expect(stage.labels()).toHaveLength(PROBLEMS);
    expect(stage.labels().every(({ samples }) => samples === SAMPLES)).toBe(true);
    // One problem per chunk: each chunk finds the labels of those before.
    expect(stage.seenLabels).toEqual(Array.from({ length: PROBLEMS }, (_, i) => i));
    await stage.run();
    expect(stage.labels()).toHaveLength(PROBLEMS);
    expect(stage.asked).toHaveLength(PROBLEMS * SAMPLES);
  });

  it.each(['settled', 'certain'] as const)(
    'stops where the bucket is %s, and draws what it would have drawn anyway',
    async (rule) => {
      const [full, early] = [labelling('never'), labelling(rule)];
      await full.run();
      await early.run();
      const all = new Set(full.responses());
      const some = early.responses();
      expect(some.length).toBeLessThan(all.size);
      for (const response of some) expect(all).toContain(response);
      const complete = full.labels();
      const stopping = labelStopping(SAMPLES, rule, options, looks);
      for (const [i, { samples, correct, intervalHigh }] of early.labels().entries()) {
        expect(stopping.hasEnough(correct, samples)).toBe(true);
        expect(intervalHigh).toBeCloseTo(wilsonInterval(correct, samples).high, 12);
        if (rule === 'settled') {
          expect(bucketOf(correct, samples, options)).toBe(bucketOf(complete[i]!.correct, SAMPLES, options));
        }
      }
      expect(early.plannedUnits.at(-1)).toBe(0);
      expect(readLabels(early.context, 0).map(({ label }) => label.samples)).toEqual(
        early.labels().map(({ samples }) => samples),
      );
    },
  );

  it('goes on where it was paused, whatever the place, to the same responses and labels', async () => {
    const whole = labelling('certain');
    await whole.run();
    for (let pause = 0; pause < 12; pause++) {
      const parts = labelling('certain');
      parts.pauseAfter(pause);
      expect(await parts.run()).toBe('paused');
      parts.pauseAfter(Infinity);
      expect(await parts.run()).toBe('finished');
      expect(parts.responses()).toEqual(whole.responses());
      expect(parts.labels()).toEqual(whole.labels());
      expect(parts.asked).toEqual(whole.asked);
    }
  });

  it('takes responses one by one, in any order, and after a stop asks only for those it does not have', async () => {
    for (const rule of ['never', 'certain'] as const) {
      const whole = labelling(rule, 64);
      await whole.run();
      for (const stopAfter of [1, 5, 17, 40]) {
        const parts = labelling(rule, 64);
        const source = engineResponses(parts.context, 'model', parts.context.recipe.label, RandomStep.labelling);
        let left = stopAfter;
        const oneByOne: ResponseSource = {
          ...source,
          async *respond(request) {
            for (const each of request.wanted.toReversed()) {
              if (left-- <= 0) return;
              yield* source.respond({ ...request, wanted: [each] });
            }
          },
        };
        expect(await runLabelStage(parts.context, 0, oneByOne, false)).toBe('paused');
        expect(parts.responses()).toHaveLength(stopAfter);
        left = Infinity;
        expect(await runLabelStage(parts.context, 0, oneByOne, false)).toBe('finished');
        expect(parts.responses()).toEqual(whole.responses());
        expect(parts.labels()).toEqual(whole.labels());
        expect(parts.asked).toHaveLength(whole.asked.length);
        expect(parts.accuracies()).toEqual(whole.accuracies());
      }
    }
  });

  it('draws every sample in a run that trains, and the recipe says so', () => {
    const recipe = parseRecipe('version: 1\nlabel: {stopEarly: {rule: certain}}', 'test');
    expect(recipeWarnings(recipe)).toEqual([expect.stringContaining('every sample')]);
    expect(recipeWarnings(recipeOfKind(recipe, 'label'))).toEqual([]);
  });
});
