// The engine for looking at models: one process, one model, let go when nobody looks.
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { Engine } from '#core/engine/api.ts';
import { createInspectionEngine } from '#core/host/inspectionEngine.ts';
import { AresError } from '#core/util/errors.ts';
import { writeTinyModel } from '../engine/tinyFolder.ts';
import { temporaryFolder } from '../store/helpers.ts';

function watched(changes: { idleMs?: number; memoryLimitBytes?: number } = {}) {
  const log: string[] = [];
  let started = 0;
  let opened = 0;
  const startEngine = async (_: unknown, ended: AbortSignal): Promise<Engine> => {
    const number = ++started;
    log.push(`start ${number}`);
    ended.addEventListener('abort', () => log.push(`kill ${number}`));
    const engine: Partial<Engine> = {
      openModel: async (folder) => {
        const handle = `m${++opened}`;
        log.push(`open ${folder.split('/').at(-1)} as ${handle}`);
        return { handle, parameters: 1, vocabSize: 1, maxPositions: 1 };
      },
      closeModel: async (handle) => void log.push(`close ${handle}`),
      openTrainer: async () => undefined,
      loadTrainer: async (_, folder) => void log.push(`load ${folder}`),
      close: async () => void log.push(`end ${number}`),
    };
    return engine as Engine;
  };
  const { memoryLimitBytes = null, idleMs } = changes;
  const limits = () => ({ threads: 1, memoryLimitBytes });
  const inspection = createInspectionEngine({ startEngine, limits, ...(idleMs === undefined ? {} : { idleMs }) });
  const parent = temporaryFolder();
  const source = (name: string, checkpoint: string | null = null) => {
    const folder = join(parent, name);
    writeTinyModel(folder);
    return { folder, checkpoint, longestSequence: 20 };
  };
  return { inspection, log, source };
}

it('keeps the model it has, and holds one at a time', async () => {
  const { inspection, log, source } = watched();
  const [a, b] = [source('a'), source('b')];
  for (const each of [a, a, b, { ...b, checkpoint: 'step-2' }]) await inspection.withModel(each, async () => undefined);
  await inspection.close();
  expect(log).toEqual([
    'start 1',
    'open a as m1',
    'close m1',
    'open b as m2',
    'close m2',
    'open b as m3',
    'load step-2',
    'end 1',
  ]);
});

it('serves calls one after another, and a failure ends its own call only', async () => {
  const { inspection, source } = watched();
  const a = source('a');
  const order: string[] = [];
  const slow = inspection.withModel(a, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push('first');
    throw new AresError('bad-data', 'no');
  });
  const next = inspection.withModel(a, async () => void order.push('second'));
  await expect(slow).rejects.toThrow('no');
  await next;
  expect(order).toEqual(['first', 'second']);
});

it('ends the engine when nobody has looked for a while, and starts another when somebody does', async () => {
  const { inspection, log, source } = watched({ idleMs: 5 });
  const a = source('a');
  await inspection.withModel(a, async () => undefined);
  await vi.waitUntil(() => log.includes('end 1'));
  await inspection.withModel(a, async () => undefined);
  expect(log).toContain('start 2');
  await inspection.close();
  expect(log.at(-1)).toBe('end 2');
});

it('waits for the call being served before it closes, and starts anew after an engine has died', async () => {
  const { inspection, log, source } = watched();
  const a = source('a');
  const served = inspection.withModel(a, async () => void log.push('work'));
  await Promise.all([served, inspection.close()]);
  expect(log.slice(-2)).toEqual(['work', 'end 1']);
  const dying = inspection.withModel(a, async () => {
    throw new AresError('engine', 'The engine process ended.');
  });
  await expect(dying).rejects.toThrow('ended');
  await inspection.withModel(a, async () => undefined);
  expect(log.filter((line) => line.startsWith('start'))).toHaveLength(3);
});

it('refuses what cannot fit in memory, before it starts anything', async () => {
  const { inspection, log, source } = watched({ memoryLimitBytes: 1000 });
  await expect(inspection.withModel(source('a'), async () => undefined)).rejects.toMatchObject({ code: 'memory' });
  expect(log).toEqual([]);
});

it('ends its process when the call it serves is stopped, and serves the next with another', async () => {
  const { inspection, log, source } = watched();
  const a = source('a');
  const stop = new AbortController();
  const stuck = inspection.withModel(
    a,
    () =>
      new Promise((_, reject) => stop.signal.addEventListener('abort', () => reject(new AresError('engine', 'ended')))),
    stop.signal,
  );
  const next = inspection.withModel(a, async () => 'served');
  await vi.waitUntil(() => log.includes('open a as m1'));
  stop.abort();
  await expect(stuck).rejects.toMatchObject({ code: 'interrupted' });
  expect(await next).toBe('served');
  expect(log).toEqual(['start 1', 'open a as m1', 'kill 1', 'start 2', 'open a as m2']);
  await inspection.close();
});

it('stops a call that waits for its turn at once, and leaves the one before it alone', async () => {
  const { inspection, log, source } = watched();
  const a = source('a');
  let finish!: (value: string) => void;
  const first = inspection.withModel(a, () => new Promise<string>((resolve) => (finish = resolve)));
  const stop = new AbortController();
  const second = inspection.withModel(a, async () => log.push('second'), stop.signal);
  await vi.waitUntil(() => log.includes('open a as m1'));
  stop.abort();
  await expect(second).rejects.toMatchObject({ code: 'interrupted' });
  finish('whole');
  expect(await first).toBe('whole');
  await inspection.close();
  expect(log).toEqual(['start 1', 'open a as m1', 'end 1']);
});
