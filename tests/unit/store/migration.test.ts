// Migration of a database from schema 1 (a frozen fixture) to the current one, with its backup.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { migrations, schemaVersion } from '#core/store/migrate.ts';
import { openStore } from '#core/store/store.ts';
import { errorOf, temporaryFolder } from './helpers.ts';

const schema1 = readFileSync(join(import.meta.dirname, 'fixtures', 'schema1.sql'), 'utf8');

function fixture(folder: string): string {
  const file = join(folder, 'project.db');
  const db = new Database(file);
  db.exec(schema1);
  db.close();
  return file;
}

/** The definition of every table, index and trigger, without comments and layout. */
function definitions(db: Database.Database): string[] {
  const sql = db.prepare<[], string>('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').pluck().all();
  return sql.map((text) =>
    text
      .replace(/--.*$/gm, '')
      .replace(/\s+/g, ' ')
      .replace(/ ?([(),;]) ?/g, '$1'),
  );
}

test('the first migration still makes what was released as schema 1', () => {
  const released = new Database(':memory:');
  released.exec(schema1);
  const now = new Database(':memory:');
  migrations[0]!(now);
  expect(definitions(now)).toEqual(definitions(released));
});

test('a database of schema 1 is migrated with all that is in it', () => {
  const folder = temporaryFolder();
  const store = openStore(fixture(folder));
  onTestFinished(() => store.close());
  expect(store.models.list().map(({ folder, parentId }) => [folder, parentId])).toEqual([
    [join(folder, 'models', 'base'), null],
    [join(folder, 'models', 'cold'), 1],
  ]);
  expect(store.problems.get(1)).toMatchObject({ key: 4000000000, answer: '53', meta: { grade: 'easy' } });
  expect(store.runs.get(1)).toMatchObject({ state: 'interrupted', recipe: '{"seed":7,"version":1}', seed: 7 });
  expect(store.runs.stages(1)).toHaveLength(2);
  expect(store.metrics.read({ runId: 1, stage: 1, name: 'accuracy' }).value).toEqual(Float64Array.of(0.25, NaN, 0.5));
  expect(store.labels.history(1)).toMatchObject([{ samples: 8, correct: 6, grader: 'exact' }]);
  expect(store.checkpoints.newest(1)).toMatchObject({
    folder: join(folder, 'runs', 'first', 'step-2'),
    manifestHash: 'dd44',
  });
  expect(store.events.page(1, 0, 10)).toHaveLength(1);
  // What later schemas brought works on the old rows.
  expect(store.rollouts.steps(1, 1)).toEqual([]);
  expect(store.comparisons.list()).toEqual([]);
});

test('the old file is backed up before, once, and the backup can be read', () => {
  const folder = temporaryFolder();
  const file = fixture(folder);
  openStore(file).close();
  openStore(file).close();
  expect(readdirSync(folder).sort()).toEqual(['project.db', 'project.db.v1.backup']);
  const backup = new Database(`${file}.v1.backup`, { readonly: true });
  onTestFinished(() => void backup.close());
  expect(backup.pragma('user_version', { simple: true })).toBe(1);
  expect(backup.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(backup.prepare('SELECT count(*) AS n FROM metrics').get()).toEqual({ n: 3 });
  const current = new Database(file, { readonly: true });
  onTestFinished(() => void current.close());
  expect(current.pragma('user_version', { simple: true })).toBe(schemaVersion);
  expect(current.pragma('foreign_key_check')).toEqual([]);
});

test('a migration that fails leaves the version before it, and the next start goes on from there', () => {
  const file = fixture(temporaryFolder());
  const db = new Database(file);
  db.exec('CREATE TABLE comparisons (inTheWay)');
  db.close();
  expect(errorOf(() => openStore(file)).message).toContain('comparisons');
  const half = new Database(file);
  expect(half.pragma('user_version', { simple: true })).toBe(2);
  half.exec('DROP TABLE comparisons');
  half.close();
  const store = openStore(file);
  onTestFinished(() => store.close());
  expect(store.comparisons.list()).toEqual([]);
  expect(store.runs.get(1)?.name).toBe('first');
});

test('a project that was moved before paths were relative finds its runs, checkpoints and models again', () => {
  const folder = temporaryFolder();
  const file = fixture(folder);
  const db = new Database(file);
  db.exec(`
    UPDATE runs SET folder = '/former/place/runs/1';
    UPDATE checkpoints SET folder = '/former/place/runs/1/checkpoints/policy/step-2';
    UPDATE models SET folder = '/former/place/runs/1/models/cold-start' WHERE modelId = 2;
    UPDATE models SET folder = '/former/places/base' WHERE modelId = 1;
    INSERT INTO runs SELECT 2, name, kind, state, recipe, recipeHash, seed, 'C:\\former\\runs\\2', parentId, createdMs,
      startedMs, endedMs, owner, error FROM runs;
  `);
  db.close();
  const store = openStore(file);
  onTestFinished(() => store.close());
  const here = (...names: string[]) => join(folder, 'runs', ...names);
  expect(store.runs.list().map((run) => run.folder)).toEqual([here('2'), here('1')]);
  expect(store.checkpoints.newest(1)?.folder).toBe(here('1', 'checkpoints', 'policy', 'step-2'));
  expect(store.models.list().map((model) => model.folder)).toEqual([
    '/former/places/base',
    here('1', 'models', 'cold-start'),
  ]);
});
