/**
 * Where the images of a problem are, and reading them.
 *
 * Owns: the forms in which datasets hold images, and the rule that a path in a row may name a file of the
 * dataset and nothing else. It decodes no pixels.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { AresError, toAresError } from '#core/util/errors.ts';
import { type Cell, imageType, isObject } from './cells.ts';
import { MEBIBYTE } from './source.ts';
import type { ZipArchive } from './zipArchive.ts';

export const MAX_IMAGE_BYTES = 64 * MEBIBYTE;

/** An image, not read yet unless its dataset holds it in the row itself. */
export type ImageSource =
  | { kind: 'bytes'; bytes: Uint8Array }
  /** `name` is the path in the row, with forward slashes. */
  | { kind: 'file'; path: string; name: string }
  | { kind: 'entry'; archive: ZipArchive; entry: string };

/** The place that paths in rows are relative to: a folder on disk, or a folder inside an archive. */
export type ImageRoot = { kind: 'folder'; folder: string } | { kind: 'archive'; archive: ZipArchive; prefix: string };

/** Thrown when a row's image cannot be used; the row becomes a bad row with this message as its reason. */
export class ImageError extends Error {}

/**
 * The images in a cell: bytes, {bytes, path}, a path, a data: URI, or a list of these; none for an empty cell.
 * @throws ImageError for a path that leaves the dataset, a file that is missing, or what is no image at all
 */
export function resolveImages(cell: Cell, root: ImageRoot): ImageSource[] {
  if (cell === null || cell === '') return [];
  if (Array.isArray(cell)) return cell.flatMap((item) => resolveImages(item, root));
  if (cell instanceof Uint8Array) return [imageBytes(cell)];
  if (typeof cell === 'string') return [cell.startsWith('data:') ? fromDataUri(cell) : resolvePath(cell, root)];
  if (isObject(cell)) {
    const { bytes, path } = cell;
    if (bytes instanceof Uint8Array) return [imageBytes(bytes)];
    if (typeof path === 'string') return [resolvePath(path, root)];
  }
  throw new ImageError('the image column holds no image');
}

function imageBytes(bytes: Uint8Array): ImageSource {
  if (imageType(bytes) === null) throw new ImageError('the image is not PNG, JPEG, WebP, GIF or BMP');
  if (bytes.length > MAX_IMAGE_BYTES)
    throw new ImageError(`the image is larger than ${MAX_IMAGE_BYTES / MEBIBYTE} MiB`);
  return { kind: 'bytes', bytes };
}

function fromDataUri(uri: string): ImageSource {
  const comma = uri.indexOf(',');
  if (comma < 0 || comma > 100 || !uri.slice(0, comma).endsWith(';base64')) {
    throw new ImageError('the image is a data: address without base64');
  }
  return imageBytes(new Uint8Array(Buffer.from(uri.slice(comma + 1), 'base64')));
}

/** Why a path may not be followed, whatever the platform it was written for; null when it may. */
export function pathProblem(path: string): string | null {
  if (/^[A-Za-z][A-Za-z0-9+.-]+:/.test(path)) return 'the image is an address on the network, which is never fetched';
  // A colon is a drive or an alternate stream on Windows.
  if (/^(?:[\\/]|[A-Za-z]:)/.test(path)) return 'the image path is absolute';
  if (path.includes(':') || path.includes('\0')) return 'the image path has characters that are not allowed';
  if (path.split(/[\\/]/).includes('..')) return 'the image path leaves the folder of the dataset';
  return null;
}

function resolvePath(path: string, root: ImageRoot): ImageSource {
  const problem = pathProblem(path);
  if (problem !== null) throw new ImageError(problem);
  const relative = path.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
  if (root.kind === 'archive') {
    const entry = root.prefix + relative;
    if (!root.archive.has(entry)) throw new ImageError('the image is not in the archive');
    return { kind: 'entry', archive: root.archive, entry };
  }
  const target = join(root.folder, relative);
  if (!existsSync(target)) throw new ImageError('the image file is missing');
  // A link may point anywhere: what counts is where it leads.
  const [realFolder, realTarget] = [realpathSync(root.folder), realpathSync(target)];
  if (!realTarget.startsWith(realFolder.endsWith(sep) ? realFolder : realFolder + sep)) {
    throw new ImageError('the image path leaves the folder of the dataset');
  }
  const { size } = statSync(realTarget);
  if (size > MAX_IMAGE_BYTES) throw new ImageError(`the image is larger than ${MAX_IMAGE_BYTES / MEBIBYTE} MiB`);
  return { kind: 'file', path: realTarget, name: relative };
}

/**
 * What tells one image from another within a dataset, without reading files: its bytes, or its name. Where the
 * dataset lies is no part of it: the same files elsewhere are the same problems, with the same random numbers.
 */
export function imageIdentity(source: ImageSource): string | Uint8Array {
  switch (source.kind) {
    case 'bytes':
      return source.bytes;
    case 'file':
      return source.name;
    case 'entry':
      return source.entry;
  }
}

/**
 * The bytes of an image.
 * @throws AresError when the file is gone, or is no image
 */
export async function readImage(source: ImageSource): Promise<Uint8Array> {
  if (source.kind === 'bytes') return source.bytes;
  const where = source.kind === 'file' ? source.path : `${source.archive.path}: ${source.entry}`;
  const bytes =
    source.kind === 'file'
      ? await readFile(source.path).catch((error: unknown) => {
          throw toAresError(error);
        })
      : await source.archive.read(source.entry, MAX_IMAGE_BYTES);
  if (imageType(bytes) === null) {
    throw new AresError('bad-file', 'This is not a PNG, JPEG, WebP, GIF or BMP image.', {
      where,
      hint: 'Replace the file.',
    });
  }
  return bytes;
}
