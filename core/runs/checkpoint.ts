/**
 * Checkpoints that are complete or not there (DESIGN §6).
 *
 * Owns: the protocol. Everything is written into `step-N.tmp` and flushed, the manifest last; then
 * the folder is renamed to `step-N` and its parent flushed. Whatever is interrupted, the newest
 * folder whose manifest verifies is the old checkpoint or the new one, whole. The caller points the
 * store to it afterwards. What is in the files, and what the state means, is not known here.
 */
import { basename, dirname, join } from 'node:path';
import { AresError, toAresError } from '#core/util/errors.ts';
import type { JsonValue } from './canonicalJson.ts';
import { type FileSystem, nodeFileSystem } from './fileSystem.ts';
import {
  MANIFEST_FILE,
  type Manifest,
  type ManifestFile,
  isInside,
  manifestHash,
  parseManifest,
  printManifest,
} from './manifest.ts';

export interface CheckpointContent {
  stage: string;
  step: number;
  /** Seed, data cursor, controllers: all that a resumed run needs beside the files. */
  state: JsonValue;
}

export interface ValidCheckpoint {
  folder: string;
  manifest: Manifest;
  /** Identity of its content, for the store. */
  manifestHash: string;
}

export interface DamagedCheckpoint {
  folder: string;
  /** A phrase that goes on after "because". */
  reason: string;
}

const TEMPORARY = '.tmp';
const folderName = /^step-(0|[1-9]\d*)$/;

/**
 * Writes the checkpoint `<parentFolder>/step-<step>`.
 * A damaged folder of that name is replaced; an intact one is never touched.
 * @param fill writes the files into a folder (perhaps by another process) and returns their names
 *   relative to it
 * @throws AresError 'disk' when it cannot be written, 'internal' when an intact one is there already
 *   or `fill` names files that it did not write
 */
export async function writeCheckpoint(
  parentFolder: string,
  content: CheckpointContent,
  fill: (temporary: string) => readonly string[] | Promise<readonly string[]>,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<ValidCheckpoint> {
  const folder = join(parentFolder, `step-${content.step}`);
  const temporary = folder + TEMPORARY;
  if (!isDamaged(await verifyCheckpoint(folder, fileSystem))) {
    throw new AresError('internal', 'This checkpoint was already written.', { where: folder });
  }
  try {
    await fileSystem.makeFolder(parentFolder);
    await fileSystem.remove(temporary);
    await fileSystem.makeFolder(temporary);
    const names = await fill(temporary);
    const files = await flushFiles(temporary, names, fileSystem);
    const manifest: Manifest = { stage: content.stage, step: content.step, files, state: content.state };
    const manifestPath = join(temporary, MANIFEST_FILE);
    await fileSystem.writeText(manifestPath, printManifest(manifest));
    await fileSystem.flush(manifestPath);
    await fileSystem.flush(temporary);
    // A folder cannot be renamed over another; what is there, if anything, is damaged.
    await fileSystem.remove(folder);
    await fileSystem.rename(temporary, folder);
    await fileSystem.flush(parentFolder);
    return { folder, manifest, manifestHash: manifestHash(manifest) };
  } catch (thrown) {
    // Best effort: on a full disk the leftovers are what fills it. The next prune tries again.
    await fileSystem.remove(temporary).catch(() => undefined);
    throw toAresError(thrown);
  }
}

/** Puts the files and the folders between on disk, and describes them. */
async function flushFiles(folder: string, names: readonly string[], fileSystem: FileSystem): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  const between = new Set<string>();
  for (const name of names) {
    const digest = isInside(name) && name !== MANIFEST_FILE ? await fileSystem.digest(join(folder, name)) : null;
    if (digest === null) {
      throw new AresError('internal', 'A checkpoint file was announced but not written.', { where: name });
    }
    await fileSystem.flush(join(folder, name));
    files.push({ name, ...digest });
    for (let parent = dirname(name); parent !== '.'; parent = dirname(parent)) between.add(parent);
  }
  for (const parent of between) await fileSystem.flush(join(folder, parent));
  return files;
}

/** Reads every byte of a checkpoint and compares it with its manifest. */
export async function verifyCheckpoint(
  folder: string,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<ValidCheckpoint | DamagedCheckpoint> {
  const text = await fileSystem.readText(join(folder, MANIFEST_FILE));
  if (text === null) return { folder, reason: 'it has no manifest' };
  const manifest = parseManifest(text);
  if (typeof manifest === 'string') return { folder, reason: manifest };
  if (basename(folder) !== `step-${manifest.step}`) return { folder, reason: 'it belongs to another step' };
  for (const { name, bytes, sha256 } of manifest.files) {
    const digest = await fileSystem.digest(join(folder, name));
    if (digest === null) return { folder, reason: `${name} is missing` };
    if (digest.bytes !== bytes) return { folder, reason: `${name} has ${digest.bytes} bytes instead of ${bytes}` };
    if (digest.sha256 !== sha256) return { folder, reason: `${name} was altered` };
  }
  return { folder, manifest, manifestHash: manifestHash(manifest) };
}

export function isDamaged(checkpoint: ValidCheckpoint | DamagedCheckpoint): checkpoint is DamagedCheckpoint {
  return 'reason' in checkpoint;
}

export interface NewestCheckpoint {
  checkpoint: ValidCheckpoint | null;
  /** Later ones that were passed over, to be shown to the user. */
  damaged: DamagedCheckpoint[];
}

/** The checkpoint to resume from: the latest one that verifies, not simply the latest. */
export async function newestValidCheckpoint(
  parentFolder: string,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<NewestCheckpoint> {
  const damaged: DamagedCheckpoint[] = [];
  for (const { name } of await stepFolders(parentFolder, fileSystem)) {
    const checkpoint = await verifyCheckpoint(join(parentFolder, name), fileSystem);
    if (!isDamaged(checkpoint)) return { checkpoint, damaged };
    damaged.push(checkpoint);
  }
  return { checkpoint: null, damaged };
}

/**
 * Deletes what is older than the `keep` latest checkpoints that verify (nothing, while there are
 * fewer), and what interrupted writes left behind. No write may be in progress.
 * @param keep at least 1
 * @returns folders that are gone
 */
export async function pruneCheckpoints(
  parentFolder: string,
  keep: number,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<string[]> {
  if (!(keep >= 1)) throw new AresError('internal', `At least one checkpoint must be kept, not ${keep}.`);
  for (const name of await fileSystem.list(parentFolder)) {
    if (name.endsWith(TEMPORARY)) await fileSystem.remove(join(parentFolder, name));
  }
  const removed: string[] = [];
  let valid = 0;
  for (const { name } of await stepFolders(parentFolder, fileSystem)) {
    const folder = join(parentFolder, name);
    if (valid < keep) {
      if (!isDamaged(await verifyCheckpoint(folder, fileSystem))) valid++;
      continue;
    }
    await fileSystem.remove(folder);
    removed.push(folder);
  }
  return removed;
}

/** Latest first. */
async function stepFolders(parentFolder: string, fileSystem: FileSystem): Promise<{ name: string; step: number }[]> {
  return (await fileSystem.list(parentFolder))
    .flatMap((name) => {
      const match = folderName.exec(name);
      return match === null ? [] : [{ name, step: Number(match[1]) }];
    })
    .sort((a, b) => b.step - a.step);
}
