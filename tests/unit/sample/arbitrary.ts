/** Arbitrary chains for property tests, drawn from the rules of the problem text and not by the generator under test. */
import * as fc from 'fast-check';
import type { Chain, Operation } from '#core/sample/problems.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

const multiplier = fc.constantFrom(
  ...Array.from({ length: 98 }, (_, index) => index + 2).filter((b) => b % 2 !== 0 && b % 5 !== 0),
);

export const arbitraryOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ operator: fc.constantFrom('plus' as const, 'minus' as const), operand: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ operator: fc.constant('times' as const), operand: multiplier }),
);

export const arbitraryChain: fc.Arbitrary<Chain> = fc.record({
  start: fc.integer({ min: 10, max: 99 }),
  operations: fc.array(arbitraryOperation, { minLength: 1, maxLength: 5 }),
});

export const arbitraryRandom: fc.Arbitrary<RandomSequence> = fc
  .nat()
  .map((seed) => new RandomSequence(seed, Stream.problems));
