/**
 * Finished stages of one run taken over by another, so that arms of one seed share labels and cold start.
 *
 * Owns: copying responses, metrics and the trained model, and marking the stages finished. Both runs are
 * of the same data files, so their problems have the same numbers; that is checked.
 */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { hashOfWeights } from '#core/runs/modelHash.ts';
import type { NewRollout } from '#core/store/rollouts.ts';
import type { Store } from '#core/store/store.ts';

interface StoredRun {
  store: Store;
  runId: number;
}

/**
 * Copies the first `count` stages.
 * @throws Error when a stage is not finished, is another one, or its problems are others
 */
export function adoptStages(from: StoredRun, to: StoredRun, count: number): void {
  const [given, wanted] = [from.store.runs.stages(from.runId), to.store.runs.stages(to.runId)];
  const [source, target] = [from.store.runs.get(from.runId)!, to.store.runs.get(to.runId)!];
  to.store.durably(() => {
    for (const stage of given.slice(0, count)) {
      if (stage.state !== 'finished') throw new Error(`Stage ${stage.name} is not finished.`);
      if (wanted[stage.stage]?.name !== stage.name) throw new Error(`Stage ${stage.stage} is not ${stage.name}.`);
      copyRollouts(from, to, stage.stage);
      for (const { name } of from.store.metrics.summaries(from.runId).filter((each) => each.stage === stage.stage)) {
        const { step, value } = from.store.metrics.read({ runId: from.runId, stage: stage.stage, name });
        const steps = Array.from(step, (at, i) => ({ step: at, values: { [name]: value[i]! } }));
        to.store.metrics.write(to.runId, stage.stage, steps);
      }
      to.store.runs.updateStage({ ...stage, runId: to.runId });
    }
    const model = join(source.folder, 'models', 'cold-start');
    const isTrained = given.slice(0, count).some(({ name }) => name === 'cold-start');
    if (!isTrained || !existsSync(model)) return;
    const folder = join(target.folder, 'models', 'cold-start');
    cpSync(model, folder, { recursive: true });
    to.store.models.add({ folder, weightsHash: hashOfWeights(folder), parentId: null, createdMs: Date.now() });
  });
}

function copyRollouts(from: StoredRun, to: StoredRun, stage: number): void {
  for (const step of from.store.rollouts.steps(from.runId, stage)) {
    const key = { runId: from.runId, stage, step };
    const problems = new Set(from.store.rollouts.columns(key).problemId);
    const rollouts = [...problems].flatMap((problemId) => {
      if (from.store.problems.get(problemId)!.key !== to.store.problems.get(problemId)?.key) {
        throw new Error(`Problem ${problemId} is another one in the other project.`);
      }
      return from.store.rollouts.ofProblem(key, problemId).map(({ rolloutId, ...details }): NewRollout => ({
        ...details,
        tokens: from.store.rollouts.tokens(rolloutId) ?? null,
      }));
    });
    to.store.rollouts.write({ runId: to.runId, stage, step }, rollouts);
  }
}
