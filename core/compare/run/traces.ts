/**
 * A few held-out problems and how every arm answered them, token by token.
 *
 * Owns: which are shown. The rule is fixed (first problems of each bucket, first sample), so that
 * nobody picks the ones that look best.
 */
import { type Bucket, buckets } from '#core/ares/options.ts';
import { countOf } from '#core/compare/format.ts';
import type { TraceResponse, TraceSample, TraceToken } from '#core/compare/report/data.ts';
import type { Evaluation } from '#core/compare/types.ts';
import type { ChatMessage } from '#core/data/mapping.ts';
import type { Tokenizer } from '#core/model/tokenizer.ts';
import type { Rollout } from '#core/store/rollouts.ts';
import type { Stage } from '#core/store/runs.ts';
import { problemsIn } from './evaluations.ts';
import { type Yardstick, highEntropyPositions } from './highEntropy.ts';
import { type RunRecord, stageColumns } from './record.ts';

const PER_BUCKET = 2;

/** The rule, to be shown in the report. */
export const TRACE_RULE = `the first ${countOf(PER_BUCKET, 'problem')} of each bucket and each arm’s first answer, whatever they look like`;

/** @param evaluations of this run; their arms name its stages */
export function readTraces(
  record: RunRecord,
  evaluations: readonly Evaluation[],
  tokenizer: Tokenizer,
  yardstick: Yardstick | null,
): TraceSample[] {
  const stages = evaluations.flatMap(({ arm, label }) => {
    const stage = record.stages.find(({ name }) => name === `evaluate ${arm}`);
    return stage === undefined ? [] : [{ label, stage, steps: stepOfProblem(record, stage) }];
  });
  const [first] = stages;
  if (first === undefined) return [];
  const problems = problemsIn(record, stageColumns(record, first.stage));
  return tracedProblems(evaluations[0]!).map(({ index, bucket }): TraceSample => {
    const { problemId, id, prompt, answer } = problems[index]!;
    const responses = stages.flatMap(({ label, stage, steps }): TraceResponse[] => {
      const key = { runId: record.run.runId, stage: stage.stage, step: steps.get(problemId)! };
      const [rollout] = record.store.rollouts.ofProblem(key, problemId);
      if (rollout === undefined) return [];
      return [{ label, verdict: rollout.verdict, tokens: traceTokens(record, rollout, tokenizer, yardstick) }];
    });
    return { problemId: id, bucket, question: questionText(prompt), answer, responses };
  });
}

/** The problems that are shown, by their place in the evaluation. */
export function tracedProblems({ problems }: Pick<Evaluation, 'problems'>): { index: number; bucket: Bucket }[] {
  return buckets.flatMap((bucket) =>
    [...problems.keys()]
      .filter((index) => problems[index]!.bucket === bucket)
      .slice(0, PER_BUCKET)
      .map((index) => ({ index, bucket })),
  );
}

/** In which stored step each problem was first answered. */
function stepOfProblem({ store, run: { runId } }: RunRecord, { stage }: Stage): Map<number, number> {
  const steps = new Map<number, number>();
  for (const step of store.rollouts.steps(runId, stage)) {
    for (const problemId of store.rollouts.columns({ runId, stage, step }).problemId) {
      if (!steps.has(problemId)) steps.set(problemId, step);
    }
  }
  return steps;
}

/** A response token by token, with those marked that the yardstick counts. */
export function traceTokens(
  { store }: Pick<RunRecord, 'store'>,
  { rolloutId, response }: Rollout,
  tokenizer: Tokenizer,
  yardstick: Yardstick | null,
): TraceToken[] {
  const tokens = store.rollouts.tokens(rolloutId);
  if (tokens === undefined) return [{ text: response, entropyNats: NaN }];
  const counted = new Set(yardstick === null ? [] : highEntropyPositions(yardstick, tokens));
  return Array.from(tokens.ids, (id, t): TraceToken => ({
    text: tokenizer.decodeToken(id),
    entropyNats: tokens.entropiesNats[t]!,
    counted: counted.has(t),
  }));
}

/** The text of a prompt; of a conversation what the user says. */
export function questionText(prompt: unknown): string {
  if (typeof prompt === 'string') return prompt;
  return (prompt as readonly ChatMessage[])
    .filter(({ role }) => role === 'user')
    .map(({ content }) => content)
    .join('\n\n');
}
