/**
 * A comparison as the contract shows it.
 */
import type { CorrectedDifference, Comparison } from '#core/compare/comparison.ts';
import { CONCLUSION_RULE, conclusionsOf, isShown } from '#core/compare/conclusions.ts';
import { isIn, readGroup } from '#core/compare/problems.ts';
import { comparisonNotes, decodingText } from '#core/compare/resultTable.ts';
import type { ComparisonResult } from '#core/contract/contract.ts';

export function comparisonView(comparison: Comparison, bucketsFrom: string): ComparisonResult {
  const { evaluations, reference, groups, summaries, pairs, allocations, tests, resamples, seed } = comparison;
  const { problems } = evaluations[0]!;
  return {
    arms: evaluations.map(({ arm, label, decoding }) => ({ armId: arm, label, decoding: decodingText(decoding) })),
    reference,
    groups: groups.map((group) => {
      const { kind, name } = readGroup(group);
      return { key: group, kind, label: name, problems: problems.filter((problem) => isIn(problem, group)).length };
    }),
    summaries: summaries.map(({ arm, ...summary }) => ({ armId: arm, ...summary })),
    differences: pairs.map(({ arm, against, group, accuracy, lengthTokens }) => ({
      armId: arm,
      against,
      group,
      accuracy: differenceView(accuracy),
      lengthTokens: differenceView(lengthTokens),
    })),
    allocations: allocations.map(({ arm, tokens }) => ({ armId: arm, tokens })),
    conclusions: conclusionsOf(comparison),
    rule: CONCLUSION_RULE,
    notes: comparisonNotes(comparison),
    bucketsFrom: `Buckets are ${bucketsFrom}.`,
    tests,
    resamples,
    seed,
  };
}

function differenceView(difference: CorrectedDifference): ComparisonResult['differences'][number]['accuracy'] {
  return { ...difference, shown: isShown(difference) };
}
