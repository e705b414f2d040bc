/**
 * Which files of a hub repository make a model that opens here, and how each is known to be whole.
 *
 * Owns: choosing among what the repository lists, and the digests that the hub names files by. It downloads
 * nothing.
 */
import { createHash, type Hash } from 'node:crypto';
import type { ListFileEntry } from '@huggingface/hub';
import { AresError } from '#core/util/errors.ts';

export interface HubFile {
  path: string;
  sizeBytes: number;
  /** Large files are known by the SHA-256 of their bytes, others by git's name of a blob. */
  digest: { kind: 'sha256' | 'git'; hex: string };
}

/** Read when a model is opened here, or carried along when one is saved. */
const wantedNames: ReadonlySet<string> = new Set([
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'processor_config.json',
  'model.safetensors.index.json',
  // Names the licence, which the card of a trained model repeats.
  'README.md',
  'LICENSE',
  'LICENSE.txt',
  'LICENSE.md',
]);

/**
 * Files of the repository's top folder. Of two sets of weights in it (as Mistral's "consolidated" copies) only
 * the one that config.json belongs to is taken.
 * @throws AresError 'unsupported' when it has no configuration or no safetensors weights, 'bad-file' when an
 *   entry is not one that could be checked
 */
export function modelFiles(entries: readonly ListFileEntry[], name: string): HubFile[] {
  const files = entries.filter(
    ({ type, path }) => type === 'file' && (wantedNames.has(path) || /^model(-\d+-of-\d+)?\.safetensors$/.test(path)),
  );
  const has = (test: (path: string) => boolean) => files.some(({ path }) => test(path));
  if (!has((path) => path === 'config.json')) {
    throw new AresError('unsupported', 'This repository holds no config.json, so it is not a model that opens here.', {
      where: name,
      hint: 'Name the original repository: GGUF and ONNX conversions and bare adapters cannot be trained.',
    });
  }
  if (!has((path) => path.endsWith('.safetensors'))) {
    const isPickled = entries.some(({ path }) => /\.(bin|pt|pth|ckpt)$/.test(path));
    const why = isPickled ? 'Its weights are Python pickles; reading those runs code, so they are never opened.' : '';
    throw new AresError('unsupported', `This repository holds no safetensors weights. ${why}`.trim(), {
      where: name,
      hint: 'Look for a revision or a copy with model.safetensors.',
    });
  }
  return files.map((entry) => ({
    path: entry.path,
    sizeBytes: entry.lfs?.size ?? entry.size,
    digest: digestOf(entry),
  }));
}

function digestOf({ path, oid, lfs }: ListFileEntry): HubFile['digest'] {
  const [kind, hex] = lfs === undefined ? (['git', oid] as const) : (['sha256', lfs.oid] as const);
  const length = kind === 'git' ? 40 : 64;
  if (hex !== undefined && new RegExp(`^[0-9a-f]{${length}}$`).test(hex)) return { kind, hex };
  throw new AresError('bad-file', 'The hub names no checksum for this file.', { where: path });
}

/** A hash that is given the bytes of a file and then yields its digest in hex. */
export function digestFor({ digest: { kind }, sizeBytes }: HubFile): Hash {
  if (kind === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${sizeBytes}\0`);
}
