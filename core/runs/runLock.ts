/**
 * One process per run folder.
 *
 * Owns: the file `run.lock`, which names the process that works there, and taking it over from one
 * that died. It protects the checkpoints also where two programs do not share a project database.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOwner } from '#core/store/runs.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { type ProcessTable, hasEnded, systemProcesses } from './processIdentity.ts';

const LOCK_FILE = 'run.lock';

/**
 * Locks a run folder, which is made if need be.
 * @returns a function that unlocks it
 * @throws AresError 'usage' when another process works there, 'disk' when the lock cannot be written
 */
export function lockRunFolder(folder: string, owner: RunOwner, processes: ProcessTable = systemProcesses): () => void {
  const file = join(folder, LOCK_FILE);
  try {
    mkdirSync(folder, { recursive: true });
    if (!create(file, owner)) takeOver(file, owner, processes);
  } catch (thrown) {
    throw toAresError(thrown);
  }
  return () => {
    if (isSame(read(file), owner)) rmSync(file, { force: true });
  };
}

/** Writes the lock if there is none; of several processes one succeeds. */
function create(file: string, owner: RunOwner): boolean {
  let handle: number;
  try {
    handle = openSync(file, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(handle, JSON.stringify(owner));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return true;
}

/**
 * Replaces the lock of a dead process. Two processes may find the same dead lock; without a second
 * lock around the replacement the slower one would remove the new lock of the faster.
 */
function takeOver(file: string, owner: RunOwner, processes: ProcessTable): void {
  const takingOver = `${file}.takeover`;
  if (!create(takingOver, owner)) throw occupied(takingOver, read(takingOver));
  try {
    const holder = read(file);
    if (holder !== 'absent') {
      if (holder === 'unreadable' || !hasEnded(holder, processes)) throw occupied(file, holder);
      rmSync(file, { force: true });
    }
    if (!create(file, owner)) throw occupied(file, read(file));
  } finally {
    rmSync(takingOver, { force: true });
  }
}

type Holder = RunOwner | 'absent' | 'unreadable';

function read(file: string): Holder {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent';
    throw error;
  }
  try {
    return JSON.parse(text) as RunOwner;
  } catch {
    // Its writer is just creating it, or the power failed while it did.
    return 'unreadable';
  }
}

function isSame(holder: Holder, owner: RunOwner): boolean {
  return typeof holder === 'object' && JSON.stringify(holder) === JSON.stringify(owner);
}

function occupied(file: string, holder: Holder): AresError {
  const who = typeof holder === 'object' ? `process ${holder.pid} on ${holder.host}` : 'another process';
  return new AresError('usage', `This run is already being worked on by ${who}.`, {
    where: file,
    hint: 'Wait for it or stop it. If no such process exists any more, delete this file.',
  });
}
