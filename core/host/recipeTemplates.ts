/**
 * Recipes to begin with.
 *
 * Owns: the sample's own recipe and one per named method, as YAML that says the few settings a person
 * changes first; everything else has its default.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PresetName, presetNames, presets } from '#core/ares/presets.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';

export interface RecipeTemplate {
  key: string;
  title: string;
  description: string;
  yaml: string;
}

const sampleFile = join(resourcesFolder, 'sample', 'recipe.yaml');

export function recipeTemplates(): RecipeTemplate[] {
  return [
    {
      key: 'sample',
      title: 'Sample project',
      description: 'AdaCS and AEPO with settings that suit the sample’s small model; five to ten minutes on two cores.',
      yaml: readFileSync(sampleFile, 'utf8'),
    },
    ...[...presetNames].sort((a, b) => Number(b === 'aepo') - Number(a === 'aepo')).map(templateOf),
  ];
}

function templateOf(name: PresetName): RecipeTemplate {
  const { title, source } = presets[name];
  return { key: name, title, description: `Cold start and ${title}. ${source}.`, yaml: yamlOf(name) };
}

function yamlOf(name: PresetName): string {
  return `# ${presets[name].title}: ${presets[name].source}
# What is not here has its default; the editor shows them all.
version: 1
name: ${presets[name].title}
seed: 1

label:
  samples: 8
  extraSamples: 16 # of problems solved at most once, so that hard ones have right traces
  maxNewTokens: 512

coldStart:
  enabled: true
  epochs: 2
  batchSize: 32

policy:
  preset: ${name}
  steps: 50
  promptsPerStep: 16
  miniBatches: 2
  schedule: { kind: constant, peak: 0.000001 }
  maxNewTokens: 512

evaluation:
  samples: 4
  maxNewTokens: 512

checkpoints: { everySteps: 10, keep: 2 }
`;
}
