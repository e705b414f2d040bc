// The machinery of the study: arms as recipes, and stages that arms of one seed share.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionChanges } from '#core/ares/presets.ts';
import { evaluationsOfRun, reportOfRun } from '#core/compare/runReport.ts';
import { adoptStages } from '../../bench/adoptStages.ts';
import { REFERENCE, SHARED, studyArms } from '../../bench/arms.ts';
import { armRecipe } from '../../bench/studyJob.ts';
import { storedRun } from '../compare/storedRun.ts';

const sampleRecipe = readFileSync(join(import.meta.dirname, '../../../resources/sample/recipe.yaml'), 'utf8');
const recipeOf = (key: string, seed = 1) =>
  armRecipe(
    sampleRecipe,
    studyArms.find((arm) => arm.key === key)!,
    seed,
    1,
  );

describe('armRecipe', () => {
  it('makes ablations that differ from AEPO in what they ablate alone', () => {
    const changed = (key: string) => optionChanges(recipeOf('aepo'), recipeOf(key)).map(({ path }) => path);
    expect(changed('aepo-no-kl')).toEqual(['policy.preset', 'policy.method.kl.mode']);
    expect(changed('aepo-no-entropy')).toEqual(['policy.preset', 'policy.method.reward.mode']);
    expect(changed('aepo-no-branching')).toEqual(['policy.preset', 'policy.method.branching.enabled']);
    expect(changed('cs-vanilla')).toEqual(['coldStart.curation.selection']);
  });

  it('gives baselines no part of AEPO, and the budget and cold start of the others', () => {
    for (const key of ['grpo', 'dapo']) {
      const { coldStart, policy } = recipeOf(key);
      const { method } = policy;
      expect([method.reward.mode, method.branching.enabled, method.target.rule]).toEqual([
        'accuracy',
        false,
        'laggedEma',
      ]);
      expect(coldStart).toEqual(recipeOf('aepo').coldStart);
      expect([policy.steps, policy.schedule, policy.promptsPerStep]).toEqual([
        recipeOf('aepo').policy.steps,
        recipeOf('aepo').policy.schedule,
        recipeOf('aepo').policy.promptsPerStep,
      ]);
    }
  });

  it('has a reference and a shared arm, and sets the seed', () => {
    expect(studyArms.map(({ key }) => key)).toEqual(expect.arrayContaining([REFERENCE, SHARED]));
    expect(recipeOf('aepo', 3).seed).toBe(3);
  });
});

describe('adoptStages', () => {
  it('gives a run the stages of another as if it had done them', () => {
    const given = storedRun({ answers: [(id) => ({ correct: id.endsWith('0'), hesitations: 2 })] });
    const taking = storedRun({ finishedStages: 0 });
    adoptStages(given, taking, 2);
    expect(evaluationsOfRun(taking.store, taking.runId)).toEqual(
      evaluationsOfRun(given.store, given.runId).slice(0, 1),
    );
    const [own, other] = [taking, given].map(({ store, runId, facts }) => reportOfRun(store, runId, facts));
    expect(own!.difficulty!.brackets).toEqual(other!.difficulty!.brackets);
    expect(own!.traces!.map(({ responses }) => responses[0])).toEqual(
      other!.traces!.map(({ responses }) => responses[0]),
    );
    expect(taking.store.runs.stages(taking.runId).map(({ state }) => state)).toEqual([
      'finished',
      'finished',
      'pending',
      'pending',
      'pending',
      'pending',
    ]);
  });

  it('takes nothing from an unfinished run or from other problems', () => {
    const taking = storedRun({ finishedStages: 0 });
    expect(() => adoptStages(storedRun({ finishedStages: 1 }), taking, 2)).toThrow(/not finished/);
    expect(() => adoptStages(storedRun(), storedRun({ finishedStages: 0, reversed: true }), 2)).toThrow(/another one/);
    expect(taking.store.rollouts.steps(taking.runId, 0)).toEqual([]);
  });
});
