/**
 * One iteration of AEPO or a baseline on plain data, from rollouts to loss columns.
 *
 * Where each part of the method is computed:
 *   H̄_{t:w} window entropy [P eq. 4]               windows.ts       windowMeans
 *   θ threshold, T1–T5                              thresholds.ts    batchThresholds
 *   N_HE, valid and invalid triggers                counts.ts        countHighEntropy
 *   c(x) → easy, medium, hard [P App. G]            difficulty.ts    bucketOf
 *   N_target(d) [P §3.2.2]                          targets.ts       batchTargets
 *   R = R_acc + shaping [P §3.2.2, App. I; C]       rewards.ts       rewardOf
 *   group filter [P App. A]                         filtering.ts     keepsGroup
 *   A_i, Ã_{i,t} [P Alg. 1; C core_algos.py]        advantages.ts    batchAdvantages, tokenAdvantages
 *   β_d·ρ_t, κ_d [P eq. 1, eq. 27]                  kl.ts            klCoefficients, nextKlState
 *   1/|o_i| and its alternatives [P eq. 2]          columns.ts       policyLoss
 *   forks at high-entropy windows [P §3.2.1]        branching.ts     planForks (before this, while sampling)
 *
 * Left out on purpose: the bugs of the released code (METHOD §7.1). Only B7 (`count.word: 'argmax'`)
 * and B9 (`threshold.rule: 'T5'`) can be switched on, for parity.
 *
 * Owns: the composition alone. No engine calls, no randomness: the same input gives the same output.
 */
import { AresError } from '#core/util/errors.ts';
import { quantile } from '#core/util/statistics.ts';
import { entropyMask, tokenAdvantages, windowBonus } from './advantages.ts';
import { type AssessedGroup, type AssessedResponse, type Assessment, assess } from './assessment.ts';
import { sharePrefixAdvantages } from './branching.ts';
import { type TrainingBatch, concatenate } from './columns.ts';
import type { ControllerState } from './controllers.ts';
import { type ResponseKl, klCoefficients, nextKlState, responseKl } from './kl.ts';
import { iterationMetrics } from './metrics.ts';
import type { AresOptions } from './options.ts';
import type { RolloutGroup } from './rollouts.ts';
import { windowMask } from './windows.ts';

export interface IterationInput {
  groups: readonly RolloutGroup[];
  state: ControllerState;
  options: AresOptions;
  /** Token limit of the rollouts. */
  maxNewTokens: number;
}

export interface IterationResult {
  groups: AssessedGroup[];
  /** Responses of kept groups, in order: what `batch` is made of. */
  trained: AssessedResponse[];
  batch: TrainingBatch;
  /** KL against the reference per trained response; empty where it was not scored. */
  kl: ResponseKl[];
  /** What the next iteration starts from. */
  state: ControllerState;
  /** Flat record for the run's charts; a number that does not exist is absent, never NaN. */
  metrics: Record<string, number>;
}

/** One iteration whose rollouts already carry reference log-probs (where the KL needs them). */
export function runIteration(input: IterationInput): IterationResult {
  return finishIteration(assess(input.groups, input.state, input.options, input.maxNewTokens), input);
}

/**
 * The second half, after `assess`: a caller that scores the reference only for kept responses puts
 * `refLogprobs` into their rollouts in between.
 * @throws AresError 'engine' when a KL loss lacks reference log-probs
 */
