/**
 * Every evaluated arm of a project, read once.
 *
 * Owns: the list of arms a front end chooses from, which of them answered the same problems, and the arms
 * behind chosen ids. A finished evaluation never changes, so what was read is kept as long as the store.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { basename } from 'node:path';
import { type ArmSet, type StoredArm, armsOfRun, arrangeArms, partsOf } from '#core/compare/arms.ts';
import type { ResponseOf } from '#core/contract/contract.ts';
import { sha256 } from '#core/runs/canonicalJson.ts';
import { trainedFolder } from '#core/runs/pipeline.ts';
import type { Model } from '#core/store/models.ts';
import type { Store } from '#core/store/store.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { readRunFile } from './runFile.ts';

type ListedArms = ResponseOf<'compare.arms'>;
type ListedArm = ListedArms['arms'][number];

export interface ArmCatalogue {
  /** @param against an arm id; the arms then say how many of its problems they share, as long as it can be read */
  list(against: string | null): Promise<ListedArms>;
  /** @throws AresError 'not-found' for an arm that is not evaluated, else as partsOf and arrangeArms */
  select(armIds: readonly string[], reference: string): ArmSet;
}

interface ReadRun {
  /** How many of its stages were finished when it was read. */
  finishedStages: number;
  arms: readonly StoredArm[];
}

const catalogues = new WeakMap<Store, ArmCatalogue>();

/** The same for the same store. */
export function armCatalogue(store: Store): ArmCatalogue {
  let catalogue = catalogues.get(store);
  if (catalogue === undefined) catalogues.set(store, (catalogue = createCatalogue(store)));
  return catalogue;
}

function createCatalogue(store: Store): ArmCatalogue {
  const read = new Map<number, ReadRun>();

  const armsOf = (runId: number): readonly StoredArm[] => {
    const finishedStages = store.runs.stages(runId).filter(({ state }) => state === 'finished').length;
    const known = read.get(runId);
    if (known?.finishedStages === finishedStages) return known.arms;
    const arms = armsOfRun(store, runId);
    read.set(runId, { finishedStages, arms });
    return arms;
  };
  const parts = (armId: string): StoredArm[] =>
    partsOf(armId).map((part) => {
      const arm = armsOf(part.runId).find((each) => each.armId === part.armId);
      if (arm !== undefined) return arm;
      throw new AresError('not-found', 'This model is not evaluated, or no longer.', {
        where: part.armId,
        hint: 'Choose another from the list of arms.',
      });
    });

  /** Null where the arm is gone: the list is needed all the more, and names the runs that cannot be read. */
  const keysOf = (armId: string): ReadonlySet<string> | null => {
    try {
      return new Set(parts(armId).flatMap(({ evaluation }) => evaluation.problems.map(({ key }) => key)));
    } catch (thrown) {
      if (thrown instanceof AresError) return null;
      throw thrown;
    }
  };

  return {
    list: async (against) => {
      const asked = against === null ? null : keysOf(against);
      const models = new Map(store.models.list().map((model) => [model.folder, model]));
      const listed: ListedArms = { arms: [], unreadable: [] };
      for (const { runId } of store.runs.list()) {
        try {
          listed.arms.push(...armsOf(runId).map((arm) => listedArm(arm, modelOf(store, models, arm), asked)));
        } catch (thrown) {
          listed.unreadable.push({ runId, reason: toAresError(thrown).message });
        }
        // A project may have hundreds of runs; other calls are answered in between.
        await nextTurn();
      }
      return listed;
    },
    select: (armIds, reference) =>
      arrangeArms(
        armIds.map((armId) => ({ armId, parts: parts(armId) })),
        reference,
      ),
  };
}

/** Undefined where the run's folder or the model is gone. */
function modelOf(
  store: Store,
  byFolder: ReadonlyMap<string, Model>,
  { record: { run }, arm }: StoredArm,
): Model | undefined {
  if (arm !== 'base') return byFolder.get(trainedFolder(run.folder, arm));
  try {
    return store.models.get(readRunFile(run.folder).baseModelId);
  } catch (thrown) {
    // Its answers are in the store all the same; only whose weights they were cannot be said.
    if (thrown instanceof AresError && thrown.code === 'not-found') return undefined;
    throw thrown;
  }
}

function listedArm(
  { armId, record: { run, stages }, stage, arm, evaluation }: StoredArm,
  model: Model | undefined,
  asked: ReadonlySet<string> | null,
): ListedArm {
  const { problems, outcomes, decoding, label } = evaluation;
  const keys = problems.map(({ key }) => key);
  return {
    armId,
    runId: run.runId,
    stage,
    arm,
    label,
    runName: run.name,
    runKind: run.kind,
    seed: run.seed,
    modelKey: model?.weightsHash ?? null,
    model: model === undefined ? 'unknown model' : basename(model.folder),
    dataset: [...new Set(problems.map(({ dataset }) => dataset))].join(', '),
    problems: problems.length,
    samples: outcomes.problemIndex.length,
    temperature: decoding.temperature,
    maxNewTokens: decoding.maxNewTokens,
    problemsHash: sha256([...keys].sort().join(' ')),
    shared: asked === null ? null : keys.filter((key) => asked.has(key)).length,
    createdMs: stages.find((each) => each.stage === stage)?.endedMs ?? run.createdMs,
  };
}
