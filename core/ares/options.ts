/**
 * Every switch of the method, as one plain object.
 *
 * Owns: the option types of curation (AdaCS) and policy optimisation (AEPO and its baselines), their
 * documented defaults, and the lists of allowed words from which recipe schemas are built. Named
 * combinations live in presets.ts; nothing here computes. All values survive JSON.
 *
 * Defaults: the switches stand at plain GRPO (everything that AEPO adds is off), the numbers at the
 * values of METHOD §3, so that a preset only has to turn a part on. `§` in this room means METHOD.
 */

/** Difficulty buckets in the order in which they are always listed. */
export const buckets = ['easy', 'medium', 'hard'] as const;
export type Bucket = (typeof buckets)[number];
export type PerBucket<T> = Readonly<Record<Bucket, T>>;

/** One value per bucket, computed by name. */
export function perBucket<T>(value: (bucket: Bucket) => T): PerBucket<T> {
  return { easy: value('easy'), medium: value('medium'), hard: value('hard') };
}

/** An interval a controller may not leave. */
export interface Bounds {
  low: number;
  high: number;
}

export const entropyEstimators = ['exact', 'tailCorrected', 'truncated'] as const;
export type EntropyEstimator = (typeof entropyEstimators)[number];
export const windowAlignments = ['inclusive', 'exclusive'] as const;
export type WindowAlignment = (typeof windowAlignments)[number];

/** A window of token positions that belongs to position t (§1.1). */
export interface WindowOptions {
  /** Tokens per window. The paper finds 4–8 best. */
  size: number;
  /** 'inclusive': t … t+size−1 (paper). 'exclusive': t+1 … t+size (released code). */
  alignment: WindowAlignment;
}

export interface EntropyOptions {
  /**
   * How entropies come from what the sampler returns (§1.2). 'exact' sums over the whole vocabulary
   * (the local engine); the other two use the top-k log-probs of a remote server: 'tailCorrected'
   * is a lower bound, 'truncated' ignores the tail. One estimator serves thresholds and counts
   * alike (the released code mixes two, bug B8).
   */
  estimator: EntropyEstimator;
  window: WindowOptions;
}

export const thresholdRules = ['T1', 'T2', 'T3', 'T4', 'T5', 'ares'] as const;
export type ThresholdRule = (typeof thresholdRules)[number];

/** When is entropy high (§1.5). The rules are spelled out in thresholds.ts. */
export interface ThresholdOptions {
  /**
   * T1 mean over the batch of per-response token quantiles; T2 the same per group; T3 quantile of
   * all tokens of the batch; T4 moving average of the batch median of per-response window
   * quantiles, applied to the next batch; T5 = T4, but counting with −1 (everything qualifies)
   * until bootstrapped; 'ares' moving average of the batch mean of window quantiles (§3.15).
   */
  rule: ThresholdRule;
  /** Quantile q of the entropies, in (0, 1). */
  quantile: number;
  /** Weight of the past in the moving averages of T4, T5 (0.99 in the code) and 'ares' (0.9). */
  emaFactor: number;
  /**
   * A position qualifies at `scale · θ`. 1 is the method; below 1 keeps windows counted that slip
   * just under a quantile threshold while the policy sharpens (with few trigger words, 0.8).
   */
  scale: number;
}

export const countDefinitions = ['A', 'B', 'C', 'D'] as const;
export type CountDefinition = (typeof countDefinitions)[number];
export const countedWords = ['sampled', 'argmax'] as const;
export type CountedWord = (typeof countedWords)[number];

/** What is counted as a high-entropy token, N_HE (§1.4). */
export interface CountOptions {
  /**
   * A: windows above θ. B: tokens above θ that are trigger words. C: trigger words whose window is
   * above θ. D (the main text, which leaves it open) is an alias of A: its high-entropy tokens are
   * introduced through windows, without a vocabulary.
   */
  definition: CountDefinition;
  /** Whether the word tested is the one sampled or the most likely one (the code's bug B7). */
  word: CountedWord;
  /**
   * Trigger vocabulary: 'own' for resources/triggers/own.json, another string for the path of a
   * JSON file (array, or object of arrays), or the words themselves.
   */
  vocabulary: string | readonly string[];
}

/** Difficulty by the number of right answers (§3.2): c of G is compared as c·of ≥ atLeast·G. */
export interface BucketOptions {
  of: number;
  easyAtLeast: number;
  mediumAtLeast: number;
}

export const labelStopRules = ['never', 'settled', 'certain'] as const;
/**
 * When to stop sampling a problem whose bucket is all that is wanted. 'settled': when the samples that are
 * left cannot change the bucket, so that it is the one all of them would have given. 'certain': as soon as
 * the chance that they change it is small; for at most one problem in twenty the bucket is then another
 * than the one of all samples, whatever the pass rates (labelStopping.ts).
 */
