/**
 * Where a run left the published method: by its named method, and by its recipe beyond that.
 */
import type { PresetName } from '#core/ares/presets.ts';
import { type OptionChange, optionChanges, presetOptions, presets } from '#core/ares/presets.ts';
import { defaultAdacsOptions } from '#core/ares/options.ts';
import type { DeviationSection } from '#core/compare/report/data.ts';
import type { Recipe } from '#core/runs/recipe.ts';

/** What this program's cold start does otherwise than METHOD §2, whatever the recipe says. */
const coldStart: DeviationSection['methods'][number] = {
  title: 'AdaCS',
  source: 'ARES (2510.08457) §3.1',
  sentences: [
    'Traces are the base model’s own right answers, not those of larger teachers, and keep their form.',
    'Closeness to the target length, which is not published, is the distance in tokens; each source in turn gives ' +
      'its nearest trace until a bracket is full.',
    'Problems that were hardly ever solved are sampled again for right traces; these samples never count in a pass rate.',
  ],
};

export function deviationsOf({ coldStart: cold, policy }: Recipe): DeviationSection | undefined {
  const methods = [...(cold.enabled ? [coldStart] : []), ...(policy.enabled ? [methodOf(policy.preset)] : [])];
  if (methods.length === 0) return undefined;
  return {
    methods,
    settings: [
      ...(cold.enabled ? settingsOf('curation', optionChanges(defaultAdacsOptions, cold.curation)) : []),
      ...(policy.enabled ? settingsOf('method', optionChanges(presetOptions(policy.preset), policy.method)) : []),
    ],
  };
}

/** An ablation differs from its source in all that the method it changes differs in. */
function methodOf(name: PresetName): DeviationSection['methods'][number] {
  const { title, source, base, deviations } = presets[name];
  return { title, source, sentences: [...deviations, ...(base === undefined ? [] : methodOf(base).sentences)] };
}

function settingsOf(group: string, changes: readonly OptionChange[]): DeviationSection['settings'][number][] {
  return changes.map(({ path, from, to }) => ({ setting: `${group}.${path}`, named: textOf(from), here: textOf(to) }));
}

function textOf(value: unknown): string {
  if (value === null) return 'none';
  return Array.isArray(value) ? value.map(String).join(', ') : String(value);
}
