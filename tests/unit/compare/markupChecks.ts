/**
 * Checks of generated markup that need no browser.
 */
import { expect } from 'vitest';

const VOID = new Set(['meta', '!doctype']);

/** Every element is closed, in order. Attribute values hold no `>`, so tags can be found by pattern. */
export function expectBalanced(markup: string): void {
  const open: string[] = [];
  for (const [tag, slash, name] of markup.matchAll(/<(\/?)([!a-z][a-z0-9]*)[^>]*>/gi)) {
    const lower = name!.toLowerCase();
    if (VOID.has(lower) || tag.endsWith('/>')) continue;
    if (slash === '') open.push(lower);
    else expect(open.pop(), `before ${tag}`).toBe(lower);
  }
  expect(open).toEqual([]);
}
