/**
 * Keys into commands.
 *
 * Owns: which shortcut a command has (its default unless the settings say otherwise), chords, and when
 * keys are text instead. A shortcut runs the first of its commands that something on screen can do, a
 * room's before the window's.
 */
import type { Settings } from '#core/contract/contract.ts';
import { keysOf, normaliseKeys } from '#renderer/kit/keys.ts';
import type { CommandSpec } from './commandSpec.ts';
import { commandSpecs } from './commands.svelte.ts';
import type { Session } from './session.svelte.ts';

/** How long the first stroke of a chord waits for the second. */
const CHORD_MS = 1200;

/** The shortcut of a command now; '' for none. */
export function shortcutOf(settings: Pick<Settings, 'shortcuts'>, id: string): string {
  return settings.shortcuts[id] ?? commandSpecs.find((spec) => spec.id === id)?.keys ?? '';
}

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

/** @returns a function that ends listening */
export function listenForShortcuts(session: Session): () => void {
  let strokes: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const stroke = keysOf(event);
    if (stroke === null) return;
    if (takesText(event.target) && !/^(Mod|Ctrl|Alt)\+/.test(stroke)) return;
    // What lies above the window has keys of its own.
    if (document.querySelector('dialog[open]') !== null) return;
    clearTimeout(timer);
    let found = matchStrokes(commandSpecs, session.settings.shortcuts, [...strokes, stroke]);
    if (strokes.length > 0 && found.ids.length === 0 && !found.isBeginning) {
      strokes = [];
      found = matchStrokes(commandSpecs, session.settings.shortcuts, [stroke]);
    }
    const id = found.ids.toReversed().find((each) => session.commands.isBound(each));
    if (id !== undefined) {
      strokes = [];
      event.preventDefault();
      session.commands.run(id);
    } else if (found.isBeginning) {
      strokes = [...strokes, stroke];
      timer = setTimeout(() => (strokes = []), CHORD_MS);
    } else strokes = [];
  };
  addEventListener('keydown', press);
  return () => {
    clearTimeout(timer);
    removeEventListener('keydown', press);
  };
}

const textTypes = ['text', 'search', 'number', 'password', 'email', 'url', 'tel'];

function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return textTypes.includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
