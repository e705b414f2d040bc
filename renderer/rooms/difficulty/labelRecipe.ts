/**
 * The recipe of a run that only labels, from the few settings that matter for it.
 */
import type { LabelStopRule } from '#core/ares/options.ts';

export interface LabelSettings {
  samples: number;
  temperature: number;
  maxNewTokens: number;
  stopRule: LabelStopRule;
  seed: number;
}

export const defaultLabelSettings: LabelSettings = {
  samples: 8,
  temperature: 1,
  maxNewTokens: 512,
  stopRule: 'settled',
  seed: 1,
};

/** As text: JSON is YAML. Small chunks, so that labels come in while one looks. */
export function labelRecipe(
  name: string,
  { samples, temperature, maxNewTokens, stopRule, seed }: LabelSettings,
): string {
  const recipe = {
    version: 1,
    name,
    seed,
    label: {
      samples,
      stopEarly: { rule: stopRule },
      extraSamples: 0,
      temperature,
      maxNewTokens,
      responsesPerChunk: 64,
    },
    coldStart: { enabled: false },
    policy: { enabled: false },
  };
  return JSON.stringify(recipe, null, 2);
}

/** What the rules mean for a person who chooses one. */
export const stopRuleTexts: Readonly<Record<LabelStopRule, { label: string; explanation: string }>> = {
  never: {
    label: 'Draw every sample',
    explanation: 'Needed where AdaCS will curate from these responses: its nine brackets take exact pass rates.',
  },
  settled: {
    label: 'Stop when the bucket is settled',
    explanation: 'The samples left could not change it: the bucket is the one that all samples would give.',
  },
  certain: {
    label: 'Stop when the bucket is 95 % certain',
    explanation:
      'Sooner, when another bucket has become unlikely. Of problems with any pass rate, at most 5 % are expected to end in another bucket than all samples would give. Saves most with 16 samples or more.',
  },
};
