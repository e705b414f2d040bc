/** The word that was probably meant. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearest } from '#core/cli/suggest.ts';

it('finds swaps, gaps and extra letters, and gives up on what is far off', () => {
  expect(nearest('modle', ['seed', 'model', 'mode-x'])).toBe('model');
  expect(nearest('genrate', ['generate', 'grade'])).toBe('generate');
  expect(nearest('seeed', ['speed-x', 'seed'])).toBe('seed');
  expect(nearest('entirely', ['model', 'seed'])).toBeNull();
  expect(nearest('ab', ['cd'])).toBeNull();
});

it('always finds a word with one edit, and a known word itself', () => {
  const word = fc.string({ minLength: 3, maxLength: 12 });
  fc.assert(
    fc.property(word, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (text, at, letter) => {
      const position = at % text.length;
      expect(nearest(text, [text])).toBe(text);
      expect(nearest(text.slice(0, position) + letter + text.slice(position + 1), [text])).toBe(text);
      expect(nearest(text.slice(0, position) + letter + text.slice(position), [text])).toBe(text);
    }),
  );
});
