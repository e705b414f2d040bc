// Presets: patches of one object, ablations that differ in one switch, honest change lists.
import { describe, expect, it } from 'vitest';
import { defaultOptions } from '#core/ares/options.ts';
import { applyPatch, optionChanges, presetNames, presetOptions, presets } from '#core/ares/presets.ts';

describe('presets', () => {
  it('survive JSON, and say where they come from', () => {
    for (const name of presetNames) {
      const options = presetOptions(name);
      expect(JSON.parse(JSON.stringify(options))).toEqual(options);
      expect(Object.keys(options)).toEqual(Object.keys(defaultOptions));
      expect(presets[name].source).not.toBe('');
    }
  });

  it('are all different, and every patch changes something it names', () => {
    const seen = new Set(presetNames.map((name) => JSON.stringify(presetOptions(name))));
    expect(seen.size).toBe(presetNames.length);
  });

  it.each([
    ['aepo-no-kl', ['kl.mode']],
    ['aepo-no-entropy', ['reward.mode']],
    ['aepo-no-branching', ['branching.enabled']],
  ] as const)('%s differs from aepo in %j alone', (name, paths) => {
    expect(optionChanges(presetOptions('aepo'), presetOptions(name)).map(({ path }) => path)).toEqual(paths);
  });

  it('grpo is the defaults, and baselines use nothing of AEPO', () => {
    expect(presetOptions('grpo')).toEqual(defaultOptions);
    for (const name of ['grpo', 'dapo', 'drgrpo', 'gspo', 'rloo', 'reinforce++', 'mask8020'] as const) {
      const { reward, branching, kl } = presetOptions(name);
      expect([reward.mode, branching.enabled]).toEqual(['accuracy', false]);
      expect(['none', 'fixed']).toContain(kl.mode);
    }
  });
});

describe('overrides', () => {
  it('go on top, at any depth, and name themselves', () => {
    const options = presetOptions('aepo', { threshold: { scale: 0.8 }, count: { vocabulary: ['wait', 'but'] } });
    expect(options.threshold).toEqual({ ...presetOptions('aepo').threshold, scale: 0.8 });
    expect(optionChanges(presetOptions('aepo'), options)).toEqual([
      { path: 'threshold.scale', from: 1, to: 0.8 },
      { path: 'count.vocabulary', from: 'own', to: ['wait', 'but'] },
    ]);
  });

  it('leave the presets alone', () => {
    const options = presetOptions('aepo');
    options.reward.kappa = { easy: 0, medium: 0, hard: 0 };
    options.kl.kappaBounds.low = 99;
    expect(presetOptions('aepo').reward.kappa.easy).toBe(2);
    expect(defaultOptions.kl.kappaBounds.low).toBe(1e-4);
  });

  it('can set null and replace arrays whole', () => {
    const value: { list: number[]; limit: number | null } = { list: [1, 2], limit: 3 };
    expect(applyPatch(value, { list: [9], limit: null })).toEqual({ list: [9], limit: null });
    expect(applyPatch(value, {})).toEqual(value);
  });
});
