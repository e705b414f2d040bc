// Opening a database: settings, refusals that change nothing, damage, and a full or read-only disk.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '#core/store/database.ts';
import { schemaVersion } from '#core/store/migrate.ts';
import { openStore, storeOn } from '#core/store/store.ts';
import { durably, inTransaction } from '#core/store/transactions.ts';
import { errorOf, run, temporaryFolder } from './helpers.ts';

const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** A database with its log, as a killed process leaves them: copied while a connection was open. */
function leftOver(folder: string): string {
  const original = join(folder, 'original.db');
  const store = openStore(original);
  const steps = Array.from({ length: 2000 }, (_, step) => ({ step, values: { loss: step / 3 } }));
  const runId = store.runs.create(run, []);
  store.metrics.write(runId, 0, steps);
  const copy = join(folder, 'left.db');
  for (const suffix of ['', '-wal']) copyFileSync(original + suffix, copy + suffix);
  store.close();
  return copy;
}

describe('settings', () => {
  test('are in force on a fresh database in a folder that did not exist', () => {
    const db = openDatabase(join(temporaryFolder(), 'new', 'project.db'));
    onTestFinished(() => void db.close());
    const setting = (name: string) => db.pragma(name, { simple: true });
    expect(setting('journal_mode')).toBe('wal');
    expect(setting('foreign_keys')).toBe(1);
    expect(setting('trusted_schema')).toBe(0);
    expect(setting('cell_size_check')).toBe(1);
    expect(setting('user_version')).toBe(schemaVersion);
    expect(setting('busy_timeout')).toBeGreaterThan(0);
    const tables = db.prepare(`SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'`).all();
    expect(tables.length).toBeGreaterThan(10);
    expect(tables.filter((table) => (table as { strict: number }).strict !== 1)).toEqual([]);
  });

  test('every foreign key has an index, so that deleting a run does not scan', () => {
    const db = openDatabase(join(temporaryFolder(), 'project.db'));
    onTestFinished(() => void db.close());
    const tables = db.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all();
    const keys = tables.flatMap((table) => {
      const rows = db.pragma(`foreign_key_list(${table})`) as { id: number; from: string }[];
      return Object.values(Object.groupBy(rows, ({ id }) => id)).map((key) => ({
        table,
        columns: key!.map(({ from }) => from),
      }));
    });
    expect(keys.length).toBeGreaterThan(10);
    for (const { table, columns } of keys) {
      // The names of metrics are never deleted.
      if (columns[0] === 'nameId') continue;
      const where = columns.map((column) => `${column} = 1`).join(' AND ');
      const plan = db.prepare(`EXPLAIN QUERY PLAN SELECT 1 FROM ${table} WHERE ${where}`).all() as { detail: string }[];
      expect.soft(plan[0]!.detail, `${table} (${columns.join(', ')})`).toMatch(/^SEARCH/);
    }
  });

  test('a durable commit inside one that is not is refused', () => {
    const db = openDatabase(join(temporaryFolder(), 'project.db'));
    onTestFinished(() => void db.close());
    const level = () => db.pragma('synchronous', { simple: true });
    expect(level()).toBe(1);
    expect(durably(db, () => durably(db, level))).toBe(2);
    expect(level()).toBe(1);
    expect(errorOf(() => inTransaction(db, () => durably(db, level))).code).toBe('internal');
    expect(() =>
      durably(db, () => {
        throw new Error('from the body');
      }),
    ).toThrow('from the body');
    expect(level()).toBe(1);
  });
});

test('a transaction takes the write lock before it reads, so that what it read is still true when it writes', () => {
  const file = join(temporaryFolder(), 'project.db');
  const [first, second] = [openDatabase(file), openDatabase(file)];
  onTestFinished(() => [first, second].forEach((db) => db.close()));
  second.pragma('busy_timeout = 0');
  const other = storeOn(second, file);
  const read = inTransaction(first, () => {
    const error = errorOf(() => other.runs.create(run, []));
    expect(error.message).toContain('locked');
    return first.prepare('SELECT count(*) AS runs FROM runs').get();
  });
  expect(read).toEqual({ runs: 0 });
  expect(other.runs.create(run, [])).toBe(1);
});

