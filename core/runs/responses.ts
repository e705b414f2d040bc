/**
 * Responses: sampled by the engine, decoded, graded.
 *
 * Owns: the one way in which every stage (labelling, training, evaluation) gets its responses, with
 * forks resumed from their parents. What responses are worth is the method's, in ares/.
 */
import { type TrajectoryNode, initialTrajectories, planForks, treeOf } from '#core/ares/branching.ts';
import type { AresOptions } from '#core/ares/options.ts';
import type { Rollout, RolloutGroup } from '#core/ares/rollouts.ts';
import { triggerFlags } from '#core/ares/triggers.ts';
import { windowMeans } from '#core/ares/windows.ts';
import type { Engine, ModelHandle, RolloutJob, RolloutProgress, SamplingOptions } from '#core/engine/api.ts';
import { gradeResponses } from '#core/grading/symbolic.ts';
import type { Verdict } from '#core/grading/verdict.ts';
import type { Tokenizer } from '#core/model/tokenizer.ts';
import { type PreparedProblem, imagesFor } from './prompts.ts';

/** One whole response; columns are over its tokens, a fork's prefix included. */
export interface Response {
  problem: PreparedProblem;
  /** Coordinate of its random numbers, unique among the problem's responses in a step. */
  sample: number;
  ids: Int32Array;
  logprobs: Float32Array;
  entropiesNats: Float32Array;
  /** 1 where the most likely token is a trigger word; only when alternatives were asked for. */
  argmaxTriggers: Uint8Array | undefined;
  stopped: boolean;
  verdict: Verdict;
  extracted: string | null;
}

/** Everything about sampling that stays the same within a stage. */
export interface Sampler {
  engine: Engine;
  model: ModelHandle;
  tokenizer: Tokenizer;
  sampling: SamplingOptions;
  seed: number;
  /** [vocabulary] 1 where a token is a trigger word. */
  triggers: Uint8Array;
}

interface Wanted {
  problem: PreparedProblem;
  sample: number;
  parent?: Response;
  forkPosition?: number;
}

/** Samples `count` responses to each problem, with sample coordinates from `firstSample` on. */
export function sampleResponses(
  sampler: Sampler,
  problems: readonly PreparedProblem[],
  { step, firstSample, count }: { step: number; firstSample: number; count: number },
  onProgress?: (progress: RolloutProgress) => void,
): Promise<Response[]> {
  const wanted = problems.flatMap((problem) =>
    Array.from({ length: count }, (_, i) => ({ problem, sample: firstSample + i })),
  );
  return respond(sampler, wanted, step, onProgress);
}

export interface SampledGroup {
  problem: PreparedProblem;
  responses: Response[];
  tree: TrajectoryNode[] | undefined;
}

/**
 * A group of responses per problem, branching at high-entropy windows where the options say so
 * (METHOD §3.3): first some trajectories, then forks planned on them with the threshold of earlier
 * batches, then fresh ones until every group is full.
 * @param thresholdNats scaled threshold of earlier batches; null forks nothing
 */
export async function sampleGroups(
  sampler: Sampler,
  problems: readonly PreparedProblem[],
  step: number,
  options: AresOptions,
  thresholdNats: number | null,
  onProgress?: (progress: RolloutProgress) => void,
): Promise<SampledGroup[]> {
  const initial = initialTrajectories(options.groupSize, options.branching);
  const first = await sampleResponses(sampler, problems, { step, firstSample: 0, count: initial }, onProgress);
  const groups = problems.map((problem, i): SampledGroup => ({
    problem,
    responses: first.slice(i * initial, (i + 1) * initial),
    tree: undefined,
  }));
  if (initial === options.groupSize) return groups;

  const plans = groups.map(({ responses }) => {
    const means = responses.map(({ entropiesNats }) => windowMeans(entropiesNats, options.entropy.window));
    return planForks(means, options.groupSize, thresholdNats, options.entropy.window, options.branching);
  });
  const wanted = groups.flatMap(({ problem, responses }, i): Wanted[] => [
    ...plans[i]!.forks.map(({ parent, forkPosition }, f) => ({
      problem,
      sample: initial + f,
      parent: responses[parent]!,
      forkPosition,
    })),
    ...Array.from({ length: plans[i]!.fresh }, (_, f) => ({ problem, sample: initial + plans[i]!.forks.length + f })),
  ]);
  const rest = await respond(sampler, wanted, step, onProgress);
  const missing = options.groupSize - initial;
  return groups.map(({ problem, responses }, i) => ({
    problem,
    responses: [...responses, ...rest.slice(i * missing, (i + 1) * missing)],
    tree: treeOf(initial, plans[i]!),
  }));
}

