/**
 * Keys into commands.
 *
 * Owns: which shortcut a command has (its default unless the settings say otherwise), chords, and when
 * keys are text instead. A shortcut runs the first of its commands that something on screen can do, a
 * room's before the window's.
 */
import type { Settings } from '#core/contract/contract.ts';
import { keysOf } from '#renderer/kit/keys.ts';
import { commandSpecs } from './commands.svelte.ts';
import type { Session } from './session.svelte.ts';
import { matchStrokes } from './shortcutTable.ts';

/** How long the first stroke of a chord waits for the second. */
const CHORD_MS = 1200;

/** The shortcut of a command now; '' for none. */
export function shortcutOf(settings: Pick<Settings, 'shortcuts'>, id: string): string {
  return settings.shortcuts[id] ?? commandSpecs.find((spec) => spec.id === id)?.keys ?? '';
}

/** @returns a function that ends listening */
export function listenForShortcuts(session: Session): () => void {
  let strokes: string[] = [];
  /** When the last of them was struck: by the clock of the keys, which a busy page does not delay. */
  let struckMs = 0;

  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const stroke = keysOf(event);
    if (stroke === null) return;
    if (takesText(event.target) && !/^(Mod|Ctrl|Alt)\+/.test(stroke)) return;
    // What lies above the window has keys of its own.
    if (document.querySelector('dialog[open]') !== null) return;
    if (event.timeStamp - struckMs > CHORD_MS) strokes = [];
    struckMs = event.timeStamp;
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
    } else strokes = found.isBeginning ? [...strokes, stroke] : [];
  };
  addEventListener('keydown', press);
  return () => removeEventListener('keydown', press);
}

const textTypes = ['text', 'search', 'number', 'password', 'email', 'url', 'tel'];

function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return textTypes.includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
