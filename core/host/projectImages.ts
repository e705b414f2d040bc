/**
 * Images of a project's problems: files under `images/`, named by their content.
 *
 * Owns: the names, writing an image once however many problems show it, and reading one back. A name that
 * did not come from here is refused. Pixels are not decoded.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ImageType, imageType } from '#core/data/cells.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { AresError, toAresError } from '#core/util/errors.ts';

const FOLDER = 'images';
const imageName = /^[0-9a-f]{64}\.(png|jpeg|webp|gif|bmp)$/;

/**
 * @param bytes of an image of a kind that data/ accepts
 * @returns its name, and whether the file is new
 * @throws AresError 'disk'
 */
export function storeImage(projectFolder: string, bytes: Uint8Array): { name: string; isNew: boolean } {
  const name = storedImageName(bytes);
  const path = imagePath(projectFolder, name);
  if (existsSync(path)) return { name, isNew: false };
  try {
    // Two characters of the hash as a folder: a hundred thousand files in one folder are slow to list.
    mkdirSync(join(projectFolder, FOLDER, name.slice(0, 2)), { recursive: true });
    writeFileAtomic(path, bytes);
  } catch (thrown) {
    throw toAresError(thrown);
  }
  return { name, isNew: true };
}

/** The name that an image has in every project. */
export function storedImageName(bytes: Uint8Array): string {
  return `${createHash('sha256').update(bytes).digest('hex')}.${imageType(bytes)!}`;
}

/** @throws AresError 'not-found' for a name that is none, or a file that is gone */
export async function readStoredImage(
  projectFolder: string,
  name: string,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; mediaType: `image/${ImageType}` }> {
  const extension = imageName.exec(name)?.[1] as ImageType | undefined;
  if (extension === undefined) throw new AresError('not-found', 'This problem has no such image.', { where: name });
  try {
    return { bytes: new Uint8Array(await readFile(imagePath(projectFolder, name))), mediaType: `image/${extension}` };
  } catch (thrown) {
    throw toAresError(thrown);
  }
}

/** Reads the images of a project's problems by name, for whoever needs the bytes alone. */
export function imageReader(projectFolder: string): (name: string) => Promise<Uint8Array> {
  return async (name) => (await readStoredImage(projectFolder, name)).bytes;
}

export function imagePath(projectFolder: string, name: string): string {
  return join(projectFolder, FOLDER, name.slice(0, 2), name);
}
