/** The word that was probably meant. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearestName } from '#core/util/nearestName.ts';

it('finds swaps, gaps and extra letters, and gives up on what is far off', () => {
  expect(nearestName('modle', ['seed', 'model', 'mode-x'])).toBe('model');
  expect(nearestName('genrate', ['generate', 'grade'])).toBe('generate');
  expect(nearestName('seeed', ['speed-x', 'seed'])).toBe('seed');
  expect(nearestName('entirely', ['model', 'seed'])).toBeUndefined();
  expect(nearestName('ab', ['cd'])).toBeUndefined();
});

it('always finds a word with one edit, and a known word itself', () => {
  const word = fc.string({ minLength: 3, maxLength: 12 });
  fc.assert(
    fc.property(word, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (text, at, letter) => {
      const position = at % text.length;
      expect(nearestName(text, [text])).toBe(text);
      expect(nearestName(text.slice(0, position) + letter + text.slice(position + 1), [text])).toBe(text);
      expect(nearestName(text.slice(0, position) + letter + text.slice(position), [text])).toBe(text);
    }),
  );
});