export type LabelStopRule = (typeof labelStopRules)[number];

export const targetRules = ['laggedEma', 'batchMean', 'roundedGroupMean', 'groupMean'] as const;
export type TargetRule = (typeof targetRules)[number];

/** The count a bucket is steered to (§3.4). */
export interface TargetOptions {
  /**
   * 'laggedEma': moving average over earlier batches (§3.15; needed for mode 'main' to do anything).
   * 'batchMean': mean of this batch (paper). 'roundedGroupMean': mean of group means of this batch,
   * rounded half to even (released code). 'groupMean', a deviation from METHOD for problem sets whose
   * buckets mix short and long problems: every group is compared with its own mean, so that a solved
   * problem that needs more than the bucket's average is not penalised for it. The targets of the
   * buckets, which move α, are then those of 'laggedEma'.
   */
  rule: TargetRule;
  /** Weight of the past for 'laggedEma' and the buckets of 'groupMean'; 0 is the previous batch's mean alone. */
  emaFactor: number;
  /** Factor on the target, per bucket; earlier code used other values than 1. */
  coefficients: PerBucket<number>;
}

export const rewardModes = ['accuracy', 'main', 'alg1', 'code', 'ares', 'v1', 'v2', 'v3', 'laser'] as const;
export type RewardMode = (typeof rewardModes)[number];
export const lambdaForms = ['printed', 'directed'] as const;
export type LambdaForm = (typeof lambdaForms)[number];

/** The reward beside correctness (§3.5–§3.7). */
export interface RewardOptions {
  /**
   * 'accuracy' none; 'main' §3.5; 'alg1' §3.6; 'code' §3.7; 'ares' §3.7 with a sigmoid that starts
   * at zero; 'v1' 'v2' 'v3' earlier forms of the code; 'laser' a length bonus instead of entropy.
   */
  mode: RewardMode;
  /** Initial α of every bucket. */
  alpha: number;
  /** α ← clip(α + alphaStep·δ), |δ| ≤ 0.5 counts; 0 keeps α fixed. */
  alphaStep: number;
  alphaBounds: Bounds;
  /** Tolerance around the target: margin = max(marginFloor, marginFraction·target). */
  marginFraction: PerBucket<number>;
  /** In counts. 1 in METHOD; lower it where responses hold only a few high-entropy tokens. */
  marginFloor: number;
  /** Width of the quadratic part of the Huber penalty, in counts. */
  kappa: PerBucket<number>;
  /** Width of the sigmoid, in counts. */
  temperature: PerBucket<number>;
  /** Factor on kappa and temperature. 1 in METHOD; lower it together with marginFloor. */
  scale: number;
  /** cap = α · capFactor. */
  capFactor: PerBucket<number>;
  /** Wrong answers gain at most cap · wrongFactor. */
  wrongFactor: PerBucket<number>;
  /**
   * Mode 'main': λ as printed, max(0, mean − target)/(Var + ε), or 'directed': with the sign that
   * the penalty of the bucket needs (hard: target − mean, medium: |mean − target|).
   */
  lambdaForm: LambdaForm;
  lambdaEpsilon: number;
  /** Dual ascent on the soft cost, used by 'alg1' (§3.7): λ ← clip(λ + rate·(mean − budget)). */
  softCostRate: number;
  softCostMinSamples: number;
  softCostBounds: Bounds;
  /** Mode 'laser': bonus of a right answer that is short enough, and from which length it is not. */
  laserBonus: number;
  /** Length limit in tokens, or 'adaptive': per bucket from the batch (LASER-D, §6). */
  laserTargetTokens: number | 'adaptive';
  /** LASER-D's expected number of right answers per bucket. */
  laserExpectedCorrect: PerBucket<number>;
  /**
   * DAPO's overlong penalty: 0 → −1 linearly over the last fraction of the token limit; 0 switches
   * it off. It belongs to the task reward, not to the shaping.
   */
  overlongBufferFraction: number;
}

export const advantageEstimators = ['grpo', 'centred', 'rloo', 'reinforce++', 'alg1'] as const;
export type AdvantageEstimator = (typeof advantageEstimators)[number];
export const shapingPlacements = ['response', 'decision', 'window'] as const;
export type ShapingPlacement = (typeof shapingPlacements)[number];
export const uniformGroupRules = ['all', 'allRight', 'none'] as const;
export type UniformGroupRule = (typeof uniformGroupRules)[number];

