/**
 * `run.json` in the folder of a run: what a run is made of besides its recipe and its row in the store.
 *
 * Owns: the shape of the file and reading it strictly. It is written once, when the run is created:
 * with it and the store a run can be resumed knowing nothing but the project folder. The engine's
 * options are in it because the order of additions, and with it the last bits of the result, depends
 * on them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Capabilities, Endpoint, ServedModel } from '#core/remote/endpoint.ts';
import { runKinds } from '#core/runs/context.ts';
import { providers } from '#core/tensor/provider.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { AresError } from '#core/util/errors.ts';

const FILE = 'run.json';

/**
 * Problems of a run: the set they were chosen from, for people, and exactly which they are, for resuming. A
 * dataset may grow and a pool may be removed while a run is paused; its problems stay what they were.
 */
const splitSchema = z.strictObject({
  datasetId: z.int(),
  /** Null for all of the dataset, and where a pool is named. */
  split: z.string().nullable(),
  poolId: z.int().nullable().default(null),
  /** Ids from first to last, ascending; absent in files of version 1, which mean the whole split. */
  problems: z.array(z.tuple([z.int(), z.int()])).optional(),
});
const count = z.int().min(1);

/** An endpoint as it is written down, without its key. */
export const endpointSchema = z.strictObject({
  name: z.string(),
  url: z.string(),
  keyVariable: z.string().nullable(),
  concurrency: count,
  timeoutMs: count,
}) satisfies z.ZodType<Endpoint>;
export const capabilitiesSchema = z.strictObject({
  tokenLimit: z.enum(['max_tokens', 'max_completion_tokens']),
  temperature: z.boolean(),
  topP: z.boolean(),
  topLogprobs: z.int().min(0),
  logprobsAt: z.enum(['before', 'after']).nullable(),
  choices: z.boolean(),
  seed: z.enum(['repeats', 'accepted', 'refused']),
  images: z.boolean().nullable(),
  countsTokens: z.boolean(),
  keepsLimit: z.boolean(),
}) satisfies z.ZodType<Capabilities>;

const runFileSchema = z.strictObject({
  version: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  kind: z.enum(runKinds),
  baseModelId: z.int(),
  /** Null for a run that does not need such problems. */
  train: splitSchema.nullable(),
  heldout: splitSchema.nullable(),
  /** Null for a run whose model answers elsewhere. */
  engine: z
    .strictObject({
      threads: count,
      tokenBudget: count,
      checkpointBlocks: z.boolean(),
      maxRows: count,
      chunkTokens: count,
      /** Absent in files from before there was a choice: the CPU. */
      provider: z.enum(providers).optional(),
      releaseBetween: z.boolean().optional(),
    })
    .nullable(),
  /** Where the model answers, when it is not on this machine; without the key. */
  served: z
    .strictObject({ endpoint: endpointSchema, model: z.string(), capabilities: capabilitiesSchema })
    .nullable()
    .default(null) satisfies z.ZodType<ServedModel | null>,
  triggerWords: z.array(z.string()),
});

export type RunFile = z.output<typeof runFileSchema>;
export type StoredSplit = z.output<typeof splitSchema>;

export function writeRunFile(folder: string, content: Omit<z.input<typeof runFileSchema>, 'version'>): void {
  writeFileAtomic(join(folder, FILE), `${JSON.stringify({ version: 3, ...content }, null, 2)}\n`);
}

/** @throws AresError 'not-found' or 'bad-file' */
export function readRunFile(folder: string): RunFile {
  const where = join(folder, FILE);
  let text: string;
  try {
    text = readFileSync(where, 'utf8');
  } catch (cause) {
    throw new AresError('not-found', 'The folder of this run is gone or incomplete.', {
      where,
      hint: 'Restore the folder, or start a new run.',
      cause,
    });
  }
  try {
    return runFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AresError('bad-file', 'This file does not describe a run.', {
      where,
      hint: 'Restore it from a backup, or start a new run.',
      cause,
    });
  }
}
