/**
 * The recipe of a run: one versioned document that says everything a run depends on, besides its
 * model and its data.
 *
 * Owns: every setting with its meaning, default and limits, and what settings must satisfy together.
 * Unknown settings are errors. Reading text is recipe.ts.
 *
 * The method is stored in full, not as the name of a preset: a run keeps its meaning when a later
 * version changes a preset. Numbers default to METHOD §2.5 and §3.13 where the paper gives them and
 * a small machine can follow, else to a small local run.
 */
import { z } from 'zod';
import { type AdacsOptions, type AresOptions, type Bounds, labelStopRules } from '#core/ares/options.ts';
import { type Patch, presetNames, presetOptions } from '#core/ares/presets.ts';
import type { AdamWOptions, AdapterOptions, TrainedParts } from '#core/engine/api.ts';
import { providers } from '#core/tensor/provider.ts';
import type { Schedule } from '#core/engine/schedule.ts';
import {
  adacsOptionsSchema,
  aresOptionsSchema,
  count,
  countOrNone,
  fraction,
  nonNegative,
  positive,
  share,
} from './methodSchema.ts';

export const RECIPE_VERSION = 1;
const MAX_SEED = 0xffffffff;

/** How responses are drawn. */
const decoding = {
  temperature: positive.default(1),
  topP: share.default(1),
  maxNewTokens: count.default(512),
};
/** Responses that are sampled and stored together; an interrupted collection goes on with the next chunk. */
const responsesPerChunk = count.default(256);

/** Learning rate over the steps of a stage. */
function schedule(defaults: Omit<Schedule, 'totalSteps'>) {
  return z
    .strictObject({
      kind: z.enum(['constant', 'linear', 'cosine']).default(defaults.kind),
      peak: positive.default(defaults.peak),
      warmupSteps: countOrNone.default(defaults.warmupSteps),
      /** The decay ends at this fraction of the peak. */
      finalFraction: fraction.default(defaults.finalFraction),
    })
    .prefault({}) satisfies z.ZodType<Omit<Schedule, 'totalSteps'>>;
}

/** AdamW. */
const optimizer = z
  .strictObject({
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: positive.default(1e-8),
    weightDecay: nonNegative.default(0.01),
    /** Clips the global gradient norm; a very large number switches it off. */
    maxGradientNorm: positive.default(1),
  })
  .prefault({}) satisfies z.ZodType<AdamWOptions>;

/**
 * Training a low-rank adapter (LoRA) on frozen weights instead of all of them: less memory, no second copy
 * for the reference of the KL. Null trains everything.
 */
const adapter = z
  .strictObject({
    rank: count.default(16),
    /** The adapter's part is scaled by alpha / rank. */
    alpha: positive.default(32),
    /** Last names of the layers it changes, or 'all' for every linear layer but the output. */
    targets: z.union([z.literal('all'), z.array(z.string().min(1)).min(1)]).default('all'),
    /** How the frozen matrices are kept. float16 halves their memory and rounds them. */
    base: z.enum(['float32', 'float16']).default('float32'),
  })
  .nullable()
  .default(null) satisfies z.ZodType<Omit<AdapterOptions, 'seed'> | null>;

/** Of a model that sees: its language part alone, as in the paper, or the vision tower too. */
const trains = z.enum(['language', 'all']).default('language') satisfies z.ZodType<TrainedParts>;

/** Fewer samples where the bucket is known before; only in runs that label and do not train, for which every sample counts. */
const stopEarly = z
  .strictObject({
    rule: z.enum(labelStopRules).default('never'),
    /** Drawn for every problem before the first look; null draws as few as can decide anything. */
    firstSamples: count.nullable().default(null),
    /** Between two looks. */
    moreSamples: count.default(2),
  })
  .prefault({});

/** Measuring how hard each problem is for the base model. */
const label = z.strictObject({
  samples: count.default(8),
  stopEarly,
  /** So many more samples of problems solved at most `extraAtMost` times, to find right traces of hard ones. */
  extraSamples: countOrNone.default(16),
  extraAtMost: countOrNone.default(1),
  ...decoding,
  responsesPerChunk,
});

/** AdaCS: fine-tuning on curated traces of the model itself. */
const coldStart = z.strictObject({
  enabled: z.boolean().default(true),
  trains,
  adapter,
  curation: adacsOptionsSchema.prefault({}) satisfies z.ZodType<AdacsOptions>,
  epochs: count.default(2),
  batchSize: count.default(32),
  schedule: schedule({ kind: 'cosine', peak: 2e-5, warmupSteps: 5, finalFraction: 0 }),
  optimizer,
});