/** From rewards to per-token advantages (§3.9, §6). */
export interface AdvantageOptions {
  /**
   * 'grpo' (R − mean)/(std + ε), std with n − 1; 'centred' R − mean (Dr. GRPO); 'rloo' R − mean of
   * the others; 'reinforce++' whitened over the batch; 'alg1' (R − mean)/length + ψ (§3.6).
   */
  estimator: AdvantageEstimator;
  epsilon: number;
  /**
   * The standard deviation is never taken below this: without it, a group whose rewards differ only
   * by a little shaping gets advantages as large as one with right and wrong answers. 0 in METHOD.
   */
  deviationFloor: number;
  /**
   * Which tokens the shaping part of the advantage touches, A_t = A_task + m_t·A_shape:
   * 'response' all; 'decision' those with token entropy at or above the batch's `decisionQuantile`;
   * 'window' those inside high-entropy windows.
   */
  shapingPlacement: ShapingPlacement;
  decisionQuantile: number;
  /**
   * Groups that are all right or all wrong have no task advantage. Which of them keep the advantage
   * of their shaping: 'all' (plain GRPO on the total reward), 'allRight' (shortens what is solved,
   * without rewarding entropy where nothing is right), 'none'.
   */
  keepShapingOnUniformGroups: UniformGroupRule;
}

export const filterRules = ['none', 'accuracy', 'overall'] as const;
export type FilterRule = (typeof filterRules)[number];

/** Which groups are trained on (§3.12). */
export interface FilterOptions {
  /** Drop a group when the mean of its accuracy, or of its whole reward, is outside (low, high). */
  rule: FilterRule;
  low: number;
  high: number;
}

export const klModes = ['none', 'fixed', 'bucket', 'tokenwise'] as const;
export type KlMode = (typeof klModes)[number];

/** The KL loss against the reference policy (§3.10). */
export interface KlOptions {
  /**
   * 'fixed': `coefficient` everywhere; 'bucket': coefficient·β_d with the code's controller on β_d;
   * 'tokenwise': κ_d·beta_d·ρ_t with the paper's controller on κ_d, ρ_t = rho inside windows.
   */
  mode: KlMode;
  coefficient: number;
  /** Factor inside validated high-entropy windows, in [0, 1]; 1 makes the KL uniform per bucket. */
  rho: number;
  beta: PerBucket<number>;
  /** KL budget δ_d, nats per token, that κ_d holds outside the windows. */
  deltaNats: PerBucket<number>;
  kappa: number;
  kappaBounds: Bounds;
  /** α_κ of κ ← clip(κ·(1 + α_κ(KL/δ − 1))). */
  kappaRate: number;
  /** The code's controller of β_d, mode 'bucket'. */
  codeController: CodeKlControllerOptions;
}

export interface CodeKlControllerOptions {
  targetNats: number;
  /** Weight of the past in the average of the relative error. */
  emaFactor: number;
  /** Relative errors smaller than this count as zero. */
  deadZone: number;
  /** It acts at every n-th response seen. */
  everyCalls: number;
  step: number;
  errorLimit: number;
  bounds: Bounds;
}

export const lossNormalisations = ['sequenceMean', 'tokenMean', 'constant'] as const;
export type LossNormalisation = (typeof lossNormalisations)[number];
export const ratioLevels = ['token', 'sequence'] as const;
export type RatioLevel = (typeof ratioLevels)[number];

/** The policy loss (§3.11, §6). */
export interface LossOptions {
  /**
   * 'sequenceMean' mean over responses of the mean over their tokens (GRPO); 'tokenMean' mean over
   * all tokens (DAPO); 'constant' sum over tokens / (responses · constantTokens) (Dr. GRPO).
   */
  normalisation: LossNormalisation;
  /** Divisor of 'constant'; null takes the token limit of the rollouts. */
  constantTokens: number | null;
  clipLow: number;
  clipHigh: number;
  /** Cap of the loss where the advantage is negative, as a multiple of it; null switches it off. */
  dualClip: number | null;
  /** 'sequence' is GSPO. */
  ratioLevel: RatioLevel;
  /** Train only on this fraction of tokens, those of highest entropy in the batch; 1 keeps all (80/20: 0.2). */
  entropyKeepFraction: number;
}

export const prefixAdvantages = ['independent', 'mean'] as const;
export type PrefixAdvantage = (typeof prefixAdvantages)[number];

/** Forking rollouts at high-entropy windows (§3.3). */
export interface BranchingOptions {
  enabled: boolean;
  /** Share of the group that is sampled before any fork. */
  initialFraction: number;
  maxForksPerTrajectory: number;
  /** Tokens shared by several trajectories: each keeps its own advantage, or all get the mean. */
  prefixAdvantage: PrefixAdvantage;
}

