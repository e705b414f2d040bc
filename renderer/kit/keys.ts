/**
 * Shortcuts as text.
 *
 * Owns: the one spelling ("Mod+Shift+K", chords as "g e"), its reading from a keyboard event, and how it
 * is shown. Mod is Command on a Mac and Control elsewhere. Which shortcut does what is app/'s.
 */

const MODIFIERS = ['Mod', 'Ctrl', 'Alt', 'Shift'] as const;

/** What is needed of a KeyboardEvent. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

export function isMac(platform: string): boolean {
  return /mac|darwin|iphone|ipad/i.test(platform);
}

const onMac = isMac(globalThis.navigator?.platform ?? '');

/**
 * The spelling of a key press; null for a modifier alone. Shift is spelt only where it does not
 * already show in the character: "?" is "?", not "Shift+?".
 */
export function keysOf(press: KeyPress, mac = onMac): string | null {
  const { key } = press;
  if (['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'Dead', 'Unidentified'].includes(key)) return null;
  const isCharacter = [...key].length === 1;
  const isLetter = isCharacter && key.toLowerCase() !== key.toUpperCase();
  const parts: string[] = [];
  if (mac ? press.metaKey : press.ctrlKey) parts.push('Mod');
  if (mac ? press.ctrlKey : press.metaKey) parts.push('Ctrl');
  if (press.altKey) parts.push('Alt');
  if (press.shiftKey && (!isCharacter || isLetter || key === ' ')) parts.push('Shift');
  const withModifier = parts.some((part) => part !== 'Shift');
  const name =
    key === ' ' ? 'Space' : isLetter ? (withModifier || press.shiftKey ? key.toUpperCase() : key.toLowerCase()) : key;
  return [...parts, name].join('+');
}

/** One spelling for what people and commands write: order of modifiers, case of letters. */
export function normaliseKeys(keys: string): string {
  return keys
    .trim()
    .split(/\s+/)
    .filter((stroke) => stroke !== '')
    .map((stroke) => {
      // "Mod++" is Mod and the plus key.
      const parts = stroke.endsWith('+') ? [...stroke.slice(0, -1).split('+').filter(Boolean), '+'] : stroke.split('+');
      const key = parts.at(-1)!;
      const written = parts.slice(0, -1).map((part) => part.toLowerCase());
      const modifiers = MODIFIERS.filter((modifier) => written.includes(modifier.toLowerCase()));
      const isLetter = [...key].length === 1 && key.toLowerCase() !== key.toUpperCase();
      return [...modifiers, isLetter ? (modifiers.length > 0 ? key.toUpperCase() : key.toLowerCase()) : key].join('+');
    })
    .join(' ');
}

const shown: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Enter: 'Enter',
  Escape: 'Esc',
  Backspace: 'Backspace',
  Delete: 'Del',
};
const macModifiers: Record<string, string> = { Mod: '⌘', Ctrl: '⌃', Alt: '⌥', Shift: '⇧' };
const otherModifiers: Record<string, string> = { Mod: 'Ctrl', Ctrl: 'Meta', Alt: 'Alt', Shift: 'Shift' };

/** The strokes of a shortcut, each as the names of its keys: "g e" is [["G"], ["E"]]. */
export function keyNames(keys: string, mac = onMac): string[][] {
  const modifiers = mac ? macModifiers : otherModifiers;
  return normaliseKeys(keys)
    .split(' ')
    .filter((stroke) => stroke !== '')
    .map((stroke) => {
      const parts = stroke.endsWith('+') ? [...stroke.slice(0, -1).split('+').filter(Boolean), '+'] : stroke.split('+');
      return parts.map((part) => modifiers[part] ?? shown[part] ?? (part.length === 1 ? part.toUpperCase() : part));
    });
}

/** A shortcut in one line, for tooltips: "Ctrl+K", "G then E". */
export function describeKeys(keys: string, mac = onMac): string {
  return keyNames(keys, mac)
    .map((parts) => parts.join(mac ? '' : '+'))
    .join(' then ');
}
