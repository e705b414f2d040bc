/** Shortcuts: one spelling from keyboard events, settings and commands, and what stands in their way. */
import { expect, it } from 'vitest';
import type { CommandSpec } from '#renderer/app/commandSpec.ts';
import { conflictsOf, matchStrokes, withShortcut } from '#renderer/app/shortcutTable.ts';
import { describeKeys, keysOf, normaliseKeys } from '#renderer/kit/keys.ts';

const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

it('spells key presses, Shift only where the character does not show it', () => {
  expect(keysOf({ ...none, key: 'k', ctrlKey: true }, false)).toBe('Mod+K');
  expect(keysOf({ ...none, key: 'k', metaKey: true }, true)).toBe('Mod+K');
  expect(keysOf({ ...none, key: 'N', shiftKey: true }, false)).toBe('Shift+N');
  expect(keysOf({ ...none, key: '?', shiftKey: true }, false)).toBe('?');
  expect(keysOf({ ...none, key: 'ArrowDown', shiftKey: true }, false)).toBe('Shift+ArrowDown');
  expect(keysOf({ ...none, key: ' ' }, false)).toBe('Space');
  expect(keysOf({ ...none, key: 'Shift', shiftKey: true }, false)).toBeNull();
  // With Caps Lock on, a letter is still the plain key.
  expect(keysOf({ ...none, key: 'N' }, false)).toBe('n');
});

it('writes what a person wrote the same way', () => {
  expect(normaliseKeys('Shift+Mod+k')).toBe('Mod+Shift+K');
  expect(normaliseKeys(' G  e ')).toBe('g e');
  expect(normaliseKeys('Mod++')).toBe('Mod++');
  expect(normaliseKeys('')).toBe('');
  expect(describeKeys('Mod+Shift+L', false)).toBe('Ctrl+Shift+L');
  expect(describeKeys('Mod+K', true)).toBe('⌘K');
  expect(describeKeys('g e', false)).toBe('G then E');
});

const specs: CommandSpec[] = [
  { id: 'go.entropy', title: 'Go to Entropy', group: 'Everywhere', keys: 'g e' },
  { id: 'go.home', title: 'Go to Home', group: 'Everywhere', keys: 'g h' },
  { id: 'number.home', title: 'Home by number', group: 'Everywhere', keys: '1' },
  { id: 'difficulty.easy', title: 'Label as easy', group: 'Difficulty', keys: '1' },
];

it('finds commands by strokes and waits for the rest of a chord', () => {
  expect(matchStrokes(specs, {}, ['g'])).toEqual({ ids: [], isBeginning: true });
  expect(matchStrokes(specs, {}, ['g', 'e'])).toEqual({ ids: ['go.entropy'], isBeginning: false });
  // The window's before the room's: the last one that is bound runs.
  expect(matchStrokes(specs, {}, ['1']).ids).toEqual(['number.home', 'difficulty.easy']);
  expect(matchStrokes(specs, { 'go.entropy': 'Mod+E' }, ['g', 'e'])).toEqual({ ids: [], isBeginning: false });
  expect(matchStrokes(specs, { 'number.home': '' }, ['1']).ids).toEqual(['difficulty.easy']);
});

it('refuses a shortcut that another command of the same place has, begins with, or begins', () => {
  const titles = (id: string, keys: string) => conflictsOf(specs, {}, id, keys).map(({ title }) => title);
  expect(titles('go.home', 'g e')).toEqual(['Go to Entropy']);
  expect(titles('number.home', 'g')).toEqual(['Go to Entropy', 'Go to Home']);
  expect(titles('go.home', '1 2')).toEqual(['Home by number']);
  expect(titles('difficulty.easy', 'g e')).toEqual([]);
  expect(titles('go.home', '')).toEqual([]);
});

it('keeps only what differs from the default', () => {
  expect(withShortcut({}, specs[0]!, 'mod+e')).toEqual({ 'go.entropy': 'Mod+E' });
  expect(withShortcut({ 'go.entropy': 'Mod+E', x: 'y' }, specs[0]!, 'g e')).toEqual({ x: 'y' });
  expect(withShortcut({}, specs[0]!, '')).toEqual({ 'go.entropy': '' });
});
