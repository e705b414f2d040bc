/**
 * The policy-optimisation stage: AEPO or a baseline, step after step.
 *
 * Owns: which problems a step draws, what of it is stored, and the state between steps (the method's
 * controllers and the data cursor). A single step is policyStep.ts.
 */
import { type ControllerState, initialState } from '#core/ares/controllers.ts';
import type { ModelHandle } from '#core/engine/api.ts';
import { learningRateAt } from '#core/engine/schedule.ts';
import type { NewRollout } from '#core/store/rollouts.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import type { JsonValue } from './canonicalJson.ts';
import { type RunContext, type StageEnd, samplingOf } from './context.ts';
import { type PolicyStepResult, policyStep } from './policyStep.ts';
import type { PreparedProblem } from './prompts.ts';
import { toStored } from './responseSource.ts';
import { runTrainingLoop } from './trainingLoop.ts';

interface PolicyState {
  controllers: ControllerState;
  /** Problems drawn so far, over all epochs. */
  cursor: number;
}

export async function runPolicyStage(
  context: RunContext,
  stage: number,
  model: ModelHandle,
  reference: ModelHandle,
): Promise<StageEnd> {
  const { recipe, engine, base, store, runId, train, triggers } = context;
  const { method, steps, promptsPerStep, maxDraws, miniBatches, epochs, schedule, optimizer } = recipe.policy;
  const alternatives = method.count.word === 'argmax' ? 1 : 0;
  const sampling = samplingOf(base, recipe.policy, alternatives);
  const sampler = { engine, model, tokenizer: base.tokenizer, sampling, seed: recipe.seed, triggers };
  const initial: PolicyState = { controllers: initialState(method), cursor: 0 };
  await engine.openTrainer(model, optimizer, recipe.policy.trains);
  return runTrainingLoop(context, {
    stage,
    name: 'policy',
    model,
    steps,
    initial: initial as unknown as JsonValue,
    advance: async (step, json) => {
      const state = json as unknown as PolicyState;
      let { cursor } = state;
      const taken = new Set<PreparedProblem>();
      const draw = (count: number) => {
        const drawn = drawNew(train, recipe.seed, cursor, count, taken);
        cursor = drawn.cursor;
        return drawn.problems;
      };
      const learningRate = learningRateAt({ ...schedule, totalSteps: steps }, step);
      const options = { method, promptsPerStep, maxDraws, miniBatches, epochs, learningRate };
      const result = await policyStep(sampler, reference, draw, state.controllers, step, options);
      store.rollouts.write({ runId, stage, step }, storedRollouts(result, base.tokenizer));
      const next: PolicyState = { controllers: result.state, cursor };
      const tokens = result.metrics['tokens/generated']!;
      return { state: next as unknown as JsonValue, metrics: result.metrics, tokens };
    },
  });
}

/**
 * The next `count` problems that a step does not have yet, fewer when it has all. Where a pass over the data
 * ends and the next begins, a problem may come twice within a step: its responses would be the same again.
 * @param taken what the step has; the drawn ones are added
 */
export function drawNew<T>(
  problems: readonly T[],
  seed: number,
  cursor: number,
  count: number,
  taken: Set<T>,
): { problems: T[]; cursor: number } {
  const drawn: T[] = [];
  let position = cursor;
  while (drawn.length < count && taken.size < problems.length) {
    const missing = count - drawn.length;
    for (const problem of problemsAt(problems, seed, position, missing)) {
      if (taken.has(problem)) continue;
      taken.add(problem);
      drawn.push(problem);
    }
    position += missing;
  }
  return { problems: drawn, cursor: position };
}

/** Problems number `cursor` and following of an endless sequence of shuffled passes over the data. */
export function problemsAt<T>(problems: readonly T[], seed: number, cursor: number, count: number): T[] {
  const drawn: T[] = [];
  for (let position = cursor; drawn.length < count;) {
    const epoch = Math.floor(position / problems.length);
    const order = new RandomSequence(seed, Stream.shuffle, POLICY_SHUFFLE + epoch).shuffled(problems);
    const part = order.slice(position % problems.length, (position % problems.length) + count - drawn.length);
    drawn.push(...part);
    position += part.length;
  }
  return drawn;
}

/** Keeps the shuffles of this stage apart from the cold start's, which count from 0. */
const POLICY_SHUFFLE = 0x1_0000;

function storedRollouts(
  { groups, iteration }: PolicyStepResult,
  tokenizer: RunContext['base']['tokenizer'],
): NewRollout[] {
  return groups.flatMap(({ responses, tree }, g) =>
    responses.map((response, i) => {
      const assessed = iteration.groups[g]!;
      const { reward, taskAdvantage, shapingAdvantage, highEntropy } = assessed.responses[i]!;
      const node = tree?.[i];
      const isFork = node !== undefined && node.parent !== null;
      return toStored(response, tokenizer, {
        parentSample: isFork ? responses[node.parent!]!.sample : null,
        forkPosition: isFork ? node.forkPosition : null,
        highEntropyCount: highEntropy.positions.length,
        bucket: assessed.bucket,
        rewardParts: { accuracy: reward.accuracy, overlong: reward.overlong, shaping: reward.shaping },
        advantage: assessed.kept ? taskAdvantage + shapingAdvantage : null,
      });
    }),
  );
}
