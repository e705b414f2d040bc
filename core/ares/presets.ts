/**
 * Named methods: AEPO in its published forms, its ablations, and the baselines it is compared with.
 *
 * Owns: presets as patches of one options object (so an ablation is a switch, never a copy), how
 * patches are applied, and the difference between two option objects. Every preset says where it
 * comes from and names what deviates from that source, for the app to show.
 */
import { type AresOptions, defaultOptions } from './options.ts';

/** An object with any subset of the fields of T, at any depth. Arrays are replaced whole. */
export type Patch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Patch<T[K]> }
    : T;

export interface Preset {
  title: string;
  /** Where the method is published, or the part of METHOD that specifies it. */
  source: string;
  /** The preset it changes; absent for a patch of the defaults (plain GRPO). */
  base?: PresetName;
  patch: Patch<AresOptions>;
  /** What differs from the source, one sentence each. */
  deviations: readonly string[];
}

export const presetNames = [
  'grpo',
  'dapo',
  'drgrpo',
  'gspo',
  'rloo',
  'reinforce++',
  'mask8020',
  'laser',
  'aepo-main',
  'aepo-alg1',
  'aepo-code',
  'aepo',
  'aepo-no-kl',
  'aepo-no-entropy',
  'aepo-no-branching',
] as const;
export type PresetName = (typeof presetNames)[number];

export const presets: Readonly<Record<PresetName, Preset>> = {
  grpo: {
    title: 'GRPO',
    source: 'Shao et al. 2024 (2402.03300)',
    patch: {},
    deviations: ['KL loss coefficient 0.01, as in the ARES configurations, where DeepSeekMath has 0.04.'],
  },
  dapo: {
    title: 'DAPO',
    source: 'Yu et al. 2025 (2503.14476)',
    patch: {
      reward: { overlongBufferFraction: 0.2 },
      advantage: { keepShapingOnUniformGroups: 'none' },
      filter: { rule: 'accuracy' },
      kl: { mode: 'none' },
      loss: { normalisation: 'tokenMean', clipHigh: 0.28 },
    },
    deviations: ['Rewards are 1 and 0 for right and wrong, not +1 and −1; the group advantage is the same.'],
  },
  drgrpo: {
    title: 'Dr. GRPO',
    source: 'Liu et al. 2025 (2503.20783)',
    patch: {
      advantage: { estimator: 'centred' },
      kl: { mode: 'none' },
      loss: { normalisation: 'constant' },
    },
    deviations: [],
  },
  gspo: {
    title: 'GSPO',
    source: 'Zheng et al. 2025 (2507.18071)',
    patch: {
      kl: { mode: 'none' },
      loss: { ratioLevel: 'sequence', clipLow: 3e-4, clipHigh: 4e-4 },
    },
    deviations: [],
  },
  rloo: {
    title: 'RLOO',
    source: 'Ahmadian et al. 2024 (2402.14740)',
    patch: { advantage: { estimator: 'rloo' } },
    deviations: ['Only the advantage differs from GRPO: clipping, length mean and KL loss stay, to isolate it.'],
  },
  'reinforce++': {
    title: 'REINFORCE++',
    source: 'Hu et al. 2025 (2501.03262)',
    patch: { advantage: { estimator: 'reinforce++' } },
    deviations: ['Only the advantage differs from GRPO: the KL is a loss, not part of the reward.'],
  },
  mask8020: {
    title: '80/20 entropy mask',
    source: 'Wang et al. 2025 (2506.01939)',
    base: 'dapo',
    patch: { loss: { entropyKeepFraction: 0.2 } },
    deviations: [],
  },
  laser: {
    title: 'LASER-D',
    source: 'Liu et al. 2025 (2505.15612)',
    patch: { reward: { mode: 'laser' } },
    deviations: ['The adaptive length limit comes from the batch itself, not from a separate monitoring set.'],
  },
  'aepo-main': {
    title: 'AEPO, main text',
    source: 'ARES (2510.08457) §3.2',
    patch: {
      threshold: { rule: 'T1' },
      count: { definition: 'D' },
      target: { rule: 'laggedEma', emaFactor: 0 },
      reward: { mode: 'main', lambdaForm: 'directed' },
      filter: { rule: 'overall' },
      kl: { mode: 'tokenwise' },
      loss: { clipHigh: 0.3 },
      branching: { enabled: true },
    },
    deviations: [
      'The target is the mean of the previous batch: with the mean of the same batch, as printed, λ is always 0.',
      'λ takes the sign that each bucket’s penalty needs; as printed it rewards nothing on hard problems.',
      'Window size, clip range, ρ, β, δ and the κ controller are unpublished; METHOD’s suggestions are used.',
      'Forks use the previous batch’s threshold, because a batch has none before it is sampled.',
    ],
  },
  'aepo-alg1': {
    title: 'AEPO, Algorithm 1',
    source: 'ARES (2510.08457) App. F',
    patch: {
      threshold: { rule: 'T2' },
      count: { definition: 'A' },
      target: { rule: 'batchMean' },
      reward: { mode: 'alg1' },
      advantage: { estimator: 'alg1' },
      filter: { rule: 'accuracy' },
      kl: { mode: 'tokenwise' },
      loss: { clipHigh: 0.3 },
    },
    deviations: [
      'S, φ, b, Z and C_ent are not published as formulas: S is the code’s shaping, φ = min(x, 1), b the mean of the bonus, Z the number of windows, C_ent the excess over θ summed over windows.',
      'λ comes from dual ascent on the soft cost, whose budget is the first batch’s own soft cost.',
      'As printed, the response advantage is divided by length and the loss divides by length again.',
      'The filter range of App. A is applied to accuracy, because shaped rewards let all-wrong groups through.',
    ],
  },
  'aepo-code': {
    title: 'AEPO, released code',
    source: 'shawn0728/ARES 146620e',
    patch: {
      entropy: { window: { alignment: 'exclusive' } },
      threshold: { rule: 'T5', emaFactor: 0.99 },
      count: { definition: 'C', word: 'argmax' },
      target: { rule: 'roundedGroupMean' },
      reward: { mode: 'code' },
      filter: { rule: 'overall' },
      kl: { mode: 'bucket' },
      loss: { clipHigh: 0.3, dualClip: 3 },
    },
    deviations: [
      'The shaping is connected to buckets and targets (bug B1 of the released configuration is not reproduced).',
      'One entropy estimator for thresholds and counts (bug B8); they only differ on truncated log-probs.',
      'The per-bucket KL controller is one, checkpointed, fed one response at a time (bug B6).',
      'The loss is the mean per response: what token averaging inside micro-batches of one response amounts to.',
      'Buckets compare with 6/8 and 3/8 of the group, not 2/3 and 1/3: the same for groups of 8.',
    ],
  },
  aepo: {
    title: 'AEPO',
    source: 'ARES (2510.08457), paper and released code reconciled',
    patch: {
      reward: { mode: 'ares' },
      advantage: { keepShapingOnUniformGroups: 'allRight' },
      filter: { rule: 'accuracy' },
      kl: { mode: 'tokenwise' },
      loss: { clipHigh: 0.3, dualClip: 3 },
      branching: { enabled: true },
    },
    deviations: [
      'All-right groups stay for their shaping alone (§3.15 drops them): that is what shortens easy problems.',
      'Counts and forks use the threshold of the batches before; the first batch counts with its own.',
      'α moves by at most 0.025 per iteration, the bound it has in the code, where it is driven by rounding (B4).',
    ],
  },
  'aepo-no-kl': {
    title: 'AEPO without KL',
    source: 'ARES (2510.08457) Table 5, Fig. 6',
    base: 'aepo',
    patch: { kl: { mode: 'none' } },
    deviations: ['The paper’s own setting without KL cannot be recovered from its repository.'],
  },
  'aepo-no-entropy': {
    title: 'AEPO without entropy shaping',
    source: 'ARES (2510.08457) Table 5, Fig. 6',
    base: 'aepo',
    patch: { reward: { mode: 'accuracy' } },
    deviations: ['Branching and the KL’s window mask, which also use entropy, stay on.'],
  },
  'aepo-no-branching': {
    title: 'AEPO without branching',
    source: 'ARES (2510.08457) §3.2.1',
    base: 'aepo',
    patch: { branching: { enabled: false } },
    deviations: [],
  },
};