describe('a file that must not be used is refused and left alone', () => {
  test('newer schema', () => {
    const folder = temporaryFolder();
    const file = join(folder, 'project.db');
    openStore(file).close();
    const db = new Database(file);
    db.pragma(`user_version = ${schemaVersion + 1}`);
    db.close();
    const before = hash(file);
    const error = errorOf(() => openStore(file));
    expect(error.code).toBe('store');
    expect(error.message).toContain(`schema ${schemaVersion + 1}`);
    expect(error.where).toBe(file);
    expect(hash(file)).toBe(before);
    expect(readdirSync(folder).filter((name) => name.includes('backup'))).toEqual([]);
  });

  test('a database of another program', () => {
    const file = join(temporaryFolder(), 'other.db');
    const db = new Database(file);
    db.exec('CREATE TABLE theirs (x)');
    db.close();
    const before = hash(file);
    expect(errorOf(() => openStore(file)).message).toContain('not made by the ARES Workbench');
    expect(hash(file)).toBe(before);
  });

  test('something that is no database', () => {
    const file = join(temporaryFolder(), 'notes.txt');
    writeFileSync(file, 'just some notes, but long enough to be taken for a database header. '.repeat(20));
    const before = hash(file);
    const error = errorOf(() => openStore(file));
    expect(error.code).toBe('store');
    expect(error.hint).toContain('.backup');
    expect(hash(file)).toBe(before);
  });

  test('damage found after an unclean exit', () => {
    const file = leftOver(temporaryFolder());
    // Merge the log into the file but keep a log with content beside it, then wreck a page in the middle.
    const bytes = readFileSync(`${file}-wal`);
    openStore(file).close();
    const content = readFileSync(file);
    content.fill(0xab, 4096 * 6, 4096 * 7);
    writeFileSync(file, content);
    writeFileSync(`${file}-wal`, bytes.subarray(0, 32));
    const before = hash(file);
    const error = errorOf(() => openStore(file));
    expect(error.code).toBe('store');
    expect(error.message).toContain('damaged');
    expect(error.where).toBe(file);
    expect(hash(file)).toBe(before);
    expect(existsSync(file)).toBe(true);
  });

  test('a truncated file', () => {
    const file = join(temporaryFolder(), 'project.db');
    openStore(file).close();
    truncateSync(file, 4096 * 3);
    const error = errorOf(() => openStore(file));
    expect(error.code).toBe('store');
    expect(error.message).toContain('damaged');
  });
});

test('a log left by an unclean exit is taken in', () => {
  const file = leftOver(temporaryFolder());
  const store = openStore(file);
  onTestFinished(() => store.close());
  expect(store.metrics.summaries(1)).toEqual([
    { stage: 0, name: 'loss', points: 2000, lastStep: 1999, lastValue: 1999 / 3 },
  ]);
});

describe('a disk that does not take it', () => {
  test('full: the batch is undone, the error says so, and writing goes on once there is room', () => {
    const file = join(temporaryFolder(), 'project.db');
    const db = openDatabase(file);
    const store = storeOn(db, file);
    onTestFinished(() => store.close());
    const runId = store.runs.create(run, []);
    store.metrics.write(runId, 0, [{ step: 0, values: { loss: 1 } }]);
    const pages = Number(db.pragma('page_count', { simple: true }));
    db.pragma(`max_page_count = ${pages + 2}`);
    const many = Array.from({ length: 5000 }, (_, step) => ({ step: step + 1, values: { loss: step } }));
    const error = errorOf(() => store.metrics.write(runId, 0, many));
    expect(error.code).toBe('disk');
    expect(error.message).toContain('full');
    expect(store.metrics.read({ runId, stage: 0, name: 'loss' }).step).toEqual(Int32Array.of(0));
    db.pragma('max_page_count = 1000000');
    store.metrics.write(runId, 0, many);
    expect(store.metrics.read({ runId, stage: 0, name: 'loss' }).step.length).toBe(5001);
  });

  test('full within several durable writes: none of them happened', () => {
    const file = join(temporaryFolder(), 'project.db');
    const db = openDatabase(file);
    const store = storeOn(db, file);
    onTestFinished(() => store.close());
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`);
    const error = errorOf(() =>
      store.durably(() => {
        store.runs.create({ ...run, recipe: JSON.stringify('x'.repeat(100_000)) }, []);
      }),
    );
    expect(error.code).toBe('disk');
    expect(store.runs.list()).toEqual([]);
  });

  test('read-only', () => {
    const file = join(temporaryFolder(), 'project.db');
    const db = openDatabase(file);
    const store = storeOn(db, file);
    onTestFinished(() => store.close());
    db.pragma('query_only = ON');
    expect(errorOf(() => store.runs.create(run, [])).code).toBe('disk');
  });

  test('a folder that cannot be made', () => {
    const blocked = join(temporaryFolder(), 'file');
    writeFileSync(blocked, '');
    expect(errorOf(() => openStore(join(blocked, 'project.db'))).where).toContain(blocked);
  });
});
