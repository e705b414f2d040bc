// Rollouts: token columns to the bit, the tree of forks, columns for statistics.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verdicts } from '#core/grading/verdict.ts';
import { toBlob, toFloat32 } from '#core/store/columns.ts';
import { addProblems, errorOf, rollout, run, temporaryStore } from './helpers.ts';

function started() {
  const store = temporaryStore();
  const runId = store.runs.create(run, []);
  return { ...store, problemIds: addProblems(store, 3), key: { runId, stage: 2, step: 4 } };
}

describe('tokens', () => {
  test('come back to the bit, also from a view into a larger array', () => {
    const { rollouts, problemIds, key } = started();
    let sample = 0;
    const token = fc.record({
      id: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      logprob: fc.float(),
      entropy: fc.float(),
    });
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (drawn) => {
        // A view that does not begin where its buffer does.
        const ids = Int32Array.from([7, ...drawn.map(({ id }) => id)]).subarray(1);
        const logprobs = Float32Array.from([7, ...drawn.map(({ logprob }) => logprob)]).subarray(1);
        const entropiesNats = Float32Array.from([7, ...drawn.map(({ entropy }) => entropy)]).subarray(1);
        sample++;
        rollouts.write(key, [rollout(problemIds[0]!, sample, { tokens: { ids, logprobs, entropiesNats } })]);
        const stored = rollouts.ofProblem(key, problemIds[0]!).find((each) => each.sample === sample)!;
        expect(rollouts.tokens(stored.rolloutId)).toEqual({ ids, logprobs, entropiesNats });
      }),
      { numRuns: 50 },
    );
  });

  test('columns of different lengths are refused, and nothing of the batch stays', () => {
    const { rollouts, problemIds, key } = started();
    const tokens = { ids: Int32Array.of(1, 2), logprobs: Float32Array.of(-1), entropiesNats: Float32Array.of(0, 0) };
    const batch = [rollout(problemIds[0]!, 0), rollout(problemIds[0]!, 1, { tokens })];
    expect(errorOf(() => rollouts.write(key, batch)).code).toBe('store');
    expect(rollouts.ofProblem(key, problemIds[0]!)).toEqual([]);
  });

  test('a column of another length than its neighbours is reported as damage', () => {
    const blob = toBlob(Float32Array.of(1, 2, 3));
    expect(toFloat32(blob, 3)).toEqual(Float32Array.of(1, 2, 3));
    expect(errorOf(() => toFloat32(blob.subarray(0, 8), 3)).code).toBe('store');
  });

  test('a response without token data has none', () => {
    const { rollouts, problemIds, key } = started();
    rollouts.write(key, [rollout(problemIds[0]!, 0)]);
    expect(rollouts.tokens(rollouts.columns(key).rolloutId[0]!)).toBeUndefined();
  });
});

describe('entropies', () => {
  test('of the engine are exact, of a server lower bounds with their k', () => {
    const { rollouts, problemIds, key } = started();
    const [exact, bounded, none] = problemIds as [number, number, number];
    const floats = { logprobs: Float32Array.of(-1, -2), entropiesNats: Float32Array.of(0.5, 1.5) };
    const served = { ...floats, pieces: ['so', ' 4\ud835\udfda'], topK: 5 };
    rollouts.write(key, [
      rollout(exact, 0, { lengthTokens: 2, tokens: { ...floats, ids: Int32Array.of(1, 2) } }),
      rollout(bounded, 0, { lengthTokens: 2, tokens: served }),
      rollout(bounded, 1, {
        lengthTokens: 1,
        tokens: {
          ...served,
          pieces: ['x'],
          logprobs: Float32Array.of(-1),
          entropiesNats: Float32Array.of(4),
          topK: 20,
        },
      }),
      rollout(bounded, 2),
      rollout(none, 0),
    ]);
    expect(rollouts.meanEntropy(key.runId, key.stage, exact, 8)).toEqual({ nats: 1, topK: null });
    // Weighted by tokens, with the fewest log-probs; what is not known does not count.
    expect(rollouts.meanEntropy(key.runId, key.stage, bounded, 8)).toEqual({ nats: 2, topK: 5 });
    expect(rollouts.meanEntropy(key.runId, key.stage, bounded, 1)).toEqual({ nats: 1, topK: 5 });
    expect(rollouts.meanEntropy(key.runId, key.stage, none, 8)).toBeNull();
    const [first] = rollouts.ofProblem(key, bounded);
    expect(first).toMatchObject({ hasTokens: false, meanEntropyNats: 1, entropyTopK: 5 });
    expect(rollouts.servedTokens(first!.rolloutId)).toEqual(served);
    expect(rollouts.tokens(first!.rolloutId)).toBeUndefined();
  });
});

