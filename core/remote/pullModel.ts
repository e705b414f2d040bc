/**
 * A model from the Hugging Face hub as a folder here.
 *
 * Owns: the order of a download: ask which commit and which files, see that the disk has room, fetch what is
 * missing and go on where a file was cut, check every byte, and only then let the folder appear. Until then
 * all of it is in `<target>.partial`, which the next attempt continues; a half model never has the name of a
 * whole one. Which files is hubFiles.ts, how patiently hubFetch.ts.
 */
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HubApiError, type ListFileEntry, downloadFile, listFiles, modelInfo } from '@huggingface/hub';
import { parseTextConfig } from '#core/model/config.ts';
import { readJsonObject } from '#core/model/json.ts';
import { CONFIG_FILE } from '#core/model/modelFolder.ts';
import { flush, refuseExisting, writeFileAtomic } from '#core/util/atomicFiles.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { isHubName } from '#core/util/hubName.ts';
import { createHubFetch, type HubFetchOptions, refuseAborted } from './hubFetch.ts';
import { type HubFile, digestFor, modelFiles } from './hubFiles.ts';
import { requireReachable } from './reachable.ts';

export interface PullRequest {
  /** `organisation/name`. */
  name: string;
  /** Branch, tag or commit. */
  revision: string;
  /** Must not exist. */
  target: string;
  /** Such as https://huggingface.co; without a slash at the end. */
  hubUrl: string;
  /** For gated and private models; sent to the hub alone. */
  token: string | null;
}

export interface Pulled {
  folder: string;
  /** The commit the files are of: names may move, it does not. */
  commit: string;
  files: number;
  sizeBytes: number;
}

export interface PullControl extends HubFetchOptions {
  /** In bytes, those of earlier attempts included. */
  progress(doneBytes: number, totalBytes: number): void;
}

const STATE_FILE = '.pull.json';
/** A file is asked for again where it was cut, unless nothing at all comes so many times. */
const FRUITLESS_TRIES = 4;
/** Without a byte for so long, a connection is taken for dead. */
const STALL_MS = 30_000;

/**
 * @throws AresError 'usage', 'network', 'not-found', 'unsupported', 'bad-file' when bytes are not those that the
 *   hub names, 'disk', 'interrupted'
 */
export async function pullModel(request: PullRequest, control: PullControl): Promise<Pulled> {
  const { name, target } = request;
  requireModelName(name);
  refuseExisting(target);
  const hub = { ...request, fetch: createHubFetch(request.hubUrl, control) };
  await requireReachable(request.hubUrl);
  try {
    const commit = await commitOf(hub);
    const files = modelFiles(await entriesOf(hub, commit), name);
    const partial = openPartial(target, name, commit);
    await fetchAll(hub, commit, files, partial, control);
    rmSync(join(partial, STATE_FILE));
    flush(partial);
    renameSync(partial, target);
    flush(dirname(target));
    return { folder: target, commit, files: files.length, sizeBytes: totalOf(files) };
  } catch (thrown) {
    throw explained(thrown, request);
  }
}

/** @throws AresError 'usage' */
export function requireModelName(name: string): void {
  if (!isHubName(name)) {
    throw new AresError('usage', `"${name}" is not the name of a model on the hub.`, {
      hint: 'Write it as organisation/name, such as Qwen/Qwen2.5-0.5B-Instruct.',
    });
  }
}

type Hub = PullRequest & { fetch: typeof fetch };

const credentialsOf = ({ token }: PullRequest) => (token === null ? {} : { accessToken: token });

async function commitOf(hub: Hub): Promise<string> {
  const { name, revision, hubUrl, fetch } = hub;
  const { sha } = await modelInfo({ name, revision, hubUrl, fetch, additionalFields: ['sha'], ...credentialsOf(hub) });
  if (typeof sha === 'string' && /^[0-9a-f]{40}$/.test(sha)) return sha;
  throw new AresError('network', 'The hub did not say which commit this revision is.', { where: name });
}

async function entriesOf(hub: Hub, commit: string): Promise<ListFileEntry[]> {
  const { name, hubUrl, fetch } = hub;
  const listing = listFiles({
    repo: { type: 'model', name },
    revision: commit,
    hubUrl,
    fetch,
    ...credentialsOf(hub),
  });
  const entries: ListFileEntry[] = [];
  for await (const entry of listing) entries.push(entry);
  return entries;
}

/** The folder of an earlier attempt at the same commit, or an empty one. */
function openPartial(target: string, name: string, commit: string): string {
  const partial = `${target}.partial`;
  const state = JSON.stringify({ name, commit });
  const statePath = join(partial, STATE_FILE);
  const isSame = existsSync(statePath) && readFileSync(statePath, 'utf8') === state;
  if (!isSame) {
    refuseForeign(partial, statePath);
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    writeFileAtomic(statePath, state);
  }
  return partial;
}

/** A folder that happens to have this name is not ours to remove. */
function refuseForeign(partial: string, statePath: string): void {
  if (!existsSync(partial) || existsSync(statePath)) return;
  throw new AresError('usage', 'A folder of this name exists and is not the beginning of a download.', {
    where: partial,
    hint: 'Move it away, or choose another folder for the model.',
  });
}

