/**
 * The flat record of numbers that an iteration reports (METHOD §5, last paragraph).
 *
 * Owns: the names and definitions of the method's metrics. A value that does not exist in a batch
 * (a bucket without problems, an empty bin) is left out, so no NaN reaches a chart (bug B17).
 *
 * Names: `subject/bucket/statistic` or `subject/statistic`. Subjects: accuracy, length, count (N_HE),
 * triggers, bins (thirds of the range of N_HE: their accuracy and size), reward, advantage, groups,
 * entropy, threshold, target, alpha, lambda, kappa, beta, kl, tokens.
 */
import { mean, sampleDeviation } from '#core/util/statistics.ts';
import type { AssessedGroup, AssessedResponse, Assessment } from './assessment.ts';
import type { TrainingBatch } from './columns.ts';
import type { ControllerState } from './controllers.ts';
import { type ResponseKl, controlKl, meanKl } from './kl.ts';
import { type AresOptions, type Bucket, buckets } from './options.ts';

const BINS = ['low', 'middle', 'high'] as const;

/**
 * Metrics of one iteration. Controllers are reported as they were used, before their step.
 * @param batch what is trained on
 * @param kl responses whose reference was scored
 */
export function iterationMetrics(
  assessment: Assessment,
  batch: TrainingBatch,
  kl: readonly ResponseKl[],
  used: ControllerState,
  options: AresOptions,
): Record<string, number> {
  const { groups } = assessment;
  const all = groups.flatMap((group) => group.responses);
  const candidates: Record<string, number> = {
    'groups/total': groups.length,
    'groups/kept': groups.filter((group) => group.kept).length,
    'groups/allRight': groups.filter((group) => group.correct === group.responses.length).length,
    'groups/allWrong': groups.filter((group) => group.correct === 0).length,
    'tokens/generated': groups.reduce((total, group) => total + sampledTokens(group), 0),
    'tokens/trained': batch.advantages.length,
    'tokens/policyShare': share(batch.policyMask, (kept) => kept === 1),
    'threshold/nats': mean(assessment.thresholds.groupNats),
    'threshold/measuredNats': assessment.thresholds.measuredNats,
    'advantage/deviation': sampleDeviation(batch.advantages),
    'advantage/zeroShare': share(batch.advantages, (value) => value === 0),
    ...responseMetrics('', all),
    ...triggerMetrics('', all),
    ...klMetrics('', kl),
  };
  for (const bucket of buckets) {
    Object.assign(candidates, bucketMetrics(bucket, groups, assessment, kl, used, options));
  }
  return Object.fromEntries(Object.entries(candidates).filter(([, value]) => Number.isFinite(value)));
}

/** Tokens that had to be sampled for a group: the prefix of a fork is its parent's. */
function sampledTokens({ responses, tree }: AssessedGroup): number {
  const own = responses.map(({ rollout }, i) => rollout.logprobs.length - (tree?.[i]?.forkPosition ?? 0));
  return own.reduce((total, tokens) => total + tokens, 0);
}

/** Accuracy, length, N_HE, entropy and reward of some responses; `scope` is '' or 'easy/' and so on. */
function responseMetrics(scope: string, responses: readonly AssessedResponse[]): Record<string, number> {
  if (responses.length === 0) return {};
  const lengths = responses.map(({ rollout }) => rollout.logprobs.length);
  const counts = responses.map(({ highEntropy }) => highEntropy.positions.length);
  const tokens = lengths.reduce((total, length) => total + length, 0);
  const entropy = responses.reduce(
    (total, { rollout }) => total + rollout.entropiesNats.reduce((sum, value) => sum + value, 0),
    0,
  );
  return {
    [`accuracy/${scope}mean`]: mean(responses.map(({ rollout }) => (rollout.correct ? 1 : 0))),
    [`length/${scope}mean`]: mean(lengths),
    [`length/${scope}min`]: lengths.reduce((a, b) => Math.min(a, b)),
    [`length/${scope}max`]: lengths.reduce((a, b) => Math.max(a, b)),
    [`length/${scope}truncatedShare`]: mean(responses.map(({ rollout }) => (rollout.stopped ? 0 : 1))),
    [`count/${scope}mean`]: mean(counts),
    [`entropy/${scope}mean`]: entropy / tokens,
    [`reward/${scope}mean`]: mean(responses.map(({ reward }) => reward.total)),
    [`reward/${scope}shaping`]: mean(responses.map(({ reward }) => reward.shaping)),
    [`reward/${scope}overlong`]: mean(responses.map(({ reward }) => reward.overlong)),
  };
}

