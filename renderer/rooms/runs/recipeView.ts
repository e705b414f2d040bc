/**
 * A recipe as a list of settings: what a text says, what is left at its default, and how two recipes differ.
 *
 * Owns: flattening and comparing. What a recipe means is the host's to check; what a preset means is
 * ares/presets.ts.
 */
import { type OptionChange, type PresetName, optionChanges, presetOptions, presets } from '#core/ares/presets.ts';

export interface Setting {
  /** Dotted path. */
  path: string;
  value: string;
}

/** Every leaf of a checked recipe, in its order. */
export function settingsOf(recipe: unknown, path = ''): Setting[] {
  if (typeof recipe !== 'object' || recipe === null || Array.isArray(recipe)) return [{ path, value: textOf(recipe) }];
  return Object.entries(recipe).flatMap(([key, value]) => settingsOf(value, path === '' ? key : `${path}.${key}`));
}

export function textOf(value: unknown): string {
  if (value === null) return 'none';
  if (value === undefined) return '–';
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Leaves in which two recipes differ; its name says nothing about what a run does. */
export function recipeChanges(from: unknown, to: unknown): OptionChange[] {
  return optionChanges(from, to).filter(({ path }) => path !== 'name');
}

export interface MethodFacts {
  title: string;
  source: string;
  /** What the named method does otherwise than its source, those of the methods it changes included. */
  deviations: string[];
  /** Settings of the recipe that differ from the named method. */
  changes: OptionChange[];
}

interface PolicyPart {
  policy?: { enabled?: boolean; preset?: string; method?: unknown };
}

/** Of the policy; null where the recipe trains none. */
export function methodFacts(recipe: unknown): MethodFacts | null {
  const { policy } = (recipe ?? {}) as PolicyPart;
  if (policy?.enabled !== true || policy.preset === undefined || !Object.hasOwn(presets, policy.preset)) return null;
  const name = policy.preset as PresetName;
  const { title, source } = presets[name];
  return { title, source, deviations: deviationsOf(name), changes: optionChanges(presetOptions(name), policy.method) };
}

/** An ablation differs from its source in all that the method it changes differs in. */
function deviationsOf(name: PresetName): string[] {
  const { base, deviations } = presets[name];
  return [...deviations, ...(base === undefined ? [] : deviationsOf(base))];
}