/** The options of a preset, with the caller's own changes on top. A fresh object every time. */
export function presetOptions(name: PresetName, overrides: Patch<AresOptions> = {}): AresOptions {
  const preset = presets[name];
  const base = preset.base === undefined ? defaultOptions : presetOptions(preset.base);
  return applyPatch<AresOptions>(applyPatch<AresOptions>(base, preset.patch), overrides);
}

/** A deep copy of `value` with the fields of `patch` replaced. Neither argument is changed. */
export function applyPatch<T>(value: T, patch: Patch<T>): T {
  return merge(value, patch) as T;
}

function merge(value: unknown, patch: unknown): unknown {
  if (patch === undefined) return structuredClone(value);
  if (!isRecord(value) || !isRecord(patch)) return structuredClone(patch);
  const merged: Record<string, unknown> = {};
  for (const key of Object.keys({ ...value, ...patch })) merged[key] = merge(value[key], patch[key]);
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export interface OptionChange {
  /** Dotted path, for instance 'threshold.scale'. */
  path: string;
  from: unknown;
  to: unknown;
}

/** Every leaf in which two option objects differ: what a run must name when it leaves a preset. */
export function optionChanges(from: unknown, to: unknown, path = ''): OptionChange[] {
  if (isRecord(from) && isRecord(to)) {
    const keys = Object.keys({ ...from, ...to });
    return keys.flatMap((key) => optionChanges(from[key], to[key], path === '' ? key : `${path}.${key}`));
  }
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path, from, to }];
}