export function finishIteration(
  assessment: Assessment,
  input: Pick<IterationInput, 'state' | 'options'>,
): IterationResult {
  const { options, state } = input;
  const keptGroups = assessment.groups.filter((group) => group.kept);
  const { decisionNats, policyNats } = entropyThresholds(keptGroups, options);

  const trained: AssessedResponse[] = [];
  const columns: TokenColumns[] = [];
  const kl: ResponseKl[] = [];
  for (const group of keptGroups) {
    const masks = group.responses.map(({ rollout, highEntropy }) =>
      windowMask(rollout.logprobs.length, highEntropy.positions, options.entropy.window),
    );
    const own = group.responses.map((response, i) => {
      const lambda = assessment.lambda[group.bucket];
      return responseAdvantages(response, masks[i]!, decisionNats, group.thetaNats, lambda, options);
    });
    const isShared = group.tree !== null && options.branching.prefixAdvantage === 'mean';
    const advantages = isShared ? sharePrefixAdvantages(group.tree!, own) : own;
    for (const [i, response] of group.responses.entries()) {
      const { logprobs, entropiesNats, refLogprobs } = response.rollout;
      const mask = masks[i]!;
      if (refLogprobs !== undefined) kl.push(responseKl(group.bucket, logprobs, refLogprobs, mask));
      trained.push(response);
      columns.push({
        advantages: advantages[i]!,
        klCoefficients: klCoefficients(mask, group.bucket, options.kl, state.kl),
        policyMask: entropyMask(entropiesNats, policyNats),
        oldLogprobs: logprobs,
        refLogprobs: referenceOf(response, options, group.key),
      });
    }
  }
  const next = { ...assessment.next, kl: nextKlState(state.kl, kl, options.kl) };
  const batch = trainingBatch(assessment, trained, columns);
  return {
    groups: assessment.groups,
    trained,
    batch,
    kl,
    state: next,
    metrics: iterationMetrics(assessment, batch, kl, state, options),
  };
}

/** Token entropies from which the shaping and the policy loss act; −∞ where they act on every token. */
function entropyThresholds(
  groups: readonly AssessedGroup[],
  { advantage, loss }: AresOptions,
): { decisionNats: number; policyNats: number } {
  const needsDecision = advantage.shapingPlacement === 'decision';
  const needsPolicy = loss.entropyKeepFraction < 1;
  // Sorting every entropy of a batch is the most expensive step here: only where it is used.
  const pooled =
    needsDecision || needsPolicy
      ? concatenate(groups.flatMap((group) => group.responses.map(({ rollout }) => rollout.entropiesNats)))
      : new Float32Array(0);
  return {
    decisionNats: needsDecision ? quantile(pooled, advantage.decisionQuantile) : -Infinity,
    policyNats: needsPolicy ? quantile(pooled, 1 - loss.entropyKeepFraction) : -Infinity,
  };
}

type TokenColumns = Omit<TrainingBatch, 'responses' | 'offsets'>;

function responseAdvantages(
  response: AssessedResponse,
  windows: Uint8Array,
  decisionNats: number,
  thetaNats: number,
  lambda: number,
  options: AresOptions,
): Float32Array {
  const { rollout, entropies, taskAdvantage, shapingAdvantage } = response;
  const placement = options.advantage.shapingPlacement;
  const placed = { response: null, decision: entropyMask(rollout.entropiesNats, decisionNats), window: windows };
  const bonus =
    options.advantage.estimator === 'alg1' ? windowBonus(entropies.windowMeansNats, windows, thetaNats, lambda) : null;
  return tokenAdvantages(rollout.logprobs.length, taskAdvantage, shapingAdvantage, placed[placement], bonus);
}

/** Reference log-probs, or the policy's own (KL 0) when no KL loss needs them. */
function referenceOf(response: AssessedResponse, options: AresOptions, key: number): Float32Array {
  const { logprobs, refLogprobs } = response.rollout;
  if (refLogprobs === undefined && options.kl.mode === 'none') return logprobs;
  if (refLogprobs?.length === logprobs.length && refLogprobs.every(Number.isFinite)) return refLogprobs;
  throw new AresError('engine', 'A response lacks the reference log-probabilities that the KL loss needs.', {
    where: `problem ${key}`,
  });
}

function trainingBatch(
  assessment: Assessment,
  trained: readonly AssessedResponse[],
  columns: readonly TokenColumns[],
): TrainingBatch {
  const all = assessment.groups.flatMap((group) => group.responses);
  const indexOf = new Map(all.map((response, i) => [response, i]));
  const offsets = new Int32Array(columns.length + 1);
  for (const [i, column] of columns.entries()) offsets[i + 1] = offsets[i]! + column.advantages.length;
  const policyMask = new Uint8Array(offsets.at(-1)!);
  for (const [i, column] of columns.entries()) policyMask.set(column.policyMask, offsets[i]!);
  return {
    responses: Int32Array.from(trained, (response) => indexOf.get(response)!),
    offsets,
    advantages: concatenate(columns.map((column) => column.advantages)),
    klCoefficients: concatenate(columns.map((column) => column.klCoefficients)),
    policyMask,
    oldLogprobs: concatenate(columns.map((column) => column.oldLogprobs)),
    refLogprobs: concatenate(columns.map((column) => column.refLogprobs)),
  };
}
