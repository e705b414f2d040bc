// Which stages a run has, in which order problems are drawn, and how prompts and responses share positions.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runKinds } from '#core/runs/context.ts';
import { plannedStages, recipeOfKind, stageName, stageWork } from '#core/runs/pipeline.ts';
import { drawNew, problemsAt } from '#core/runs/policyStage.ts';
import { longestResponse, roomFor, withinRoom } from '#core/runs/positions.ts';
import { defaultRecipe, parseRecipe, recipeText } from '#core/runs/recipe.ts';

describe('the stages of a run', () => {
  it.each([
    ['pipeline', 'label, evaluate base, cold-start, evaluate cold-start, policy, evaluate policy'],
    ['label', 'label'],
    ['adacs', 'label, evaluate base, cold-start, evaluate cold-start'],
    ['aepo', 'evaluate base, policy, evaluate policy'],
    ['evaluate', 'evaluate base'],
  ] as const)('%s: %s', (kind, expected) => {
    const recipe = recipeOfKind(defaultRecipe(), kind);
    expect(plannedStages(recipe, kind).map(stageName).join(', ')).toBe(expected);
  });

  it('are in the recipe that is stored: it says the same when it is read again', () => {
    for (const kind of runKinds) {
      const recipe = recipeOfKind(defaultRecipe(), kind);
      const read = parseRecipe(recipeText(recipe), 'stored');
      expect(plannedStages(read, kind)).toEqual(plannedStages(recipe, kind));
    }
  });

  it('have the work of their samples and steps', () => {
    const { label, evaluation, policy } = defaultRecipe();
    const units = new Map(stageWork(defaultRecipe(), 100, 20).map((stage) => [stage.name, stage.units]));
    expect(units.get('label')).toBe(100 * label.samples);
    expect(units.get('evaluate policy')).toBe(20 * evaluation.samples);
    expect(units.get('policy')).toBe(policy.steps);
  });
});

describe('problemsAt', () => {
  it('gives the same problems however they are drawn, each once per pass', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1 }),
        fc.nat(),
        (size, draws, seed) => {
          const problems = Array.from({ length: size }, (_, i) => i);
          const total = draws.reduce((sum, count) => sum + count, 0);
          const whole = problemsAt(problems, seed, 0, total);
          let cursor = 0;
          const parts = draws.flatMap((count) => {
            const part = problemsAt(problems, seed, cursor, count);
            cursor += count;
            return part;
          });
          expect(parts).toEqual(whole);
          for (let start = 0; start + size <= total; start += size) {
            expect(whole.slice(start, start + size).toSorted((a, b) => a - b)).toEqual(problems);
          }
        },
      ),
    );
  });
});

describe('drawNew', () => {
  it('passes over what the step has where one pass ends and the next begins', () => {
    const problems = [0, 1, 2, 3, 4, 5];
    const seed = 1;
    const end = problemsAt(problems, seed, 4, 2);
    const next = problemsAt(problems, seed, 6, 6);
    const taken = new Set<number>();
    const first = drawNew(problems, seed, 4, 4, taken);
    const expected = [...end, ...next.filter((problem) => !end.includes(problem))];
    expect(first.problems).toEqual(expected.slice(0, 4));
    const second = drawNew(problems, seed, first.cursor, 9, taken);
    expect(second.problems).toEqual(expected.slice(4));
    expect(taken.size).toBe(6);
    expect(drawNew(problems, seed, second.cursor, 1, taken)).toEqual({ problems: [], cursor: second.cursor });
  });

  it('goes on where the step before ended', () => {
    const problems = Array.from({ length: 30 }, (_, i) => i);
    const { cursor } = drawNew(problems, 7, 0, 16, new Set());
    expect(drawNew(problems, 7, cursor, 10, new Set()).problems).toEqual(problemsAt(problems, 7, 16, 10));
  });
});

describe('roomFor', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 30 });

  it('leaves room for every prompt that is used, and never more than is wanted', () => {
    fc.assert(
      fc.property(
        lengths,
        fc.integer({ min: 4, max: 512 }),
        fc.integer({ min: 1, max: 600 }),
        (prompts, positions, wanted) => {
          const { maxPromptTokens, maxResponseTokens } = roomFor(prompts, positions, wanted);
          expect(maxPromptTokens + maxResponseTokens).toBeLessThanOrEqual(positions);
          expect(maxResponseTokens).toBeLessThanOrEqual(wanted);
          expect(maxResponseTokens).toBeGreaterThanOrEqual(Math.min(wanted, Math.floor(positions / 4)));
        },
      ),
    );
  });

  it('sets nothing aside where the wanted responses fit, however long the prompts are', () => {
    expect(roomFor([500, 10], 512, 12)).toEqual({ maxPromptTokens: 500, maxResponseTokens: 12 });
    expect(roomFor([500, 10], 512, 13)).toEqual({ maxPromptTokens: 10, maxResponseTokens: 13 });
    // A quarter of the positions is enough where more was wanted.
    expect(roomFor([384, 385], 512, 400)).toEqual({ maxPromptTokens: 384, maxResponseTokens: 128 });
  });

  it('limits every part of the recipe alike', () => {
    const { label, policy, evaluation } = withinRoom(defaultRecipe(), { maxPromptTokens: 400, maxResponseTokens: 112 });
    expect([label, policy, evaluation].map((part) => part.maxNewTokens)).toEqual([112, 112, 112]);
    expect(longestResponse(withinRoom(defaultRecipe(), { maxPromptTokens: 0, maxResponseTokens: 9999 }))).toBe(512);
  });
});