describe('forks', () => {
  test('name their parent within the group, in any order within the batch', () => {
    const { rollouts, problemIds, key } = started();
    rollouts.write(key, [
      rollout(problemIds[0]!, 2, { parentSample: 1, forkPosition: 9 }),
      rollout(problemIds[0]!, 1, { parentSample: 0, forkPosition: 5 }),
      rollout(problemIds[0]!, 0),
    ]);
    const tree = rollouts.ofProblem(key, problemIds[0]!);
    expect(tree.map(({ sample, parentSample, forkPosition }) => [sample, parentSample, forkPosition])).toEqual([
      [0, null, null],
      [1, 0, 5],
      [2, 1, 9],
    ]);
  });

  test('without their parent, of another group, or without a position are refused', () => {
    const { rollouts, problemIds, key } = started();
    const orphan = rollout(problemIds[0]!, 1, { parentSample: 0, forkPosition: 5 });
    expect(() => rollouts.write(key, [orphan])).toThrow(/FOREIGN KEY/);
    expect(() => rollouts.write(key, [orphan, rollout(problemIds[1]!, 0)])).toThrow(/FOREIGN KEY/);
    expect(() => rollouts.write(key, [rollout(problemIds[0]!, 0), { ...orphan, forkPosition: null }])).toThrow(/CHECK/);
    expect(rollouts.steps(key.runId, key.stage)).toEqual([]);
  });
});

test('the columns of a step hold one entry per rollout, by problem and sample', () => {
  const { rollouts, problemIds, key } = started();
  const [first, second] = problemIds as [number, number];
  rollouts.write(key, [
    rollout(second, 0, { verdict: 'ungradable', highEntropyCount: null }),
    rollout(first, 1, { verdict: 'no_answer', truncated: true, lengthTokens: 160, highEntropyCount: 0 }),
    rollout(first, 0, { verdict: 'wrong', lengthTokens: 12, highEntropyCount: 4 }),
  ]);
  rollouts.write({ ...key, step: key.step + 1 }, [rollout(first, 0)]);
  const columns = rollouts.columns(key);
  expect(columns.problemId).toEqual(Int32Array.of(first, first, second));
  expect(columns.sample).toEqual(Int32Array.of(0, 1, 0));
  expect([...columns.verdict].map((index) => verdicts[index])).toEqual(['wrong', 'no_answer', 'ungradable']);
  expect(columns.lengthTokens).toEqual(Int32Array.of(12, 160, 3));
  expect(columns.truncated).toEqual(Uint8Array.of(0, 1, 0));
  expect(columns.highEntropyCount).toEqual(Int32Array.of(4, 0, -1));
});

test('every field of a rollout comes back', () => {
  const { rollouts, problemIds, key } = started();
  const { tokens, ...given } = rollout(problemIds[2]!, 6, { truncated: true, bucket: null, advantage: null });
  rollouts.write(key, [{ ...given, tokens }]);
  const [stored] = rollouts.ofProblem(key, problemIds[2]!);
  const unknown = { hasTokens: false, meanEntropyNats: null, entropyTopK: null };
  expect(stored).toEqual({ rolloutId: expect.any(Number) as number, ...unknown, ...given });
  expect(rollouts.get(stored!.rolloutId)).toEqual({ ...stored, ...key });
  expect(rollouts.get(stored!.rolloutId + 1)).toBeUndefined();
});

test('a stage is read as a whole or step by step, with buckets', () => {
  const { rollouts, problemIds, key } = started();
  const [first, second] = problemIds as [number, number];
  const tokens = { ids: Int32Array.of(5), logprobs: Float32Array.of(-1), entropiesNats: Float32Array.of(0.5) };
  rollouts.write({ ...key, step: 7 }, [rollout(first, 0, { bucket: null, verdict: 'wrong', highEntropyCount: null })]);
  rollouts.write(key, [rollout(second, 0, { bucket: 'hard', tokens }), rollout(first, 1)]);
  const whole = rollouts.responses(key.runId, key.stage, null);
  expect([...whole.step]).toEqual([4, 4, 7]);
  expect([...whole.problemId]).toEqual([first, second, first]);
  expect([...whole.sample]).toEqual([1, 0, 0]);
  expect(whole.bucket).toEqual(['easy', 'hard', null]);
  expect([...whole.highEntropyCount]).toEqual([1, 1, -1]);
  expect(rollouts.responses(key.runId, key.stage, 7).bucket).toEqual([null]);
  expect(rollouts.responses(key.runId, key.stage + 1, null).rolloutId).toHaveLength(0);
  expect(rollouts.ofProblem(key, second)[0]!.hasTokens).toBe(true);
});

test('the same sample twice is refused; after removal it may be drawn again', () => {
  const { rollouts, problemIds, key } = started();
  rollouts.write(key, [rollout(problemIds[0]!, 0), rollout(problemIds[0]!, 1, { parentSample: 0, forkPosition: 2 })]);
  expect(() => rollouts.write(key, [rollout(problemIds[0]!, 0)])).toThrow(/UNIQUE/);
  rollouts.removeAfter(key.runId, key.stage, key.step);
  expect(rollouts.steps(key.runId, key.stage)).toEqual([key.step]);
  rollouts.removeAfter(key.runId, key.stage, key.step - 1);
  rollouts.write(key, [rollout(problemIds[0]!, 0)]);
  expect(rollouts.columns(key).sample).toEqual(Int32Array.of(0));
});
