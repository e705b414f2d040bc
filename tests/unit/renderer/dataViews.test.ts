// Plain parts of the rooms Data and Difficulty: mappings, queries, the recipe of a labelling run, the curation's points.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelStopRules } from '#core/ares/options.ts';
import { recipeOfKind } from '#core/runs/pipeline.ts';
import { parseRecipe, recipeWarnings } from '#core/runs/recipe.ts';
import { isFiltered, sortedBy, wholeDataset, withoutFilters } from '../../../renderer/problems/query.ts';
import {
  fieldsOf,
  isComplete,
  proposedName,
  shownColumns,
  withField,
} from '../../../renderer/rooms/data/mappingFields.ts';
import {
  type CurationData,
  pointsOf,
  sourceRows,
  targetLines,
} from '../../../renderer/rooms/difficulty/curationView.ts';
import { defaultLabelSettings, labelRecipe } from '../../../renderer/rooms/difficulty/labelRecipe.ts';

describe('a mapping', () => {
  it('is changed field by field; what is required becomes null, the rest is left out', () => {
    const mapping = withField(withField({ prompt: null, answer: null }, 'prompt', 'q'), 'source', 'from');
    expect(mapping).toEqual({ prompt: 'q', answer: null, source: 'from' });
    expect(isComplete(mapping)).toBe(false);
    expect(withField(withField(mapping, 'source', ''), 'prompt', '')).toEqual({ prompt: null, answer: null });
    expect(fieldsOf(withField(mapping, 'answer', 'q'), 'q')).toEqual(['Question', 'Answer']);
  });

  it('shows nested columns where they are mapped', () => {
    const columns = ['q', 'extra', 'extra.index', 'extra.split'];
    expect(shownColumns(columns, { prompt: 'q', answer: 'extra.index' })).toEqual(['q', 'extra', 'extra.index']);
  });

  it('proposes a name that is free', () => {
    expect(proposedName('gsm8k_test.jsonl', [])).toBe('gsm8k_test');
    expect(proposedName('a.csv', ['a', 'a (2)'])).toBe('a (3)');
    expect(proposedName('.jsonl', [])).toBe('.jsonl');
  });
});

describe('a query', () => {
  it('is sorted up, down and not at all by the same heading', () => {
    let sort: ReturnType<typeof sortedBy> = { sort: 'imported', descending: false };
    const seen = [1, 2, 3].map(() => (sort = sortedBy(sort, 'length')));
    expect(seen).toEqual([
      { sort: 'length', descending: false },
      { sort: 'length', descending: true },
      { sort: 'imported', descending: false },
    ]);
    expect(sortedBy({ sort: 'id', descending: true }, 'length')).toEqual({ sort: 'length', descending: false });
  });

  it('is filtered by anything but its order and model', () => {
    const all = wholeDataset(1, 2);
    expect(isFiltered({ ...all, sort: 'id', descending: true })).toBe(false);
    for (const change of [
      { search: 'x' },
      { passRate: { low: 0, high: 1 } },
      { human: 'none' as const },
      { poolId: 3 },
    ]) {
      expect(isFiltered({ ...all, ...change })).toBe(true);
      expect(withoutFilters({ ...all, ...change })).toEqual(all);
    }
  });
});

describe('the recipe of a labelling run', () => {
  it.each(labelStopRules)('is valid and trains nothing, under the rule %s', (stopRule) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), (samples) => {
        const text = labelRecipe('Label "x": {y}', { ...defaultLabelSettings, samples, stopRule });
        const recipe = parseRecipe(text, 'test');
        expect(recipe.label).toMatchObject({ samples, extraSamples: 0, stopEarly: { rule: stopRule } });
        expect(recipeOfKind(recipe, 'label')).toEqual(recipe);
        expect(recipeWarnings(recipe)).toEqual([]);
      }),
    );
  });
});

describe('the points of a curation', () => {
  const data = (traces: number): CurationData => ({
    brackets: 8,
    sources: [{ source: 'a', hardTokens: 90, easyTokens: 30, hardBracket: 0, easyBracket: 8 }],
    sourceNames: ['a', 'b'],
    rolloutId: Int32Array.from({ length: traces }, (_, i) => i + 1),
    source: Int32Array.from({ length: traces }, (_, i) => i % 2),
    passRate: Float32Array.from({ length: traces }, (_, i) => (i % 9) / 8),
    lengthTokens: Int32Array.from({ length: traces }, (_, i) => i),
    correct: Uint8Array.from({ length: traces }, (_, i) => Number(i % 3 !== 0)),
    chosen: Uint8Array.from({ length: traces }, (_, i) => Number(i % 3 === 1 && i % 50 === 1)),
    availablePerBracket: [],
    chosenPerBracket: [],
    warnings: [],
  });

  it('are the right traces, chosen ones above, near their difficulty', () => {
    const given = data(200);
    const points = pointsOf(given, null);
    expect(points.total).toBe(given.correct.reduce((sum, right) => sum + right, 0));
    expect(points.trace).toHaveLength(points.total);
    expect([...points.hollow]).toEqual([...points.hollow].sort((a, b) => b - a));
    points.trace.forEach((trace, i) => {
      expect(Math.abs(points.difficulty[i]! - (1 - given.passRate[trace]!))).toBeLessThan(0.5 / 8);
    });
    expect([...pointsOf(given, 1).trace].every((trace) => given.source[trace] === 1)).toBe(true);
  });

  it('are thinned out where there are too many, but never the chosen ones', () => {
    const given = data(100_000);
    const points = pointsOf(given, null);
    const chosen = given.chosen.reduce((sum, each) => sum + each, 0);
    expect(points.trace.length).toBeLessThan(20_000 + chosen + 1);
    expect([...points.trace].filter((trace) => given.chosen[trace] === 1)).toHaveLength(chosen);
    expect(new Set(points.trace).size).toBe(points.trace.length);
  });

  it('have a target line per usable source, and a row for every source', () => {
    expect(targetLines(data(9))).toEqual([
      {
        source: 'a',
        points: [
          [0, 30],
          [1, 90],
        ],
      },
    ]);
    expect(sourceRows(data(9)).map(({ source, traces, easyTokens }) => [source, traces, easyTokens])).toEqual([
      ['a', 5, 30],
      ['b', 4, null],
    ]);
  });
});
