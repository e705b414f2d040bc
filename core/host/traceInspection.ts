/**
 * Looking again at a stored trace with the model that wrote it: what else was likely at every position, and
 * how it would have gone on from one of them.
 *
 * Owns: the requests to the inspection engine and the reading of its answers. Which weights those are is
 * keptWeights.ts; the engine's life is inspectionEngine.ts.
 */
import { triggerFlags } from '#core/ares/triggers.ts';
import type { Alternatives, RequestOf, ResponseOf } from '#core/contract/contract.ts';
import type { Engine, RolloutProgress, ScoreColumns, Sequence } from '#core/engine/api.ts';
import { grade } from '#core/grading/grade.ts';
import { tokenPieces } from '#core/model/tokenPieces.ts';
import { RandomStep } from '#core/runs/context.ts';
import { openPromptImages } from '#core/runs/promptImages.ts';
import { type PreparedProblem, fromStored, prepareProblems } from '#core/runs/prompts.ts';
import { AresError } from '#core/util/errors.ts';
import { mean } from '#core/util/statistics.ts';
import type { InspectionEngine, JobControl } from './hostContext.ts';
import { imageReader } from './projectImages.ts';
import type { StoredTrace } from './storedTrace.ts';

/** The k most likely tokens at every position, with the rank of the token that was chosen. */
export async function alternativesOf(
  trace: StoredTrace,
  wanted: number,
  projectFolder: string,
  inspection: InspectionEngine,
  { signal, progress }: JobControl,
): Promise<Alternatives> {
  const { reader, tokens, key } = trace;
  const k = Math.min(wanted, reader.base.config.vocabSize);
  const weights = reader.nearestWeights(key);
  const sequence: Sequence = { ...(await promptOf(trace, projectFolder)), responseIds: tokens.ids };
  const { temperature } = reader.sampling(key.stage);
  const longestSequence = sequence.promptIds.length + tokens.ids.length;
  // All positions come from one pass, of which nobody can say how far it is.
  progress(0, null);
  const scores = await inspection.withModel(
    { ...weights, longestSequence },
    (engine, model) => engine.score({ model, sequences: [sequence], temperature, alternatives: k }),
    signal,
  );
  const ids = scores.alternativeIds!;
  return {
    k,
    ids,
    logprobs: scores.alternativeLogprobs!,
    ranks: scores.ranks!,
    pieces: [...new Set(ids)].map((id) => ({ id, text: reader.word(id) })),
    model: weights.label,
    differenceNats: mean(scores.logprobs.map((value, t) => Math.abs(value - tokens.logprobs[t]!))),
  };
}

type ForkRequest = Omit<RequestOf<'rollouts.fork'>, 'rolloutId'>;
type Branches = ResponseOf<'rollouts.fork'>;

/** @throws AresError 'usage' when there is no such position or token, or no room after it */
export async function forkTrace(
  trace: StoredTrace,
  request: ForkRequest,
  projectFolder: string,
  inspection: InspectionEngine,
  { signal, progress }: JobControl,
): Promise<Branches> {
  const { reader, tokens, key } = trace;
  const { position, tokenId, maxNewTokens } = request;
  checkFork(trace, position, tokenId);
  const weights = reader.nearestWeights(key);
  const prompt = await promptOf(trace, projectFolder);
  const kept = tokens.ids.subarray(0, position);
  const prefixIds = tokenId === null ? kept.slice() : Int32Array.of(...kept, tokenId);
  const limit = Math.min(reader.base.config.maxPositions - prompt.promptIds.length, prefixIds.length + maxNewTokens);
  if (limit <= prefixIds.length) {
    throw new AresError('usage', 'The model has no positions left after this token.', {
      where: `token ${position}`,
      hint: 'Fork from an earlier one.',
    });
  }
  const longestSequence = prompt.promptIds.length + limit;
  const { sequences, stopped, scores } = await inspection.withModel(
    { ...weights, longestSequence },
    async (engine, model) => {
      const atMost = request.samples * (limit - prefixIds.length);
      const continued = await continuations(
        engine,
        model,
        trace,
        { ...request, maxNewTokens: limit },
        prefixIds,
        prompt,
        ({ newTokens }) => progress(newTokens, atMost),
      );
      // Scored as the trace was, whatever temperature it went on with; the token that was chosen is scored too.
      const { temperature } = reader.sampling(key.stage);
      return { ...continued, scores: await engine.score({ model, sequences: continued.sequences, temperature }) };
    },
    signal,
  );
  return { model: weights.label, branches: branchesOf(trace, position, sequences, stopped, scores) };
}

