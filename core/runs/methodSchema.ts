/**
 * The method's options as a schema: what ares/options.ts declares, with the values that make sense.
 *
 * Owns: the check of single fields. What fields must satisfy together is checked on the complete
 * recipe (recipeSchema.ts), because a preset and its changes are only consistent together.
 */
import { z } from 'zod';
import {
  type AdacsOptions,
  type AresOptions,
  adacsLengthSources,
  adacsSelections,
  advantageEstimators,
  countDefinitions,
  countedWords,
  defaultAdacsOptions,
  entropyEstimators,
  filterRules,
  klModes,
  lambdaForms,
  lossNormalisations,
  prefixAdvantages,
  ratioLevels,
  rewardModes,
  shapingPlacements,
  targetRules,
  thresholdRules,
  uniformGroupRules,
  windowAlignments,
} from '#core/ares/options.ts';

/** Building blocks, named after what they mean. */
export const count = z.int().min(1);
export const countOrNone = z.int().min(0);
export const positive = z.number().positive();
export const nonNegative = z.number().nonnegative();
export const fraction = z.number().min(0).max(1);
/** A share of something that must not be nothing. */
export const share = z.number().positive().max(1);
/** A weight of the past; 1 would never learn anything new. */
const emaFactor = z.number().min(0).lt(1);
const quantile = z.number().gt(0).lt(1);
const bounds = z.strictObject({ low: z.number(), high: z.number() });

function perBucket<T extends z.ZodType>(value: T) {
  return z.strictObject({ easy: value, medium: value, hard: value });
}

export const aresOptionsSchema = z.strictObject({
  groupSize: z.int().min(2),
  entropy: z.strictObject({
    estimator: z.enum(entropyEstimators),
    window: z.strictObject({ size: count, alignment: z.enum(windowAlignments) }),
  }),
  threshold: z.strictObject({ rule: z.enum(thresholdRules), quantile, emaFactor, scale: positive }),
  count: z.strictObject({
    definition: z.enum(countDefinitions),
    word: z.enum(countedWords),
    vocabulary: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  }),
  buckets: z.strictObject({ of: count, easyAtLeast: count, mediumAtLeast: count }),
  target: z.strictObject({
    rule: z.enum(targetRules),
    emaFactor,
    coefficients: perBucket(nonNegative),
  }),
  reward: z.strictObject({
    mode: z.enum(rewardModes),
    alpha: nonNegative,
    alphaStep: nonNegative,
    alphaBounds: bounds,
    marginFraction: perBucket(nonNegative),
    marginFloor: nonNegative,
    kappa: perBucket(positive),
    temperature: perBucket(positive),
    scale: positive,
    capFactor: perBucket(nonNegative),
    wrongFactor: perBucket(nonNegative),
    lambdaForm: z.enum(lambdaForms),
    lambdaEpsilon: positive,
    softCostRate: nonNegative,
    softCostMinSamples: count,
    softCostBounds: bounds,
    laserBonus: nonNegative,
    laserTargetTokens: z.union([count, z.literal('adaptive')]),
    laserExpectedCorrect: perBucket(nonNegative),
    overlongBufferFraction: fraction,
  }),
  advantage: z.strictObject({
    estimator: z.enum(advantageEstimators),
    epsilon: positive,
    deviationFloor: nonNegative,
    shapingPlacement: z.enum(shapingPlacements),
    decisionQuantile: quantile,
    keepShapingOnUniformGroups: z.enum(uniformGroupRules),
  }),
  filter: z.strictObject({ rule: z.enum(filterRules), low: z.number(), high: z.number() }),
  kl: z.strictObject({
    mode: z.enum(klModes),
    coefficient: nonNegative,
    rho: fraction,
    beta: perBucket(nonNegative),
    deltaNats: perBucket(positive),
    kappa: nonNegative,
    kappaBounds: bounds,
    kappaRate: nonNegative,
    codeController: z.strictObject({
      targetNats: positive,
      emaFactor,
      deadZone: nonNegative,
      everyCalls: count,
      step: nonNegative,
      errorLimit: positive,
      bounds,
    }),
  }),
  loss: z.strictObject({
    normalisation: z.enum(lossNormalisations),
    constantTokens: count.nullable(),
    clipLow: z.number().gt(0).lt(1),
    clipHigh: positive,
    dualClip: z.number().gt(1).nullable(),
    ratioLevel: z.enum(ratioLevels),
    entropyKeepFraction: share,
  }),
  branching: z.strictObject({
    enabled: z.boolean(),
    initialFraction: share,
    maxForksPerTrajectory: count,
    prefixAdvantage: z.enum(prefixAdvantages),
  }),
}) satisfies z.ZodType<AresOptions>;

const { selection, easyQuantile, hardQuantile, lengthsFrom, brackets, perBracket, tracesPerProblem } =
  defaultAdacsOptions;

export const adacsOptionsSchema = z.strictObject({
  selection: z.enum(adacsSelections).default(selection),
  easyQuantile: fraction.default(easyQuantile),
  hardQuantile: fraction.default(hardQuantile),
  lengthsFrom: z.enum(adacsLengthSources).default(lengthsFrom),
  brackets: count.default(brackets),
  perBracket: count.nullable().default(perBracket),
  tracesPerProblem: count.default(tracesPerProblem),
}) satisfies z.ZodType<AdacsOptions>;