/** AEPO or a baseline. */
const policy = z
  .strictObject({
    enabled: z.boolean().default(true),
    /** The named method that `method` changes. */
    preset: z.enum(presetNames).default('aepo'),
    method: z.deepPartial(aresOptionsSchema).prefault({}),
    trains,
    adapter,
    steps: count.default(50),
    promptsPerStep: count.default(16),
    /** Draws of problems with which a step may fill the gaps that its filter leaves; 1 does not fill. */
    maxDraws: count.default(1),
    /** Optimizer updates per pass over a step's responses. */
    miniBatches: count.default(2),
    /** Passes over a step's responses. */
    epochs: count.default(1),
    schedule: schedule({ kind: 'constant', peak: 1e-6, warmupSteps: 0, finalFraction: 0 }),
    optimizer,
    ...decoding,
  })
  .transform(({ method, ...rest }) => ({
    ...rest,
    // Sound: the partial schema yields absent fields, never ones that are present but undefined.
    method: presetOptions(rest.preset, method as Patch<AresOptions>),
  }));

/** Samples of the held-out problems, of every model alike. */
const evaluation = z.strictObject({
  samples: count.default(4),
  ...decoding,
  responsesPerChunk,
});

/** What the result is compared with, and how surely. */
const compare = z.strictObject({
  /** Of the bootstrap. */
  resamples: z.int().min(100).default(10_000),
});

const checkpoints = z.strictObject({
  everySteps: count.default(10),
  /** The latest so many stay on disk. */
  keep: count.default(2),
});

/** Null lets the machine decide. */
const engine = z.strictObject({
  /** What it computes on; null leaves it to the settings, and to the CPU where they say nothing. */
  provider: z.enum(providers).nullable().default(null),
  threads: count.nullable().default(null),
  /** Padded tokens per micro-batch of training and scoring. */
  tokenBudget: count.nullable().default(null),
  memoryLimitBytes: count.nullable().default(null),
});

const preflight = z.strictObject({
  /** Refuse to train when a smaller share of groups than this is expected to hold right and wrong answers. */
  minSignalFraction: fraction.default(0.05),
});

export const recipeSchema = z
  .strictObject({
    version: z.literal(RECIPE_VERSION),
    name: z.string().trim().min(1).max(200).default('New run'),
    seed: z.int().min(0).max(MAX_SEED).default(1),
    label: label.prefault({}),
    coldStart: coldStart.prefault({}),
    policy: policy.prefault({}),
    evaluation: evaluation.prefault({}),
    compare: compare.prefault({}),
    checkpoints: checkpoints.prefault({}),
    engine: engine.prefault({}),
    preflight: preflight.prefault({}),
  })
  // A transform and not a refinement: it runs only when every single setting is right.
  .transform((recipe, context) => {
    for (const { path, message } of inconsistencies(recipe)) context.addIssue({ code: 'custom', path, message });
    return recipe;
  });

function ordered(path: string[], { low, high }: Bounds) {
  return { path, broken: low > high, message: `must have low at most high, not ${low} and ${high}` };
}

/** Settings that each are fine but not together, with what they must satisfy. */
function inconsistencies({ label, policy }: { label: Label; policy: Policy }) {
  const { method } = policy;
  const { buckets, filter, kl, reward } = method;
  const checks = [
    ordered(['policy', 'method', 'reward', 'alphaBounds'], reward.alphaBounds),
    ordered(['policy', 'method', 'reward', 'softCostBounds'], reward.softCostBounds),
    ordered(['policy', 'method', 'kl', 'kappaBounds'], kl.kappaBounds),
    ordered(['policy', 'method', 'kl', 'codeController', 'bounds'], kl.codeController.bounds),
    ordered(['policy', 'method', 'filter'], filter),
    {
      path: ['policy', 'method', 'buckets'],
      broken: buckets.mediumAtLeast >= buckets.easyAtLeast || buckets.easyAtLeast > buckets.of,
      message: `must have mediumAtLeast below easyAtLeast, and that at most ${buckets.of}`,
    },
    {
      path: ['policy', 'miniBatches'],
      broken: policy.miniBatches > policy.promptsPerStep,
      message: `must be at most promptsPerStep, which is ${policy.promptsPerStep}`,
    },
    {
      path: ['label', 'extraAtMost'],
      broken: label.extraAtMost > label.samples,
      message: `must be at most samples, which is ${label.samples}`,
    },
  ];
  return checks.filter(({ broken }) => broken);
}

type Label = z.output<typeof label>;
type Policy = z.output<typeof policy>;

/** A complete recipe: every setting is there. */
export type Recipe = z.output<typeof recipeSchema>;
