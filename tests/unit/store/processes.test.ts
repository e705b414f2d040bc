// Other processes: one killed in the middle of its writes, and two writing to the same file at once.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '#core/store/store.ts';
import { run, temporaryFolder } from './helpers.ts';

function writer(file: string, runId: number, stage: number, last: number): ChildProcess {
  const script = join(import.meta.dirname, 'fixtures', 'writer.ts');
  return spawn(process.execPath, [script, file, String(runId), String(stage), String(last)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('kill -9 in the middle of a batch loop: the file is whole and every acknowledged commit is in it', async () => {
  const file = join(temporaryFolder(), 'project.db');
  const creator = openStore(file);
  const runId = creator.runs.create(run, []);
  creator.close();

  const child = writer(file, runId, 1, 1e9);
  let acknowledged = -1;
  for await (const line of createInterface({ input: child.stdout! })) {
    acknowledged = Number(line);
    if (acknowledged === 25) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);

  const store = openStore(file);
  const db = new Database(file, { readonly: true });
  onTestFinished(() => {
    db.close();
    store.close();
  });
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(db.pragma('foreign_key_check')).toEqual([]);
  // A batch is whole or absent, and none is missing before the last.
  const counts = db
    .prepare<[], { step: number; n: number }>('SELECT step, count(*) AS n FROM metrics GROUP BY step')
    .all();
  expect(counts).toEqual(counts.map((_, step) => ({ step, n: 50 })));
  expect(counts.length).toBeGreaterThan(acknowledged);
  // The two writes of one transaction go together.
  const checkpoints = store.checkpoints.list(runId).map(({ folder }) => folder);
  expect(store.events.page(runId, 0, 1e6).map(({ message }) => message)).toEqual(checkpoints);
  expect(checkpoints.length).toBeGreaterThan(acknowledged);
  expect(counts.length - checkpoints.length).toBeOneOf([0, 1]);
});

test('two processes write to the same file at once and neither fails nor loses anything', async () => {
  const file = join(temporaryFolder(), 'project.db');
  const store = openStore(file);
  onTestFinished(() => store.close());
  const runId = store.runs.create(run, []);
  const steps = 100;

  const child = writer(file, runId, 1, steps);
  await once(createInterface({ input: child.stdout! }), 'line');
  for (let step = 0; step < steps; step++) {
    store.metrics.write(runId, 0, [{ step, values: { loss: step } }]);
    store.durably(() =>
      store.checkpoints.record({ runId, stage: 0, step, folder: 'f', manifestHash: 'h', createdMs: 1 }),
    );
  }
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(0);
  expect(store.checkpoints.list(runId)).toHaveLength(2 * steps);
  expect(store.metrics.read({ runId, stage: 0, name: 'loss' }).step).toHaveLength(steps);
  expect(store.metrics.read({ runId, stage: 1, name: 'metric-49' }).step).toHaveLength(steps);
});
