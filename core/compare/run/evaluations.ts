/**
 * The evaluations of a run: one per model it evaluated, all on the same held-out problems.
 *
 * Owns: reading them from the store, and what the arms are called.
 */
import { presets } from '#core/ares/presets.ts';
import type { EvaluatedProblem, Evaluation, Outcomes } from '#core/compare/types.ts';
import { CORRECT } from '#core/grading/verdict.ts';
import { sha256 } from '#core/runs/canonicalJson.ts';
import type { Arm } from '#core/runs/pipeline.ts';
import type { Recipe } from '#core/runs/recipe.ts';
import type { Problem } from '#core/store/problems.ts';
import type { RolloutColumns } from '#core/store/rollouts.ts';
import { AresError } from '#core/util/errors.ts';
import { type HeldoutBuckets, heldoutBuckets } from './buckets.ts';
import { type Yardstick, highEntropyPositions } from './highEntropy.ts';
import { type RunRecord, arms, finishedStage, stageColumns } from './record.ts';

/** What a person reads for an arm. */
export function armLabel(arm: Arm, { coldStart, policy }: Recipe): string {
  switch (arm) {
    case 'base':
      return 'Base';
    case 'cold-start':
      return coldStart.curation.selection === 'vanilla' ? 'CS-Vanilla' : 'AdaCS';
    case 'policy':
      return presets[policy.preset].title;
  }
}

export interface RunEvaluations {
  evaluations: Evaluation[];
  /** The store's ids of their problems, in the same order. */
  problemIds: number[];
  /** Null where nothing was evaluated. */
  buckets: HeldoutBuckets['source'] | null;
}

/**
 * One evaluation per arm whose evaluation is finished, base first.
 * @param yardstick counts N_HE; null leaves the counts out
 * @throws AresError 'bad-data' when the evaluations are not of the same problems
 */
export function readEvaluations(record: RunRecord, yardstick: Yardstick | null): RunEvaluations {
  const { recipe } = record;
  const evaluated = arms.flatMap((arm) => {
    const stage = finishedStage(record, { kind: 'evaluate', arm });
    const columns = stage === undefined ? null : stageColumns(record, stage);
    return columns === null || columns.rolloutId.length === 0 ? [] : [{ arm, columns }];
  });
  const [first] = evaluated;
  if (first === undefined) return { evaluations: [], problemIds: [], buckets: null };
  const stored = problemsIn(record, first.columns);
  const heldout = heldoutBuckets(stored, first.columns, recipe.policy.method.buckets);
  const datasetIds = [...new Set(stored.map(({ datasetId }) => datasetId))];
  const datasetName = new Map(datasetIds.map((datasetId) => [datasetId, record.store.problems.datasetName(datasetId)]));
  const problems = stored.map((problem): EvaluatedProblem => ({
    key: contentKey(problem),
    id: problem.id,
    bucket: heldout.bucketOf.get(problem.problemId)!,
    source: problem.source,
    dataset: datasetName.get(problem.datasetId)!,
  }));
  const indexOf = new Map(stored.map(({ problemId }, index) => [problemId, index]));
  const decoding = {
    temperature: recipe.evaluation.temperature,
    maxNewTokens: limitOf(evaluated) ?? recipe.evaluation.maxNewTokens,
    seed: recipe.seed,
  };
  const evaluations = evaluated.map(({ arm, columns }) => ({
    arm,
    label: armLabel(arm, recipe),
    problems,
    outcomes: outcomesOf(record, columns, indexOf, yardstick),
    decoding,
  }));
  return { evaluations, problemIds: stored.map(({ problemId }) => problemId), buckets: heldout.source };
}

/**
 * The token limit as it took effect; null where no response met it. It is below the recipe's when the model
 * has fewer positions.
 */
function limitOf(evaluated: readonly { columns: RolloutColumns }[]): number | null {
  const cut = evaluated.flatMap(({ columns: { lengthTokens, truncated } }) =>
    Array.from(lengthTokens).filter((_, i) => truncated[i] === 1),
  );
  return cut.length === 0 ? null : cut.reduce((longest, length) => Math.max(longest, length));
}

/** The problems of some rollouts, in the order in which they were answered. */
export function problemsIn({ store }: RunRecord, { problemId }: Pick<RolloutColumns, 'problemId'>): Problem[] {
  return [...new Set(problemId)].map((id) => store.problems.get(id)!);
}

/** Identity of a problem across projects. The 32-bit key of the store would now and then be shared by two. */
function contentKey({ prompt, answer, images }: Problem): string {
  return sha256(JSON.stringify([prompt, answer, images]));
}

function outcomesOf(
  { store, run }: RunRecord,
  columns: RolloutColumns,
  indexOf: ReadonlyMap<number, number>,
  yardstick: Yardstick | null,
): Outcomes {
  const counts = Int32Array.from(columns.rolloutId, (rolloutId) => {
    const tokens = yardstick === null ? undefined : store.rollouts.tokens(rolloutId);
    return tokens === undefined ? -1 : highEntropyPositions(yardstick!, tokens).length;
  });
  return {
    problemIndex: Int32Array.from(columns.problemId, (problemId) => {
      const index = indexOf.get(problemId);
      if (index !== undefined) return index;
      throw new AresError('bad-data', 'The models of this run were not evaluated on the same problems.', {
        where: `run ${run.runId}`,
        hint: 'Evaluate them again.',
      });
    }),
    correct: Uint8Array.from(columns.verdict, (verdict) => (verdict === CORRECT ? 1 : 0)),
    lengthTokens: columns.lengthTokens,
    // The store numbers verdicts in the same order.
    verdict: columns.verdict,
    truncated: columns.truncated,
    ...(yardstick === null ? {} : { highEntropyCount: counts }),
  };
}