function triggerMetrics(scope: string, responses: readonly AssessedResponse[]): Record<string, number> {
  const invalid = responses.reduce((total, { highEntropy }) => total + highEntropy.invalidTriggers, 0);
  const nearMisses = responses.reduce((total, { highEntropy }) => total + highEntropy.nearMissTriggers, 0);
  return {
    [`triggers/${scope}valid`]: mean(responses.map(({ highEntropy }) => highEntropy.validTriggers)),
    [`triggers/${scope}invalid`]: mean(responses.map(({ highEntropy }) => highEntropy.invalidTriggers)),
    [`triggers/${scope}nearMissShare`]: nearMisses / invalid,
    [`triggers/${scope}softCostNats`]: mean(responses.map(({ highEntropy }) => highEntropy.softCostNats)),
  };
}

function bucketMetrics(
  bucket: Bucket,
  groups: readonly AssessedGroup[],
  assessment: Assessment,
  kl: readonly ResponseKl[],
  used: ControllerState,
  options: AresOptions,
): Record<string, number> {
  const own = groups.filter((group) => group.bucket === bucket);
  const responses = own.flatMap((group) => group.responses);
  const ownKl = kl.filter((response) => response.bucket === bucket);
  return {
    [`groups/${bucket}/total`]: own.length,
    [`groups/${bucket}/kept`]: own.filter((group) => group.kept).length,
    ...responseMetrics(`${bucket}/`, responses),
    ...triggerMetrics(`${bucket}/`, responses),
    ...binMetrics(bucket, responses),
    ...klMetrics(`${bucket}/`, ownKl),
    ...controllerMetrics(bucket, assessment, used, options),
  };
}

/** Controllers that the options put to use. */
function controllerMetrics(
  bucket: Bucket,
  assessment: Assessment,
  used: ControllerState,
  { reward, kl }: AresOptions,
): Record<string, number> {
  const hasLambda = reward.mode === 'main' || reward.mode === 'alg1';
  const hasAlpha = reward.mode !== 'main' && reward.mode !== 'accuracy' && reward.mode !== 'laser';
  return {
    [`target/${bucket}`]: assessment.targets.bucketTargets[bucket] ?? NaN,
    ...(hasAlpha ? { [`alpha/${bucket}`]: used.alpha[bucket] } : {}),
    ...(hasLambda ? { [`lambda/${bucket}`]: assessment.lambda[bucket] } : {}),
    ...(kl.mode === 'tokenwise' ? { [`kappa/${bucket}`]: used.kl.kappa[bucket] } : {}),
    ...(kl.mode === 'bucket' ? { [`beta/${bucket}`]: Math.exp(used.kl.code.logBeta[bucket]) } : {}),
  };
}

/** Accuracy and number of responses in three equal parts of the range of N_HE. */
function binMetrics(bucket: Bucket, responses: readonly AssessedResponse[]): Record<string, number> {
  if (responses.length === 0) return {};
  const counts = responses.map(({ highEntropy }) => highEntropy.positions.length);
  const low = counts.reduce((a, b) => Math.min(a, b));
  const width = (counts.reduce((a, b) => Math.max(a, b)) - low) / BINS.length;
  const binOf = (count: number): number =>
    width === 0 ? 0 : Math.min(BINS.length - 1, Math.floor((count - low) / width));
  const metrics: Record<string, number> = {};
  for (const [bin, name] of BINS.entries()) {
    const inside = responses.filter((_, i) => binOf(counts[i]!) === bin);
    metrics[`bins/${bucket}/${name}/size`] = inside.length;
    metrics[`bins/${bucket}/${name}/accuracy`] = mean(inside.map(({ rollout }) => (rollout.correct ? 1 : 0)));
  }
  return metrics;
}

/** k3 per token: mean over responses, inside and outside windows over tokens, and what drives κ. */
function klMetrics(scope: string, kl: readonly ResponseKl[]): Record<string, number> {
  const total = (pick: (response: ResponseKl) => number): number => kl.reduce((sum, one) => sum + pick(one), 0);
  return {
    [`kl/${scope}mean`]: mean(kl.map(meanKl)),
    [`kl/${scope}control`]: mean(kl.map(controlKl)),
    [`kl/${scope}inside`]: total((one) => one.insideNats) / total((one) => one.insideTokens),
    [`kl/${scope}outside`]: total((one) => one.outsideNats) / total((one) => one.outsideTokens),
  };
}

/** Fraction of elements that satisfy a condition; NaN for none. */
function share(values: Uint8Array | Float32Array, condition: (value: number) => boolean): number {
  let count = 0;
  for (const value of values) if (condition(value)) count++;
  return count / values.length;
}
