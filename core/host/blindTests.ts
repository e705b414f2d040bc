/**
 * Blind tests, kept among the comparisons of a project.
 */
import type { BlindTest, ResponseOf } from '#core/contract/contract.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';

/** How a blind test is told from other comparisons. */
const KIND = 'blind-test';

/** Newest first. */
export function listBlindTests({ comparisons }: Store): ResponseOf<'compare.blindTests'> {
  return comparisons.list().flatMap(({ comparisonId, createdMs }) => {
    const stored = comparisons.get(comparisonId);
    if ((stored?.request as { kind?: unknown } | null)?.kind !== KIND) return [];
    return [{ comparisonId, createdMs, test: stored!.report as BlindTest }];
  });
}

/** @throws AresError 'not-found' when there is no test of that number */
export function saveBlindTest({ comparisons }: Store, comparisonId: number | null, test: BlindTest): number {
  const { name, firstArmId, secondArmId, seed } = test;
  if (comparisonId === null) {
    const request = { kind: KIND, firstArmId, secondArmId, seed };
    return comparisons.add({ name, request, report: test, createdMs: Date.now() });
  }
  if (comparisons.update(comparisonId, test)) return comparisonId;
  throw new AresError('not-found', 'This blind test is no longer stored.', { hint: 'Start a new one.' });
}
