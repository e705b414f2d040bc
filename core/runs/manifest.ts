/**
 * The manifest of a checkpoint: what must be in its folder, and the state of everything that is not
 * a file.
 *
 * Owns: the format and its own protection (a hash over its content, so that a flipped digit of the
 * state is found as surely as one of the weights). Whether the files agree is checkpoint.ts's.
 */
import { z } from 'zod';
import { type JsonValue, canonicalJson, sha256 } from './canonicalJson.ts';

export const MANIFEST_FILE = 'manifest.json';
const FORMAT = 1;

export interface ManifestFile {
  /** Relative to the folder, with forward slashes. */
  name: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

export interface Manifest {
  stage: string;
  step: number;
  files: readonly ManifestFile[];
  /** Seed, data cursor, controllers: all that a resumed run needs beside the files. */
  state: JsonValue;
}

const schema = z.strictObject({
  format: z.literal(FORMAT),
  stage: z.string(),
  step: z.int().nonnegative(),
  files: z.array(
    z.strictObject({
      name: z.string().refine(isInside),
      bytes: z.int().nonnegative(),
      sha256: z.string(),
    }),
  ),
  state: z.json(),
  sha256: z.string(),
});

/** Whether a relative name stays within its folder on every platform. */
export function isInside(name: string): boolean {
  if (name.includes('\\') || name.includes(':') || name.startsWith('/')) return false;
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** SHA-256 of what a manifest says: the identity of the checkpoint. */
export function manifestHash({ stage, step, files, state }: Manifest): string {
  const listed = files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
  return sha256(canonicalJson({ format: FORMAT, stage, step, files: listed, state }));
}

export function printManifest(manifest: Manifest): string {
  const { stage, step, files, state } = manifest;
  return `${JSON.stringify({ format: FORMAT, stage, step, files, state, sha256: manifestHash(manifest) }, null, 2)}\n`;
}

/** The manifest, or one phrase that says why the text is none. */
export function parseManifest(text: string): Manifest | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'the manifest is not valid JSON';
  }
  const result = schema.safeParse(parsed);
  if (!result.success) return 'the manifest is not in the format of this version';
  const { stage, step, files, state } = result.data;
  const manifest: Manifest = { stage, step, files, state };
  // Letter by letter, the hash included: two spellings of one number would have the same hash.
  return printManifest(manifest) === text ? manifest : 'the manifest was altered';
}
