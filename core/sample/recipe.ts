/**
 * How the base model of the sample project is pre-trained, as data.
 *
 * Owns: the numbers (mixture of documents per phase, optimizer, learning rate) and nothing that acts
 * on them: corpus.ts draws the documents, the trainer takes the steps.
 */
import type { AdamWOptions } from '#core/engine/api.ts';
import { learningRateAt } from '#core/engine/schedule.ts';

/** One kind of document in a mixture. */
export interface DocumentKind {
  /** Share of the phase's documents, relative to the other kinds. */
  weight: number;
  /** Number of steps, drawn uniformly. */
  chainLengths: readonly number[];
  /** Probability that no step multiplies; otherwise the number of multiplications is uniform on 0..length. */
  additiveShare: number;
  /**
   * The document's probability u that a line is slow, drawn uniformly from these and independently of
   * the problem. 0 and 1 give documents in one style from the first line to the last.
   */
  slowShares: readonly number[];
}

export interface PretrainPhase {
  name: string;
  /** Optimizer steps; a multiple of the recipe's `poolSteps`. */
  steps: number;
  kinds: readonly DocumentKind[];
}

export interface PretrainRecipe {
  /** Prompt and response tokens per optimizer step, give or take one document. */
  tokensPerBatch: number;
  /** Documents of this many steps are drawn together and dealt to batches by length, to save padding. */
  poolSteps: number;
  phases: readonly PretrainPhase[];
  /**
   * Share of the multiplications done at a glance whose result is learned from. The others stand in the
   * text, right as they are, but teach nothing: so multiplying at a glance stays hard, although a model
   * of this size could learn most products by heart, while the choice of style is seen as often.
   */
  glanceShare: number;
  optimizer: AdamWOptions;
  peakLearningRate: number;
  warmupSteps: number;
  /** The learning rate falls along a cosine over all phases to this fraction of its peak. */
  finalFraction: number;
}

/** Styles mixed within a document: the base model is as likely to be fast as slow, on every operator. */
const MIXED = [0.15, 0.5, 0.85];
/**
 * Documents in one style, as many slow as fast so that the base keeps no preference. They are there
 * because a policy that has learned to be fast on whole chains lives in such contexts: a base that
 * rarely saw them slips on easy digits once it is trained to be brief.
 */
const ONE_STYLE = [0, 1];

export const defaultPretrainRecipe: PretrainRecipe = {
  tokensPerBatch: 4096,
  poolSteps: 16,
  phases: [
    {
      name: 'foundation',
      steps: 2400,
      kinds: [
        { weight: 0.2, chainLengths: [1], additiveShare: 0.35, slowShares: MIXED },
        { weight: 0.6, chainLengths: [2, 3, 4, 5], additiveShare: 0.35, slowShares: MIXED },
        { weight: 0.2, chainLengths: [2, 3, 4, 5], additiveShare: 1, slowShares: ONE_STYLE },
      ],
    },
    {
      // The chains of the problems themselves, while the learning rate is low.
      name: 'annealing',
      steps: 800,
      kinds: [
        { weight: 0.05, chainLengths: [1], additiveShare: 0.35, slowShares: MIXED },
        { weight: 0.5, chainLengths: [3, 4], additiveShare: 0.35, slowShares: MIXED },
        { weight: 0.35, chainLengths: [3, 4], additiveShare: 1, slowShares: ONE_STYLE },
        { weight: 0.1, chainLengths: [3, 4], additiveShare: 0, slowShares: ONE_STYLE },
      ],
    },
  ],
  glanceShare: 0.5,
  optimizer: { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01, maxGradientNorm: 1 },
  peakLearningRate: 2e-3,
  warmupSteps: 60,
  finalFraction: 0.05,
};

export function totalSteps(recipe: PretrainRecipe): number {
  return recipe.phases.reduce((total, phase) => total + phase.steps, 0);
}

/** Learning rate of a step (0-based): linear warm-up, then a cosine to `finalFraction` of the peak. */
export function pretrainLearningRate(recipe: PretrainRecipe, step: number): number {
  const { peakLearningRate: peak, warmupSteps, finalFraction } = recipe;
  return learningRateAt({ kind: 'cosine', peak, warmupSteps, finalFraction, totalSteps: totalSteps(recipe) }, step);
}