/** One iteration of policy optimisation. */
export interface AresOptions {
  /** Responses per problem, G. */
  groupSize: number;
  entropy: EntropyOptions;
  threshold: ThresholdOptions;
  count: CountOptions;
  buckets: BucketOptions;
  target: TargetOptions;
  reward: RewardOptions;
  advantage: AdvantageOptions;
  filter: FilterOptions;
  kl: KlOptions;
  loss: LossOptions;
  branching: BranchingOptions;
}

export const adacsLengthSources = ['correct', 'all'] as const;
export type AdacsLengthSource = (typeof adacsLengthSources)[number];
export const adacsSelections = ['adacs', 'vanilla'] as const;
export type AdacsSelection = (typeof adacsSelections)[number];

/** Curation of the cold-start set (§2.3). */
export interface AdacsOptions {
  /** 'vanilla' is the control: as many traces per bracket, drawn without looking at length. */
  selection: AdacsSelection;
  /** Quantile of the lengths at pass rate 1 that gives L_s(1); 0.5 is the paper's median. */
  easyQuantile: number;
  /** Quantile of the lengths at pass rate 0 that gives L_s(0). */
  hardQuantile: number;
  /** Whether wrong responses count for L_s(0) and L_s(1). They are never selected. */
  lengthsFrom: AdacsLengthSource;
  /** Brackets of pass rate between 0 and 1: 8 makes nine brackets. */
  brackets: number;
  /** Traces per bracket, over all sources; null takes the size of the smallest non-empty bracket. */
  perBracket: number | null;
  /** At most this many traces of one problem. */
  tracesPerProblem: number;
}

export const defaultAdacsOptions: AdacsOptions = {
  selection: 'adacs',
  easyQuantile: 0.5,
  hardQuantile: 0.5,
  lengthsFrom: 'correct',
  brackets: 8,
  perBracket: null,
  tracesPerProblem: 1,
};

/** Plain GRPO, with METHOD's numbers in the parts that are switched off. */
export const defaultOptions: AresOptions = {
  groupSize: 8,
  entropy: { estimator: 'exact', window: { size: 4, alignment: 'inclusive' } },
  threshold: { rule: 'ares', quantile: 0.95, emaFactor: 0.9, scale: 1 },
  count: { definition: 'C', word: 'sampled', vocabulary: 'own' },
  buckets: { of: 8, easyAtLeast: 6, mediumAtLeast: 3 },
  target: {
    rule: 'laggedEma',
    emaFactor: 0.9,
    coefficients: { easy: 1, medium: 1, hard: 1 },
  },
  reward: {
    mode: 'accuracy',
    alpha: 0.5,
    alphaStep: 0.05,
    alphaBounds: { low: 0, high: 2 },
    marginFraction: { easy: 0.15, medium: 0.25, hard: 0.35 },
    marginFloor: 1,
    kappa: { easy: 2, medium: 3, hard: 4 },
    temperature: { easy: 2, medium: 2.5, hard: 3 },
    scale: 1,
    capFactor: { easy: 1, medium: 1, hard: 1.2 },
    wrongFactor: { easy: 0.6, medium: 0.8, hard: 1 },
    lambdaForm: 'printed',
    lambdaEpsilon: 1e-6,
    softCostRate: 0.01,
    softCostMinSamples: 8,
    softCostBounds: { low: 0, high: 10 },
    laserBonus: 0.5,
    laserTargetTokens: 'adaptive',
    laserExpectedCorrect: { easy: 6, medium: 3, hard: 1 },
    overlongBufferFraction: 0,
  },
  advantage: {
    estimator: 'grpo',
    epsilon: 1e-6,
    deviationFloor: 0,
    shapingPlacement: 'response',
    decisionQuantile: 0.9,
    keepShapingOnUniformGroups: 'all',
  },
  filter: { rule: 'none', low: 0.01, high: 0.99 },
  kl: {
    mode: 'fixed',
    coefficient: 0.01,
    rho: 0.5,
    beta: { easy: 2, medium: 1, hard: 0.5 },
    deltaNats: { easy: 0.05, medium: 0.1, hard: 0.2 },
    kappa: 0.01,
    kappaBounds: { low: 1e-4, high: 1 },
    kappaRate: 0.1,
    codeController: {
      targetNats: 0.01,
      emaFactor: 0.97,
      deadZone: 0.02,
      everyCalls: 100,
      step: 0.05,
      errorLimit: 0.2,
      bounds: { low: 1e-4, high: 100 },
    },
  },
  loss: {
    normalisation: 'sequenceMean',
    constantTokens: null,
    clipLow: 0.2,
    clipHigh: 0.2,
    dualClip: null,
    ratioLevel: 'token',
    entropyKeepFraction: 1,
  },
  branching: {
    enabled: false,
    initialFraction: 0.5,
    maxForksPerTrajectory: 2,
    prefixAdvantage: 'independent',
  },
};