/** Whole responses, the prefix included. */
async function continuations(
  engine: Engine,
  model: string,
  { reader, problem }: StoredTrace,
  { tokenId, samples, temperature, maxNewTokens, seed }: ForkRequest,
  prefixIds: Int32Array,
  prompt: Prompt,
  onProgress: (progress: RolloutProgress) => void,
): Promise<{ sequences: Sequence[]; stopped: boolean[] }> {
  const { stopIds } = reader.base;
  // The end was chosen: there is nothing to go on with.
  if (tokenId !== null && stopIds.includes(tokenId))
    return { sequences: [{ ...prompt, responseIds: prefixIds }], stopped: [true] };
  const jobs = Array.from({ length: samples }, (_, sampleKey) => ({
    ...prompt,
    prefixIds,
    promptKey: problem.key,
    sampleKey,
  }));
  const sampling = { temperature, topK: 0, topP: 1, greedy: false, maxNewTokens, stopIds, alternatives: 0 };
  const rollouts = await engine.generate({ model, jobs, seed, step: RandomStep.inspection, sampling }, onProgress);
  let offset = 0;
  const sequences = Array.from(rollouts.lengths, (length): Sequence => {
    const fresh = rollouts.ids.subarray(offset, (offset += length));
    return { ...prompt, responseIds: Int32Array.of(...prefixIds, ...fresh) };
  });
  return { sequences, stopped: Array.from(rollouts.stopped, (value) => value === 1) };
}

function branchesOf(
  { reader, problem }: StoredTrace,
  position: number,
  sequences: readonly Sequence[],
  stopped: readonly boolean[],
  scores: ScoreColumns,
): Branches['branches'] {
  const { tokenizer } = reader.base;
  let offset = 0;
  return sequences.map(({ responseIds }, i) => {
    const from = offset + position;
    offset += responseIds.length;
    // As in a run: the token that ended the response is no part of its text.
    const text = tokenizer.decode(stopped[i] ? responseIds.subarray(0, -1) : responseIds);
    const { verdict, extracted } = grade({ gold: problem.answer, response: text });
    const ids = responseIds.slice(position);
    return {
      ids,
      logprobs: scores.logprobs.slice(from, offset),
      entropiesNats: scores.entropiesNats.slice(from, offset),
      pieces: tokenPieces(tokenizer, ids, reader.word),
      triggers: triggerFlags(ids, reader.triggers),
      response: tokenizer.decode(responseIds),
      verdict,
      extractedAnswer: extracted,
      stopped: stopped[i]!,
    };
  });
}

type Prompt = Pick<Sequence, 'promptIds' | 'images'>;

async function promptOf({ reader, problem }: StoredTrace, projectFolder: string): Promise<Prompt> {
  const images = problem.images.length > 0 ? openPromptImages(reader.base, imageReader(projectFolder)) : null;
  const [{ promptIds, imageInputs }] = (await prepareProblems(reader.base, [fromStored(problem)], images)) as [
    PreparedProblem,
  ];
  return { promptIds, ...(imageInputs === undefined ? {} : { images: await imageInputs() }) };
}

function checkFork({ tokens, reader }: StoredTrace, position: number, tokenId: number | null): void {
  if (position < 0 || position >= tokens.ids.length) {
    throw new AresError('usage', `The trace has no token ${position}.`, {
      hint: `Choose one from 0 to ${tokens.ids.length - 1}.`,
    });
  }
  if (tokenId !== null && (tokenId < 0 || tokenId >= reader.base.config.vocabSize)) {
    throw new AresError('usage', `The model has no token ${tokenId}.`, { hint: 'Choose one of the alternatives.' });
  }
}
