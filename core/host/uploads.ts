/**
 * Files that reach the host in pieces, from a browser that has no path to give.
 *
 * Owns: the folder of uploads, that pieces arrive in order and nothing exceeds what was announced, and
 * clearing away what earlier days left. What is done with a file is the importer's.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AresError, toAresError } from '#core/util/errors.ts';

/** An import reads its file at once or within the hour; after this nobody comes back for it. */
const KEPT_MS = 7 * 24 * 3600 * 1000;
const MAX_OPEN = 16;

export interface Uploads {
  /** @returns the upload's number */
  begin(name: string, sizeBytes: number): number;
  /** Appends; `offset` must be what has arrived so far, which is returned. */
  chunk(uploadId: number, offset: number, bytes: Uint8Array): number;
  /** @returns the path of the complete file */
  finish(uploadId: number): string;
  /** Drops what is incomplete. */
  close(): void;
}

interface Upload {
  folder: string;
  path: string;
  handle: number;
  sizeBytes: number;
  received: number;
}

export function createUploads(folder: string, now: () => number = Date.now): Uploads {
  const open = new Map<number, Upload>();
  let begun = 0;
  removeOld(folder, now());

  const drop = (uploadId: number, { handle, folder: own }: Upload) => {
    open.delete(uploadId);
    closeSync(handle);
    rmSync(own, { recursive: true, force: true });
  };
  const requireUpload = (uploadId: number): Upload => {
    const upload = open.get(uploadId);
    if (upload !== undefined) return upload;
    throw new AresError('not-found', `There is no upload ${uploadId}.`, { hint: 'Drop the file again.' });
  };

  return {
    begin(name, sizeBytes) {
      if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
        throw new AresError('usage', 'The size of the file is not a number of bytes.', { where: name });
      }
      if (open.size >= MAX_OPEN) {
        throw new AresError('usage', 'Too many files are being uploaded at once.', {
          hint: 'Wait until some have arrived.',
        });
      }
      const uploadId = ++begun;
      const own = join(folder, `${now()}-${process.pid}-${uploadId}`);
      const path = join(own, fileNameOf(name));
      try {
        mkdirSync(own, { recursive: true });
        open.set(uploadId, { folder: own, path, handle: openSync(path, 'wx'), sizeBytes, received: 0 });
      } catch (thrown) {
        throw toAresError(thrown);
      }
      return uploadId;
    },
    chunk(uploadId, offset, bytes) {
      const upload = requireUpload(uploadId);
      if (offset !== upload.received || offset + bytes.length > upload.sizeBytes) {
        drop(uploadId, upload);
        throw new AresError('usage', 'The pieces of the file do not fit together.', { hint: 'Drop the file again.' });
      }
      try {
        for (let written = 0; written < bytes.length;) {
          written += writeSync(upload.handle, bytes, written, bytes.length - written);
        }
      } catch (thrown) {
        drop(uploadId, upload);
        throw toAresError(thrown);
      }
      upload.received += bytes.length;
      return upload.received;
    },
    finish(uploadId) {
      const upload = requireUpload(uploadId);
      if (upload.received !== upload.sizeBytes) {
        drop(uploadId, upload);
        throw new AresError('usage', 'The file has not arrived completely.', { hint: 'Drop the file again.' });
      }
      open.delete(uploadId);
      closeSync(upload.handle);
      return upload.path;
    },
    close() {
      for (const [uploadId, upload] of open) drop(uploadId, upload);
    },
  };
}

/** The name alone, without what some file system treats as a path, a stream or a device. */
function fileNameOf(name: string): string {
  const last = name.split(/[/\\]/).at(-1)!;
  const plain = last
    .replaceAll(/[\p{Cc}<>:"|?*]/gu, '_')
    .replace(/^\.+/, '')
    .replace(/[. ]+$/, '');
  return plain === '' ? 'file' : plain;
}

function removeOld(folder: string, nowMs: number): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const own = join(folder, name);
    if (nowMs - statSync(own).mtimeMs > KEPT_MS) rmSync(own, { recursive: true, force: true });
  }
}
