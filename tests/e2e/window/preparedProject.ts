/**
 * A project that has everything the rooms show: labels, a cold start, a policy and evaluations of the sample's
 * own model, made by the command line in some seconds.
 *
 * Owns: its recipe and how many problems it has.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ares } from '../tinyProject.ts';

const sample = resolve(import.meta.dirname, '..', '..', '..', 'resources', 'sample');

/** The sample's method with a hundredth of its work. */
export const shortRecipe = {
  version: 1,
  name: 'Short',
  seed: 1,
  label: { samples: 4, extraSamples: 4, maxNewTokens: 120 },
  coldStart: {
    curation: { easyQuantile: 0.25, hardQuantile: 0.75, perBracket: 8 },
    epochs: 1,
    batchSize: 8,
    schedule: { kind: 'cosine', peak: 0.0003, warmupSteps: 1, finalFraction: 0.1 },
  },
  policy: {
    preset: 'aepo',
    method: {
      groupSize: 4,
      count: { vocabulary: ['wait', 'hmm', 'but', 'maybe', 'actually', 'alternatively'] },
      threshold: { scale: 0.8 },
    },
    steps: 6,
    promptsPerStep: 4,
    miniBatches: 1,
    schedule: { kind: 'constant', peak: 0.0001 },
    maxNewTokens: 120,
  },
  evaluation: { samples: 2, maxNewTokens: 120 },
  compare: { resamples: 500 },
  checkpoints: { everySteps: 2, keep: 2 },
  engine: { threads: 1 },
  preflight: { minSignalFraction: 0 },
};

function firstLines(file: string, count: number, target: string): string {
  const lines = readFileSync(join(sample, file), 'utf8').split('\n').slice(0, count);
  writeFileSync(target, `${lines.join('\n')}\n`);
  return target;
}

/** @returns the project's folder, inside of the given one */
export async function prepareProject(folder: string): Promise<string> {
  const project = join(folder, 'project');
  const recipe = join(folder, 'recipe.json');
  writeFileSync(recipe, JSON.stringify(shortRecipe));
  const train = firstLines('problems-train.jsonl', 40, join(folder, 'train.jsonl'));
  const heldout = firstLines('problems-heldout.jsonl', 24, join(folder, 'heldout.jsonl'));
  const inputs = ['--model', join(sample, 'base'), '--data', train, '--heldout', heldout, '--recipe', recipe];
  const ended = await ares('run', ...inputs, '--out', project);
  if (ended.code !== 0) throw new Error(`The run for the rooms failed:\n${ended.stderr}`);
  return project;
}
