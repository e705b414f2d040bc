/**
 * What a model folder says about itself.
 *
 * Owns: the facts a person chooses a model by, read from its configuration and the sizes of its files,
 * and kept until the configuration changes. No weight is read.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelDetails } from '#core/contract/contract.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { parameterCount } from '#core/model/parameters.ts';
import { AresError, toAresError } from '#core/util/errors.ts';

const known = new Map<string, { modifiedMs: number; details: ModelDetails }>();

/** @throws AresError 'not-found', 'bad-file' or 'unsupported', as opening the model would */
export function modelDetails(folder: string): ModelDetails {
  const { mtimeMs: modifiedMs } = statSync(join(folder, 'config.json'), { throwIfNoEntry: false }) ?? { mtimeMs: -1 };
  const before = known.get(folder);
  if (before?.modifiedMs === modifiedMs) return before.details;
  const details = readDetails(folder);
  known.set(folder, { modifiedMs, details });
  return details;
}

function readDetails(folder: string): ModelDetails {
  const model = openModelFolder(folder);
  const { config } = model;
  return {
    folder,
    architecture: architectureOf(model.rawConfig['architectures'], config.family),
    parameters: parameterCount(config),
    layers: config.layers,
    hiddenSize: config.hiddenSize,
    heads: config.heads,
    kvHeads: config.kvHeads,
    vocabSize: config.vocabSize,
    maxPositions: config.maxPositions,
    dtype: config.dtype,
    sizeBytes: weightBytes(folder),
    hasChatTemplate: model.hasChatTemplate,
  };
}

function architectureOf(architectures: unknown, family: string): string {
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  return typeof first === 'string' ? first : family;
}

function weightBytes(folder: string): number {
  try {
    const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
    if (files.length > 0) return files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  } catch (thrown) {
    throw toAresError(thrown);
  }
  throw new AresError('not-found', 'There are no .safetensors weights in this folder.', {
    where: folder,
    hint: 'Choose a folder with safetensors weights; pickled ones (.bin, .pt) are not opened, because reading one runs code.',
  });
}
