/**
 * Which keys mean which commands.
 *
 * Owns: matching strokes with shortcuts, chords included, what stands in the way of a new shortcut, and
 * keeping one. Pure; listening to keys is shortcuts.ts.
 */
import type { Settings } from '#core/contract/contract.ts';
import { normaliseKeys } from '#renderer/kit/keys.ts';
import type { CommandSpec } from './commandSpec.ts';

/**
 * What the strokes so far mean.
 * @param strokes as keysOf spells them
 * @returns the commands with this very shortcut, and whether a longer one begins with it
 */
export function matchStrokes(
  specs: readonly CommandSpec[],
  shortcuts: Settings['shortcuts'],
  strokes: readonly string[],
): { ids: string[]; isBeginning: boolean } {
  const typed = strokes.join(' ');
  const ids: string[] = [];
  let isBeginning = false;
  for (const { id, keys } of specs) {
    const own = normaliseKeys(shortcuts[id] ?? keys);
    if (own === '') continue;
    if (own === typed) ids.push(id);
    else if (own.startsWith(`${typed} `)) isBeginning = true;
  }
  return { ids, isBeginning };
}

/** Commands of one group and of the window that share a shortcut with `id`; empty when there are none. */
export function conflictsOf(
  specs: readonly CommandSpec[],
  shortcuts: Settings['shortcuts'],
  id: string,
  keys: string,
): CommandSpec[] {
  const wanted = normaliseKeys(keys);
  const group = specs.find((spec) => spec.id === id)?.group;
  if (wanted === '') return [];
  return specs.filter((spec) => {
    if (spec.id === id || spec.group !== group) return false;
    const own = normaliseKeys(shortcuts[spec.id] ?? spec.keys);
    return own === wanted || own.startsWith(`${wanted} `) || wanted.startsWith(`${own} `);
  });
}

/** The settings with another shortcut for a command; its default is not kept as a difference. */
export function withShortcut(
  shortcuts: Settings['shortcuts'],
  { id, keys: standard }: CommandSpec,
  keys: string,
): Settings['shortcuts'] {
  const { [id]: _, ...others } = shortcuts;
  return normaliseKeys(keys) === normaliseKeys(standard) ? others : { ...others, [id]: normaliseKeys(keys) };
}
