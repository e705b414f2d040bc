/**
 * The arms of the study, as data: what each changes in the sample project's recipe.
 */
import type { PresetName } from '#core/ares/presets.ts';
import type { AdacsSelection } from '#core/ares/options.ts';

export interface StudyArm {
  key: string;
  label: string;
  /** Which model of which run is evaluated. */
  model: 'base' | 'cold-start' | 'policy';
  /** Default: the recipe's. */
  curation?: AdacsSelection;
  policy?: {
    preset: PresetName;
    /**
     * Parts of the recipe's `policy.method` that the arm keeps; default: all. Baselines keep how N_HE is
     * counted, which is a measurement for them, and the mean of the loss, so that steps are of one size.
     */
    keeps?: readonly string[];
  };
}

const MEASUREMENT = ['entropy', 'threshold', 'count', 'buckets'];

export const studyArms: readonly StudyArm[] = [
  { key: 'base', label: 'Base', model: 'base' },
  { key: 'cs-vanilla', label: 'CS-Vanilla', model: 'cold-start', curation: 'vanilla' },
  { key: 'adacs', label: 'AdaCS', model: 'cold-start' },
  { key: 'grpo', label: 'GRPO', model: 'policy', policy: { preset: 'grpo', keeps: [...MEASUREMENT, 'loss'] } },
  { key: 'dapo', label: 'DAPO', model: 'policy', policy: { preset: 'dapo', keeps: MEASUREMENT } },
  { key: 'aepo', label: 'AEPO', model: 'policy', policy: { preset: 'aepo' } },
  { key: 'aepo-no-kl', label: 'AEPO w/o KL', model: 'policy', policy: { preset: 'aepo-no-kl' } },
  { key: 'aepo-no-entropy', label: 'AEPO w/o entropy', model: 'policy', policy: { preset: 'aepo-no-entropy' } },
  { key: 'aepo-no-branching', label: 'AEPO w/o branching', model: 'policy', policy: { preset: 'aepo-no-branching' } },
];

/** The arm the others are measured against. */
export const REFERENCE = 'grpo';
/** Labels and cold start of this arm serve every arm of the same seed. */
export const SHARED = 'adacs';
