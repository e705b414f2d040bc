// Recipes: what is read, what is refused and how it is said, and the one spelling.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { buckets, defaultAdacsOptions, defaultOptions } from '#core/ares/options.ts';
import { presetNames, presetOptions } from '#core/ares/presets.ts';
import { canonicalJson } from '#core/runs/canonicalJson.ts';
import { aresOptionsSchema } from '#core/runs/methodSchema.ts';
import { defaultRecipe, parseRecipe, recipeHash, recipeText, recipeWarnings } from '#core/runs/recipe.ts';
import { AresError } from '#core/util/errors.ts';

function errorOf(text: string): AresError {
  try {
    parseRecipe(text, 'my.yaml');
  } catch (thrown) {
    if (thrown instanceof AresError) return thrown;
    throw thrown;
  }
  throw new Error('Nothing was thrown.');
}

describe('reading', () => {
  test('fills in every setting that is left out', () => {
    const recipe = parseRecipe('version: 1', 'my.yaml');
    expect(recipe).toEqual(defaultRecipe());
    expect(recipe.policy.method).toEqual(presetOptions('aepo'));
    expect(recipe.coldStart.curation).toEqual(defaultAdacsOptions);
    expect(recipe.label.samples).toBe(8);
  });

  test('takes YAML and JSON alike', () => {
    const yaml =
      'version: 1\nname: Mine # a comment\npolicy:\n  schedule: {peak: 3e-4, kind: cosine}\n  preset: grpo\n';
    const json = '{"version":1,"name":"Mine","policy":{"schedule":{"peak":0.0003,"kind":"cosine"},"preset":"grpo"}}';
    const recipe = parseRecipe(yaml, 'my.yaml');
    expect(parseRecipe(json, 'my.json')).toEqual(recipe);
    expect(recipe).toMatchObject({
      name: 'Mine',
      policy: { schedule: { peak: 3e-4, kind: 'cosine', warmupSteps: 0 } },
    });
    expect(recipe.policy.method).toEqual(defaultOptions);
  });

  test('resolves a preset and its changes to the whole method', () => {
    const text =
      'version: 1\npolicy: {preset: aepo, method: {threshold: {scale: 0.8}, reward: {kappa: {hard: 1}}, count: {vocabulary: [wait, but]}}}';
    const { method } = parseRecipe(text, 'my.yaml').policy;
    const aepo = presetOptions('aepo');
    expect(method).toEqual({
      ...aepo,
      threshold: { ...aepo.threshold, scale: 0.8 },
      reward: { ...aepo.reward, kappa: { ...aepo.reward.kappa, hard: 1 } },
      count: { ...aepo.count, vocabulary: ['wait', 'but'] },
    });
  });

  test.each(presetNames)('the stored form of a recipe with preset %s reads back the same', (preset) => {
    const recipe = parseRecipe(`{"version":1,"policy":{"preset":"${preset}"}}`, 'x');
    const stored = recipeText(recipe);
    const again = parseRecipe(stored, 'stored');
    expect(again).toEqual(recipe);
    expect(recipeText(again)).toBe(stored);
    expect(parseRecipe(stringify(recipe), 'as YAML')).toEqual(recipe);
  });

  test('the schema of the method has every option of the method and no other', () => {
    expect(aresOptionsSchema.parse(defaultOptions)).toEqual(defaultOptions);
    for (const preset of presetNames)
      expect(aresOptionsSchema.parse(presetOptions(preset))).toEqual(presetOptions(preset));
  });
});

describe('a setting that does not exist', () => {
  test.each([
    ['version: 1\nevalution: {samples: 2}', 'evalution', 'evaluation', 2],
    ['version: 1\npolicy:\n  steps: 5\n  learningrate: 1', 'policy.learningrate', undefined, 4],
    ['version: 1\npolicy:\n  promtsPerStep: 5', 'policy.promtsPerStep', 'promptsPerStep', 3],
    ['version: 1\npolicy:\n  method:\n    reward:\n      Alpha: 5', 'policy.method.reward.Alpha', 'alpha', 5],
    ['version: 1\nlabel:\n  temprature: 1', 'label.temprature', 'temperature', 3],
    ['{"version": 1, "__proto__": {"seed": 2}}', '__proto__', undefined, 1],
  ])('in %j is named, with its line and the nearest one', (text, path, nearest, line) => {
    const error = errorOf(text);
    expect(error.code).toBe('bad-recipe');
    expect(error.message).toBe(`There is no setting "${path}".`);
    expect(error.where).toBe(`my.yaml, line ${line}, ${path}`);
    if (nearest === undefined) expect(error.hint).toMatch(/^The settings here are /);
    else expect(error.hint).toBe(`Did you mean "${nearest}"?`);
  });

  test('is found at every level of the document', () => {
    const groups = (value: unknown, path: string[] = []): string[][] =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? []
        : [path, ...Object.entries(value).flatMap(([key, inner]) => groups(inner, [...path, key]))];
    const all = groups(defaultRecipe());
    expect(all.length).toBeGreaterThan(30);
    for (const path of all) {
      const document = structuredClone(defaultRecipe()) as unknown as Record<string, unknown>;
      let group = document;
      for (const key of path) group = group[key] as Record<string, unknown>;
      group['zzzzzz'] = 1;
      const error = errorOf(JSON.stringify(document));
      expect(error.message).toBe(`There is no setting "${[...path, 'zzzzzz'].join('.')}".`);
      expect(error.hint).toContain(Object.keys(group)[0]);
    }
  });
});

