/**
 * A stored response with everything it was judged by.
 *
 * Owns: reading a trace from the store and the run's recipe, in the contract's form. What the run did is
 * read, not computed again; only a group's own target and length limit, which no run logs, follow from its
 * stored responses by the method's formulas.
 */
import { adaptiveLengthTarget } from '#core/ares/lengthRewards.ts';
import type { Bucket } from '#core/ares/options.ts';
import { groupTarget } from '#core/ares/targets.ts';
import { triggerFlags } from '#core/ares/triggers.ts';
import { questionText } from '#core/compare/run/traces.ts';
import type { Trace } from '#core/contract/contract.ts';
import { CORRECT } from '#core/grading/verdict.ts';
import { tokenPieces } from '#core/model/tokenPieces.ts';
import type { Problem } from '#core/store/problems.ts';
import type { Rollout, StepKey, TokenColumns } from '#core/store/rollouts.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { type ResponseReader, responseReader } from './responseReader.ts';
import { rolloutInfo } from './rolloutInfo.ts';

export interface StoredTrace {
  reader: ResponseReader;
  key: StepKey;
  rollout: Rollout;
  problem: Problem;
  tokens: TokenColumns;
}

/** @throws AresError 'not-found' when it is gone, 'unsupported' when its tokens were not stored */
export function readTrace(store: Store, rolloutId: number): StoredTrace {
  const found = store.rollouts.get(rolloutId);
  if (found === undefined) {
    throw new AresError('not-found', 'This response is no longer stored.', {
      where: `response ${rolloutId}`,
      hint: 'Its step may have been drawn again after an interruption: open the step anew.',
    });
  }
  const { runId, stage, step, ...rollout } = found;
  const tokens = store.rollouts.tokens(rolloutId);
  if (tokens === undefined) {
    throw new AresError('unsupported', 'This response was stored without its tokens.', {
      where: `response ${rolloutId}`,
      hint: 'Only its text can be read.',
    });
  }
  const reader = responseReader(store, runId);
  return { reader, key: { runId, stage, step }, rollout, tokens, problem: store.problems.get(rollout.problemId)! };
}

export function traceOf(stored: StoredTrace): Trace {
  const { reader, key, rollout, problem, tokens } = stored;
  const { method } = reader.record.recipe.policy;
  const threshold = reader.threshold(key, problem.problemId);
  const { temperature, maxNewTokens } = reader.sampling(key.stage);
  return {
    ...key,
    rollout: rolloutInfo(rollout),
    pieces: tokenPieces(reader.base.tokenizer, tokens.ids, reader.word),
    ...tokens,
    triggers: triggerFlags(tokens.ids, reader.triggers),
    thresholdNats: threshold?.nats ?? null,
    thresholdSource: threshold?.source ?? null,
    thresholdRule: method.threshold.rule,
    thresholdScale: method.threshold.scale,
    thresholdQuantile: method.threshold.quantile,
    window: { ...method.entropy.window },
    count: { definition: method.count.definition, word: method.count.word },
    temperature,
    maxNewTokens,
    reward: rewardOf(stored),
    model: reader.writer(key),
    problem: { id: problem.id, prompt: questionText(problem.prompt), answer: problem.answer },
  };
}

/** What the run computed the reward from, as far as it is on record. */
function rewardOf({ reader, key, rollout: { bucket, problemId } }: StoredTrace): Trace['reward'] {
  if (bucket === null || reader.planned(key.stage).kind !== 'policy') return null;
  const { store, recipe } = reader.record;
  const { reward, target } = recipe.policy.method;
  const bucketTarget = reader.metric(key, `target/${bucket}`);
  const counts = store.rollouts.ofProblem(key, problemId).map(({ highEntropyCount }) => highEntropyCount ?? 0);
  return {
    mode: reward.mode,
    targetCount: bucketTarget === null ? null : groupTarget(target, bucket, bucketTarget, counts),
    alpha: reader.metric(key, `alpha/${bucket}`),
    lambda: reader.metric(key, `lambda/${bucket}`),
    lengthTargetTokens: reward.mode === 'laser' ? lengthTarget(reader, key, bucket) : null,
    options: reward,
  };
}

function lengthTarget(reader: ResponseReader, key: StepKey, bucket: Bucket): number {
  const { store, recipe } = reader.record;
  const { laserTargetTokens, laserExpectedCorrect } = recipe.policy.method.reward;
  if (laserTargetTokens !== 'adaptive') return laserTargetTokens;
  const responses = store.rollouts.responses(key.runId, key.stage, key.step);
  const samples = responses.bucket.flatMap((each, i) =>
    each === bucket ? [{ correct: responses.verdict[i] === CORRECT, lengthTokens: responses.lengthTokens[i]! }] : [],
  );
  return adaptiveLengthTarget(samples, laserExpectedCorrect[bucket], recipe.policy.maxNewTokens);
}
