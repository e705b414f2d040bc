/**
 * Whoever answers problems: the engine here, or a server elsewhere.
 *
 * Owns: the one interface through which stages that only collect get their responses, and the engine behind
 * it. What is done with responses, and that none is asked for twice, is collectStage.ts.
 */
import type { ModelHandle } from '#core/engine/api.ts';
import type { NewRollout } from '#core/store/rollouts.ts';
import { type RunContext, samplingOf } from './context.ts';
import { machineUse } from './machineMetrics.ts';
import type { PreparedProblem, RunProblem } from './prompts.ts';
import { type Response, respond } from './responses.ts';

/** One response that is wanted; `sample` tells it from the others to the same problem. */
export interface WantedSample<P extends RunProblem = PreparedProblem> {
  problem: P;
  sample: number;
}

export interface SourceRequest<P extends RunProblem> {
  wanted: readonly WantedSample<P>[];
  /** Told how many responses are finished, those not handed over yet included. */
  onFinished(responses: number): void;
  /** Told of a problem that cannot be answered, and why: it gets no label. */
  onRefused(problem: P, reason: string): void;
  /** Once true, nothing new is begun. */
  stopRequested(): boolean;
}

export interface ResponseSource<P extends RunProblem = PreparedProblem> {
  /**
   * Responses to what is wanted, in batches, in whatever order they come. All of them, unless a stop was
   * requested on the way or a problem cannot be answered. A batch is stored before the next one is asked for.
   */
  respond(request: SourceRequest<P>): AsyncIterable<readonly NewRollout[]>;
  /** What answering costs the machine now; metric names of machineMetrics.ts. */
  use(): Promise<Readonly<Record<string, number>>>;
}

/**
 * The engine, with a model that is open. It answers everything at once: what was sampled together stays together.
 * @param randomStep the `step` coordinate of the random numbers
 */
export function engineResponses(
  { engine, base, recipe, triggers }: Pick<RunContext, 'engine' | 'base' | 'recipe' | 'triggers'>,
  model: ModelHandle,
  decoding: { temperature: number; topP: number; maxNewTokens: number },
  randomStep: number,
): ResponseSource {
  const { tokenizer } = base;
  const sampler = { engine, model, tokenizer, sampling: samplingOf(base, decoding), seed: recipe.seed, triggers };
  return {
    async *respond({ wanted, onFinished }) {
      const responses = await respond(sampler, wanted, randomStep, ({ finishedSequences }) =>
        onFinished(finishedSequences),
      );
      yield responses.map((response) => toStored(response, tokenizer));
    },
    use: () => machineUse(engine),
  };
}

/** A response as the store keeps it; the method's columns are filled where there are any. */
export function toStored(
  { problem, sample, ids, logprobs, entropiesNats, stopped, verdict, extracted }: Response,
  tokenizer: RunContext['base']['tokenizer'],
  method: Partial<
    Pick<NewRollout, 'parentSample' | 'forkPosition' | 'highEntropyCount' | 'bucket' | 'rewardParts' | 'advantage'>
  > = {},
): NewRollout {
  return {
    problemId: problem.problemId,
    sample,
    parentSample: null,
    forkPosition: null,
    verdict,
    extractedAnswer: extracted,
    response: tokenizer.decode(ids),
    lengthTokens: ids.length,
    truncated: !stopped,
    highEntropyCount: null,
    bucket: null,
    rewardParts: {},
    advantage: null,
    tokens: { ids, logprobs, entropiesNats },
    ...method,
  };
}