/** The method's view of a sampled group. */
export function toRolloutGroup({ problem, responses, tree }: SampledGroup, triggers: Uint8Array): RolloutGroup {
  const rollouts = responses.map((response): Rollout => ({
    correct: response.verdict === 'correct',
    stopped: response.stopped,
    logprobs: response.logprobs,
    entropiesNats: response.entropiesNats,
    triggers: triggerFlags(response.ids, triggers),
    ...(response.argmaxTriggers === undefined ? {} : { argmaxTriggers: response.argmaxTriggers }),
  }));
  return { key: problem.key, rollouts, ...(tree === undefined ? {} : { tree }) };
}

/** Samples what is wanted, fresh responses and forks alike, and grades it. */
export async function respond(
  sampler: Sampler,
  wanted: readonly Wanted[],
  step: number,
  onProgress?: (progress: RolloutProgress) => void,
): Promise<Response[]> {
  const { engine, model, sampling, seed, triggers, tokenizer } = sampler;
  const imagesOf = await imagesFor(wanted.map(({ problem }) => problem));
  const jobs = wanted.map(({ problem, sample, parent, forkPosition }): RolloutJob => ({
    promptIds: problem.promptIds,
    ...imagesOf(problem),
    prefixIds: parent === undefined ? new Int32Array(0) : parent.ids.slice(0, forkPosition),
    promptKey: problem.key,
    sampleKey: sample,
  }));
  const columns = await engine.generate({ model, jobs, seed, step, sampling }, onProgress);
  let offset = 0;
  const sampled = wanted.map((_, i) => {
    const start = offset;
    offset += columns.lengths[i]!;
    return { ids: joined(Int32Array, jobs[i]!.prefixIds, columns.ids.subarray(start, offset)), start, end: offset };
  });
  const grades = await gradeResponses(
    wanted.map(({ problem }, i) => {
      const { ids } = sampled[i]!;
      // Special tokens stay, because think tags can be some; but the one that ended the response is no part of
      // its text ("18<|im_end|>" is no number).
      const text = tokenizer.decode(columns.stopped[i] === 1 ? ids.subarray(0, -1) : ids, { skipSpecial: false });
      return { gold: problem.answer, response: text };
    }),
  );
  return wanted.map(({ problem, sample, parent }, i): Response => {
    const { ids, start, end } = sampled[i]!;
    const prefix = jobs[i]!.prefixIds.length;
    const argmax =
      columns.alternativeIds === undefined
        ? undefined
        : argmaxFlags(columns.alternativeIds, sampling.alternatives, start, end, triggers);
    const { verdict, extracted } = grades[i]!;
    return {
      problem,
      sample,
      ids,
      logprobs: joined(Float32Array, parent?.logprobs.subarray(0, prefix) ?? [], columns.logprobs.subarray(start, end)),
      entropiesNats: joined(
        Float32Array,
        parent?.entropiesNats.subarray(0, prefix) ?? [],
        columns.entropiesNats.subarray(start, end),
      ),
      argmaxTriggers:
        argmax === undefined
          ? undefined
          : joined(Uint8Array, parent?.argmaxTriggers?.subarray(0, prefix) ?? [], argmax),
      stopped: columns.stopped[i] === 1,
      verdict,
      extracted,
    };
  });
}

function joined<T extends Int32Array | Float32Array | Uint8Array>(
  kind: new (length: number) => T,
  before: ArrayLike<number>,
  after: ArrayLike<number>,
): T {
  const out = new kind(before.length + after.length);
  out.set(before);
  out.set(after, before.length);
  return out;
}

/** Trigger flags of the most likely token at each position; it is the first of the alternatives. */
function argmaxFlags(
  ids: Int32Array,
  alternatives: number,
  from: number,
  to: number,
  triggers: Uint8Array,
): Uint8Array {
  return Uint8Array.from({ length: to - from }, (_, t) => triggers[ids[(from + t) * alternatives]!] ?? 0);
}
