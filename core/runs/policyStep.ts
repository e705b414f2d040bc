/**
 * One iteration of policy optimisation against an engine.
 *
 * Owns: the order of calls: sample groups, assess, score the reference where a KL loss needs it, update
 * in mini-batches. Everything the method decides is computed in ares/; the state that goes from step to
 * step is its controller state.
 */
import { assess } from '#core/ares/assessment.ts';
import { policyLoss, sequencesWithSignal } from '#core/ares/columns.ts';
import type { ControllerState } from '#core/ares/controllers.ts';
import { type IterationResult, finishIteration } from '#core/ares/iteration.ts';
import type { AresOptions } from '#core/ares/options.ts';
import { forkThreshold } from '#core/ares/thresholds.ts';
import type { ModelHandle, RolloutProgress, Sequence } from '#core/engine/api.ts';
import { type PreparedProblem, imagesFor } from './prompts.ts';
import { type Response, type SampledGroup, type Sampler, sampleGroups, toRolloutGroup } from './responses.ts';

export interface PolicyStepOptions {
  method: AresOptions;
  promptsPerStep: number;
  /**
   * A filter leaves gaps; up to this many draws of problems fill them (METHOD §3.12). 1 trains on
   * whatever the first draw leaves.
   */
  maxDraws: number;
  /** Optimizer updates per pass over a step's responses. */
  miniBatches: number;
  /** Passes over a step's responses. */
  epochs: number;
  learningRate: number;
}

export interface PolicyStepResult {
  groups: SampledGroup[];
  iteration: IterationResult;
  state: ControllerState;
  /** Flat record for charts: the method's metrics and the optimizer's. */
  metrics: Record<string, number>;
}

/** @param draw gives the next problems of the data, each time it is called; fewer when the step has them all */
export async function policyStep(
  sampler: Sampler,
  reference: ModelHandle | null,
  draw: (count: number) => readonly PreparedProblem[],
  state: ControllerState,
  step: number,
  options: PolicyStepOptions,
  onProgress?: (progress: RolloutProgress) => void,
): Promise<PolicyStepResult> {
  const { method, promptsPerStep, maxDraws } = options;
  const { maxNewTokens, temperature } = sampler.sampling;
  const forksAboveNats = forkThreshold(method.threshold, state.threshold);
  const sampled: SampledGroup[] = [];
  const assessSampled = () =>
    assess(
      sampled.map((group) => toRolloutGroup(group, sampler.triggers)),
      state,
      method,
      maxNewTokens,
    );
  const sample = async (problems: readonly PreparedProblem[]) => {
    sampled.push(...(await sampleGroups(sampler, problems, step, method, forksAboveNats, onProgress)));
    return assessSampled();
  };
  let assessment = await sample(draw(promptsPerStep));
  for (let draws = 1; draws < maxDraws; draws++) {
    const missing = promptsPerStep - assessment.groups.filter((group) => group.kept).length;
    const more = missing === 0 ? [] : draw(missing);
    if (more.length === 0) break;
    assessment = await sample(more);
  }

  const responses = sampled.flatMap((group) => group.responses);
  const kept = assessment.groups.flatMap((group) => group.responses.map(() => group.kept));
  if (reference !== null && method.kl.mode !== 'none')
    await scoreReference(sampler, reference, assessment, responses, kept, temperature);
  const iteration = finishIteration(assessment, { state, options: method });
  const update = await updatePolicy(sampler, iteration, responses, options);
  return { groups: sampled, iteration, state: iteration.state, metrics: { ...iteration.metrics, ...update } };
}

async function toSequences(responses: readonly Response[]): Promise<Sequence[]> {
  const imagesOf = await imagesFor(responses.map(({ problem }) => problem));
  return responses.map(({ problem, ids }) => ({
    promptIds: problem.promptIds,
    ...imagesOf(problem),
    responseIds: ids,
  }));
}

/** Puts the reference policy's log-probs into the rollouts of kept responses. */
async function scoreReference(
  { engine }: Sampler,
  reference: ModelHandle,
  assessment: ReturnType<typeof assess>,
  responses: readonly Response[],
  kept: readonly boolean[],
  temperature: number,
): Promise<void> {
  const chosen = responses.flatMap((_, i) => (kept[i] ? [i] : []));
  if (chosen.length === 0) return;
  const sequences = await toSequences(chosen.map((i) => responses[i]!));
  const { logprobs } = await engine.score({ model: reference, sequences, temperature });
  const rollouts = assessment.groups.flatMap((group) => group.responses.map(({ rollout }) => rollout));
  let offset = 0;
  for (const i of chosen) {
    const end = offset + responses[i]!.ids.length;
    rollouts[i]!.refLogprobs = logprobs.slice(offset, end);
    offset = end;
  }
}

async function updatePolicy(
  { engine, model, sampling }: Sampler,
  { batch }: IterationResult,
  responses: readonly Response[],
  { method, miniBatches, epochs, learningRate }: PolicyStepOptions,
): Promise<Record<string, number>> {
  const active = sequencesWithSignal(batch);
  if (active.length === 0) return { updates: 0 };
  const limits = { temperature: sampling.temperature, maxNewTokens: sampling.maxNewTokens };
  const parts = cutIntoParts(active, miniBatches);
  const totals = { loss: 0, klLoss: 0, gradientNorm: 0 };
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const part of parts) {
      const sequences = await toSequences(part.map((i) => responses[batch.responses[i]!]!));
      const loss = policyLoss(batch, part, method.loss, limits);
      const result = await engine.trainStep({ model, sequences, loss, learningRate });
      totals.loss += result.loss;
      totals.klLoss += result.klLoss;
      totals.gradientNorm += result.gradientNorm;
    }
  }
  const updates = parts.length * epochs;
  return {
    updates,
    loss: totals.loss / updates,
    klLoss: totals.klLoss / updates,
    gradientNorm: totals.gradientNorm / updates,
    learningRate,
  };
}

/** Consecutive parts of nearly equal size; consecutive sequences of a group stay together. */
export function cutIntoParts<T>(items: readonly T[], parts: number): T[][] {
  const count = Math.min(parts, items.length);
  return Array.from({ length: count }, (_, i) =>
    items.slice(Math.floor((i * items.length) / count), Math.floor(((i + 1) * items.length) / count)),
  );
}