async function fetchAll(
  hub: Hub,
  commit: string,
  files: readonly HubFile[],
  partial: string,
  { signal, progress }: PullControl,
): Promise<void> {
  const totalBytes = totalOf(files);
  const had = (file: HubFile) => sizeOf(join(partial, file.path));
  // What says whether the model can be opened comes before what is large.
  const isConfig = ({ path }: HubFile) => path === CONFIG_FILE;
  const ordered = [...files.filter(isConfig), ...files.filter((file) => !isConfig(file))];
  await refuseTooLarge(partial, totalBytes - files.reduce((sum, file) => sum + had(file), 0));
  let doneBytes = 0;
  for (const file of ordered) {
    const before = doneBytes;
    const path = join(partial, file.path);
    await fetchFile(hub, commit, file, path, signal, (bytes) => progress(before + bytes, totalBytes));
    if (isConfig(file)) parseTextConfig(readJsonObject(path), `${hub.name}/${CONFIG_FILE}`);
    doneBytes += file.sizeBytes;
  }
  progress(totalBytes, totalBytes);
}

async function fetchFile(
  hub: Hub,
  commit: string,
  file: HubFile,
  path: string,
  signal: AbortSignal,
  onBytes: (done: number) => void,
): Promise<void> {
  if (sizeOf(path) > file.sizeBytes) rmSync(path);
  for (let fruitless = 0; sizeOf(path) < file.sizeBytes;) {
    const before = sizeOf(path);
    try {
      await append(hub, commit, file, path, before, signal, onBytes);
    } catch (thrown) {
      refuseAborted(signal);
      fruitless = sizeOf(path) > before ? 0 : fruitless + 1;
      // What the hub or the disk answered will not change by asking again.
      const isFinal =
        thrown instanceof HubApiError || thrown instanceof AresError || toAresError(thrown).code === 'disk';
      if (isFinal) throw thrown;
      if (fruitless === FRUITLESS_TRIES) throw broken(file, thrown);
    }
  }
  if (file.sizeBytes === 0) await open(path, 'a').then((handle) => handle.close());
  await check(file, path);
  onBytes(file.sizeBytes);
}

/** Adds what the server sends from `start` on to the file, as it comes. */
async function append(
  hub: Hub,
  commit: string,
  file: HubFile,
  path: string,
  start: number,
  signal: AbortSignal,
  onBytes: (done: number) => void,
): Promise<void> {
  const { name, hubUrl, fetch } = hub;
  const blob = await downloadFile({
    repo: { type: 'model', name },
    path: file.path,
    revision: commit,
    hubUrl,
    fetch,
    // Xet reassembles a file from pieces of others; ranges of the file itself are what can be resumed and checked.
    xet: false,
    ...credentialsOf(hub),
  });
  if (blob === null)
    throw new AresError('not-found', 'The hub lists this file but does not have it.', { where: file.path });
  if (blob.size !== file.sizeBytes) throw notWhole(file, `it has ${blob.size} bytes, not ${file.sizeBytes}`);
  const reader = blob.slice(start).stream().getReader();
  const handle = await open(path, 'a');
  try {
    let done = start;
    for (;;) {
      const { value } = await withinTime(reader.read());
      if (value === undefined) break;
      refuseAborted(signal);
      await handle.appendFile(value);
      done += value.length;
      onBytes(Math.min(done, file.sizeBytes));
    }
    await handle.sync();
  } finally {
    await handle.close();
    await reader.cancel().catch(() => undefined);
  }
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came for ${STALL_MS / 1000} s`)), STALL_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Removes a file that is not what the hub names, so that the next attempt fetches it anew. */
async function check(file: HubFile, path: string): Promise<void> {
  const hash = digestFor(file);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  if (hash.digest('hex') === file.digest.hex && sizeOf(path) === file.sizeBytes) return;
  rmSync(path);
  throw notWhole(file, 'its checksum is another than the hub names');
}

function broken({ path }: HubFile, thrown: unknown): AresError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new AresError('network', `The connection broke again and again: ${reason}.`, {
    where: path,
    hint: 'Ask for the same model again later; what has come is kept.',
    cause: thrown,
  });
}

function notWhole({ path }: HubFile, why: string): AresError {
  return new AresError('bad-file', `The file that came is not the one that the hub lists: ${why}.`, {
    where: path,
    hint: 'Ask for the same model again; only this file is fetched anew.',
  });
}

async function refuseTooLarge(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (neededBytes <= freeBytes) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new AresError('disk', `The model needs ${gigabytes(neededBytes)} more; ${gigabytes(freeBytes)} are free.`, {
    where: folder,
    hint: 'Free some space, or choose a folder on another disk.',
  });
}

function totalOf(files: readonly HubFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** What the hub answers, as sentences. */
function explained(thrown: unknown, { name, revision, token }: PullRequest): AresError {
  if (!(thrown instanceof HubApiError)) return toAresError(thrown);
  const details = { where: name, cause: thrown };
  switch (thrown.statusCode) {
    case 401:
    case 403:
      return new AresError('not-found', 'The hub does not give this model to everyone, or has none of this name.', {
        ...details,
        hint:
          token === null
            ? 'Check the name; for a gated or private model set HF_TOKEN to an access token of your account.'
            : 'Check the name, and that the account of the access token has accepted the conditions of the model.',
      });
    case 404:
      return new AresError('not-found', `The hub has no model "${name}" with the revision "${revision}".`, {
        ...details,
        hint: 'Check the name and the revision.',
      });
    case 429:
      return new AresError('network', 'The hub asks to wait: too many requests from this address.', {
        ...details,
        hint: 'Ask for the same model again later; what has come is kept.',
      });
    default:
      return new AresError('network', `The hub answered with status ${thrown.statusCode}.`, {
        ...details,
        hint: 'Ask for the same model again later; what has come is kept.',
      });
  }
}
