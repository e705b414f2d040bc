/**
 * Transactions and how durable they are.
 *
 * Owns: the two kinds of commit. In WAL mode with synchronous=NORMAL a commit survives the death of
 * the process but the last ones may vanish with the power, which is right for metrics and rollouts
 * (they are computed again). Run states and checkpoints must not vanish: they commit with FULL.
 */
import type { Connection } from './connection.ts';
import { AresError } from '#core/util/errors.ts';

const SYNCHRONOUS_FULL = 2;

/** All or nothing. Takes the write lock at once, so that a read inside is still true at the write. */
export function inTransaction<T>(db: Connection, body: () => T): T {
  return db.transaction(body).immediate();
}

/** All or nothing, and on disk when it returns. May be nested in another durable transaction only. */
export function durably<T>(db: Connection, body: () => T): T {
  if (db.inTransaction) {
    // SQLite ignores a change of the level inside a transaction: the outer one decides.
    if (db.pragma('synchronous', { simple: true }) !== SYNCHRONOUS_FULL) {
      throw new AresError('internal', 'A durable write was begun inside a transaction that is not durable.');
    }
    return inTransaction(db, body);
  }
  db.pragma('synchronous = FULL');
  try {
    return inTransaction(db, body);
  } finally {
    db.pragma('synchronous = NORMAL');
  }
}
