/**
 * A model folder copied to where a person wants it, with a model card.
 *
 * Owns: what is copied and that it appears complete or not at all. What the card says is modelCard.ts.
 */
import { cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { flush, writeFlushed } from '#core/util/atomicFiles.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import type { JobControl } from './hostContext.ts';

const CARD_FILE = 'README.md';

/**
 * @param target must not exist; its parent is made if need be
 * @param progress told in bytes
 * @throws AresError 'disk', 'not-found', 'usage' when the target exists, 'interrupted' when cancelled
 */
export async function exportModel(
  source: string,
  target: string,
  card: string,
  { signal, progress }: JobControl,
): Promise<void> {
  refuseExisting(target);
  const temporary = `${target}.tmp`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    const names = (await readdir(source, { withFileTypes: true })).filter(
      (entry) => entry.isFile() && entry.name !== CARD_FILE,
    );
    const sizes = await Promise.all(names.map(async ({ name }) => (await stat(join(source, name))).size));
    const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
    let doneBytes = 0;
    for (const [i, { name }] of names.entries()) {
      progress(doneBytes, totalBytes);
      if (signal.aborted) throw new AresError('interrupted', 'The export was cancelled. Nothing was written.');
      await cp(join(source, name), join(temporary, name));
      flush(join(temporary, name));
      doneBytes += sizes[i]!;
    }
    writeFlushed(join(temporary, CARD_FILE), [card]);
    flush(temporary);
    refuseExisting(target);
    await rename(temporary, target);
    flush(dirname(target));
    progress(totalBytes, totalBytes);
  } catch (thrown) {
    await rm(temporary, { recursive: true, force: true });
    throw toAresError(thrown);
  }
}

function refuseExisting(target: string): void {
  if (!existsSync(target)) return;
  throw new AresError('usage', 'This already exists.', {
    where: target,
    hint: 'Name a folder that does not exist yet.',
  });
}
