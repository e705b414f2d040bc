/**
 * Bringing a dropped file to the host.
 *
 * Owns: the choice between naming its path, where the shell knows it, and sending its content in pieces,
 * where it does not. Either way a path on the host's machine comes out.
 */
import type { Client } from '#core/contract/client.ts';

/** Well below the contract's limit for a piece, so that progress moves and memory stays small. */
const CHUNK_BYTES = 2 * 1024 * 1024;

/** What is needed of a File. */
export interface DroppedFile {
  readonly name: string;
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/**
 * @param progress told the share that has arrived, 0 to 1
 * @returns the path of the copy on the host
 * @throws ContractError
 */
export async function upload(
  client: Pick<Client, 'call'>,
  file: DroppedFile,
  progress: (share: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const { uploadId } = await client.call('uploads.begin', { name: file.name, sizeBytes: file.size });
  for (let offset = 0; offset < file.size; offset += CHUNK_BYTES) {
    signal?.throwIfAborted();
    const part = file.slice(offset, Math.min(file.size, offset + CHUNK_BYTES));
    const bytes = new Uint8Array(await part.arrayBuffer());
    const { received } = await client.call('uploads.chunk', { uploadId, offset, bytes });
    progress(received / file.size);
  }
  const { path } = await client.call('uploads.finish', { uploadId });
  return path;
}