describe('a value that makes no sense', () => {
  test.each([
    ['version: 2', /version 2, which this program does not know/],
    ['name: x', /"version" is missing: it must be 1/],
    ['version: one', /"version" must be 1, but is "one"/],
    ['version: 1\nseed: -1', /"seed" must be at least 0, but is -1/],
    ['version: 1\nseed: 4294967296', /"seed" must be at most 4294967295/],
    ['version: 1\nseed: 1.5', /"seed" must be a whole number, but is 1.5/],
    ['version: 1\nname: ""', /"name" must not be empty/],
    ['version: 1\nlabel: 5', /"label" must be a group of settings, but is 5/],
    ['version: 1\nlabel:', /"label" must be a group of settings, but is null/],
    ['version: 1\nlabel: {temperature: 0}', /"label.temperature" must be above 0, but is 0/],
    ['version: 1\nlabel: {topP: 1.1}', /"label.topP" must be at most 1, but is 1.1/],
    ['version: 1\npolicy: {schedule: {peak: .inf}}', /"policy.schedule.peak" must be a number/],
    ['version: 1\npolicy: {method: {loss: {dualClip: 1}}}', /dualClip" must be above 1, but is 1/],
    ['version: 1\npolicy: {method: {groupSize: 1}}', /groupSize" must be at least 2/],
    ['version: 1\ncoldStart: {enabled: "yes"}', /"coldStart.enabled" must be true or false, but is "yes"/],
    ['version: 1\npolicy: {method: {filter: {low: 0.9, high: 0.1}}}', /filter" must have low at most high/],
    [
      'version: 1\npolicy: {method: {buckets: {mediumAtLeast: 6}}}',
      /buckets" must have mediumAtLeast below easyAtLeast/,
    ],
    [
      'version: 1\npolicy: {promptsPerStep: 2, miniBatches: 3}',
      /"policy.miniBatches" must be at most promptsPerStep, which is 2/,
    ],
    ['- 1\n- 2', /a list of settings/],
    ['just text', /a list of settings/],
    ['', /a list of settings/],
    ['version: 1\nname: [', /not valid YAML/],
    ['version: 1\nseed: 1\nseed: 2', /not valid YAML: Map keys must be unique/],
    ['version: 1\nname: !!js/function "x"', /not valid YAML: Unresolved tag/],
    [
      'a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]',
      /not valid YAML: Excessive alias/,
    ],
  ])('%j is refused', (text, sentence) => {
    const error = errorOf(text);
    expect(error.code).toBe('bad-recipe');
    expect(error.message).toMatch(sentence);
    expect(error.where).toContain('my.yaml');
    expect(error.hint).toBeTruthy();
  });

  test('is suggested a better one where there is a list of words, with its line', () => {
    const error = errorOf('version: 1\npolicy:\n  preset: aepoo');
    expect(error.where).toBe('my.yaml, line 3, policy.preset');
    expect(error.message).toMatch(/must be one of grpo, dapo, .*, but is "aepoo"/);
    expect(error.hint).toBe('Did you mean "aepo"?');
  });

  test('is not hidden by others: their number is told', () => {
    expect(errorOf('version: 1\nseed: -1\nlabel: {samples: 0}').message).toContain('(and 1 more to correct)');
  });

  test('a text of a megabyte is not even parsed', () => {
    expect(errorOf(`version: 1\nname: ${'x'.repeat(1_000_000)}`).message).toContain('too long');
  });

  test('never raises anything but a bad recipe', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((text) => `version: 1\npolicy: ${text}`),
        ),
        (text) => {
          try {
            parseRecipe(text, 'x');
          } catch (thrown) {
            expect(thrown).toMatchObject({ name: 'AresError', code: 'bad-recipe' });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the one spelling', () => {
  test('does not depend on the order of settings, and changes with every one of them', () => {
    const one = parseRecipe('version: 1\nseed: 3\nlabel: {samples: 4, topP: 0.5}', 'x');
    const other = parseRecipe('label: {topP: 0.50, samples: 4}\nseed: 3\nversion: 1', 'x');
    expect(recipeHash(other)).toBe(recipeHash(one));
    expect(recipeHash({ ...one, seed: 4 })).not.toBe(recipeHash(one));
    expect(recipeHash(one)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('sorts keys and keeps numbers exact', () => {
    expect(canonicalJson({ b: [1e-7, 0.1 + 0.2], a: { '10': null, '9': 'ä"' } })).toBe(
      '{"a":{"10":null,"9":"ä\\""},"b":[1e-7,0.30000000000000004]}',
    );
  });

  test('is the same for any value with its keys in any order', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([key, inner]) => [key, reversed(inner)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test.each([[NaN], [Infinity], [undefined], [new Map()], [new Float32Array(1)], [() => 1], [10n]])(
    'refuses what JSON cannot hold: %s',
    (value) => {
      expect(() => canonicalJson({ inner: [value] })).toThrow('$.inner[0]');
    },
  );
});

function warnings(policy: string, everySteps: number): string[] {
  return recipeWarnings(parseRecipe(`version: 1\npolicy: {${policy}}\ncheckpoints: {everySteps: ${everySteps}}`, 'x'));
}

test('warns where no checkpoint would be made before the end', () => {
  expect(warnings('steps: 50', 10)).toEqual([]);
  expect(warnings('steps: 50', 50)).toHaveLength(1);
  expect(warnings('steps: 50, enabled: false', 50)).toEqual([]);
});

test('the buckets of the method are those the schema asks for', () => {
  expect(Object.keys(aresOptionsSchema.shape.kl.shape.beta.shape)).toEqual([...buckets]);
});
