// The life of a run: allowed changes of state, ownership, interrupted runs, and one process per folder.
import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  canChange,
  canResume,
  changeRunState,
  claimRun,
  markInterruptedRuns,
  transitions,
} from '#core/runs/lifecycle.ts';
import { type ProcessTable, currentOwner, hasEnded, systemProcesses } from '#core/runs/processIdentity.ts';
import { lockRunFolder } from '#core/runs/runLock.ts';
import { type RunOwner, type RunState, runStates } from '#core/store/runs.ts';
import { type Store, openStore } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { run, temporaryFolder } from '../store/helpers.ts';

function withRun(): { store: Store; runId: number; folder: string } {
  const folder = temporaryFolder();
  const store = openStore(join(folder, 'project.db'));
  onTestFinished(() => store.close());
  const runId = store.runs.create({ ...run, folder: join(folder, 'run') }, []);
  return { store, runId, folder: join(folder, 'run') };
}

/** A machine on which only these processes run. */
function machine(running: Record<number, string | null>, bootMs = 0): ProcessTable {
  return { host: 'here', bootMs, startOf: (pid) => running[pid] };
}

function owner(pid: number, processStart: string | null = 'boot/1', claimedMs = 100): RunOwner {
  return { pid, host: 'here', processStart, claimedMs };
}

function messages(store: Store, runId: number): string[] {
  return store.events.page(runId, 0, 100).map(({ message }) => message);
}

describe('changes of state', () => {
  test('are exactly those of the design', () => {
    const allowed = runStates.flatMap((from) => transitions[from].map((to) => `${from} → ${to}`));
    expect(allowed.sort()).toEqual(
      [
        'queued → running',
        'queued → stopped',
        'running → paused',
        'running → finished',
        'running → failed',
        'running → stopped',
        'running → interrupted',
        'paused → queued',
        'paused → stopped',
        'failed → queued',
        'stopped → queued',
        'interrupted → queued',
        'interrupted → stopped',
      ].sort(),
    );
    expect(runStates.filter(canResume)).toEqual(['paused', 'failed', 'stopped', 'interrupted']);
  });

  test('every other change is refused and changes nothing, whatever came before', () => {
    const { store, runId } = withRun();
    let clock = 10;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...runStates), { maxLength: 12 }), (wishes) => {
        for (const to of wishes) {
          const before = store.runs.get(runId)!;
          const logged = messages(store, runId).length;
          clock++;
          const attempt = () =>
            to === 'running'
              ? claimRun(store, runId, owner(5, 'boot/1', clock), machine({ 5: 'boot/1' }))()
              : changeRunState(store, runId, to, clock);
          if (canChange(before.state, to)) {
            attempt();
            expect(store.runs.get(runId)!.state).toBe(to);
            expect(messages(store, runId)).toHaveLength(logged + 1);
          } else {
            expect(attempt).toThrow(`A run that is ${before.state} cannot become ${to}.`);
            expect(store.runs.get(runId)).toEqual(before);
            expect(messages(store, runId)).toHaveLength(logged);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a finished run says what to do instead, an absent one is not found', () => {
    const { store, runId } = withRun();
    claimRun(store, runId, owner(5), machine({ 5: 'boot/1' }))();
    changeRunState(store, runId, 'finished', 200);
    expect(() => changeRunState(store, runId, 'queued', 300)).toThrow(
      expect.objectContaining({ code: 'usage', hint: 'Start a new run from its recipe.' }),
    );
    expect(() => changeRunState(store, 99, 'queued', 300)).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  test('a failure is kept with its reason until the run is started again', () => {
    const { store, runId } = withRun();
    const processes = machine({ 5: 'boot/1' });
    claimRun(store, runId, owner(5), processes)();
    const error = new AresError('memory', 'It needs 9 GB.', { hint: 'Use a smaller batch.' });
    changeRunState(store, runId, 'failed', 200, error);
    const stored = { code: 'memory', message: 'It needs 9 GB.', where: null, hint: 'Use a smaller batch.' };
    expect(store.runs.get(runId)).toMatchObject({ state: 'failed', error: stored, owner: null, endedMs: 200 });
    expect(messages(store, runId)).toEqual(['The run was started.', 'The run failed: It needs 9 GB.']);
    changeRunState(store, runId, 'queued', 300);
    claimRun(store, runId, owner(5), processes)();
    expect(store.runs.get(runId)).toMatchObject({ state: 'running', error: null, owner: owner(5), endedMs: null });
  });
});

describe('whether an owner has ended', () => {
  test.each<[string, RunOwner, ProcessTable, boolean]>([
    ['it runs', owner(5), machine({ 5: 'boot/1' }), false],
    ['it is gone', owner(5), machine({}), true],
    ['its number was given to another', owner(5), machine({ 5: 'boot/9' }), true],
    ['it ran on another machine', { ...owner(5), host: 'there' }, machine({}), false],
    ['starts are unknown, claimed since the boot', owner(5, null, 100), machine({ 5: null }, 50), false],
    ['starts are unknown, claimed before the boot', owner(5, null, 100), machine({ 5: null }, 150), true],
    ['the clock was set forward after the claim', owner(5, 'boot/1', 100), machine({ 5: 'boot/1' }, 150), false],
  ])('%s', (_, holder, processes, expected) => {
    expect(hasEnded(holder, processes)).toBe(expected);
  });

  test('on this machine: this process has not, a child that exited has', async () => {
    const self = currentOwner(Date.now());
    expect(self).toMatchObject({ pid: process.pid, host: hostname() });
    expect(hasEnded(self, systemProcesses)).toBe(false);
    expect(hasEnded({ ...self, processStart: 'another boot/1' }, systemProcesses)).toBe(process.platform === 'linux');
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(hasEnded({ ...self, pid: child.pid! }, systemProcesses)).toBe(true);
  });
});

describe('interrupted runs', () => {
  test('are those running without their process', () => {
    const { store, runId: alive } = withRun();
    const others = ['dead', 'elsewhere', 'waiting'].map((name) =>
      store.runs.create({ ...store.runs.get(alive)!, name, folder: join(temporaryFolder(), name) }, []),
    ) as [number, number, number];
    const [dead, elsewhere, waiting] = others;
    const processes = machine({ 5: 'boot/1' });
    claimRun(store, alive, owner(5), processes);
    claimRun(store, dead, owner(6), processes);
    claimRun(store, elsewhere, { ...owner(6), host: 'there' }, processes);
    expect(markInterruptedRuns(store, 500, processes)).toEqual([dead]);
    const states = [alive, dead, elsewhere, waiting].map((runId) => store.runs.get(runId)!.state);
    expect(states).toEqual<RunState[]>(['running', 'interrupted', 'running', 'queued']);
    expect(messages(store, dead).at(-1)).toContain('interrupted');
    expect(markInterruptedRuns(store, 600, processes)).toEqual([]);
  });

  test('can be claimed again by another process, over the lock of the dead one', () => {
    const { store, runId, folder } = withRun();
    claimRun(store, runId, owner(6), machine({ 6: 'boot/1' }));
    const later = machine({ 7: 'boot/2' });
    markInterruptedRuns(store, 500, later);
    changeRunState(store, runId, 'queued', 600);
    const unlock = claimRun(store, runId, owner(7, 'boot/2', 700), later);
    expect(store.runs.get(runId)).toMatchObject({ state: 'running', startedMs: 100, owner: { pid: 7 } });
    unlock();
    expect(existsSync(join(folder, 'run.lock'))).toBe(false);
  });
});

describe('the lock of a run folder', () => {
  const processes = machine({ 5: 'boot/1', 6: 'boot/2' });

  test('keeps a second process out until it is released', () => {
    const folder = join(temporaryFolder(), 'new', 'run');
    const unlock = lockRunFolder(folder, owner(5), processes);
    expect(() => lockRunFolder(folder, owner(6, 'boot/2'), processes)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining('process 5') as string,
        where: join(folder, 'run.lock'),
      }),
    );
    unlock();
    lockRunFolder(folder, owner(6, 'boot/2'), processes)();
  });

  test('of a dead process is taken over, and the dead one cannot release it afterwards', () => {
    const folder = temporaryFolder();
    const unlockDead = lockRunFolder(folder, owner(4), processes);
    lockRunFolder(folder, owner(5), processes);
    unlockDead();
    expect(JSON.parse(readFileSync(join(folder, 'run.lock'), 'utf8'))).toEqual(owner(5));
    expect(existsSync(join(folder, 'run.lock.takeover'))).toBe(false);
  });

  test('that cannot be read, or is being taken over, counts as held', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'run.lock'), '');
    expect(() => lockRunFolder(folder, owner(5), processes)).toThrow('another process');
    writeFileSync(join(folder, 'run.lock'), JSON.stringify(owner(4)));
    writeFileSync(join(folder, 'run.lock.takeover'), JSON.stringify(owner(6, 'boot/2')));
    expect(() => lockRunFolder(folder, owner(5), processes)).toThrow(
      expect.objectContaining({ where: join(folder, 'run.lock.takeover') }),
    );
    expect(existsSync(join(folder, 'run.lock.takeover'))).toBe(true);
  });

  test('of a dead process goes to exactly one of several that want it at once', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'run.lock'), JSON.stringify({ ...currentOwner(0), processStart: 'an earlier boot/1' }));
    const script = join(import.meta.dirname, 'fixtures', 'locker.ts');
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    onTestFinished(() => children.forEach((child) => child.kill()));
    const said = children.map((child) => on(createInterface({ input: child.stdout }), 'line'));
    const next = async (lines: (typeof said)[number]) => ((await lines.next()).value as [string])[0];
    expect(await Promise.all(said.map(next))).toEqual(children.map(() => 'ready'));
    for (const child of children) child.stdin.write('now\n');
    const answers = await Promise.all(said.map(next));
    expect(answers.toSorted()).toEqual(['locked', 'refused', 'refused', 'refused']);
    const holder = JSON.parse(readFileSync(join(folder, 'run.lock'), 'utf8')) as RunOwner;
    expect(holder.pid).toBe(children[answers.indexOf('locked')]!.pid);
  });

  test('is released when the run cannot be claimed after all', () => {
    const { store, runId, folder } = withRun();
    changeRunState(store, runId, 'stopped', 50);
    expect(() => claimRun(store, runId, owner(5), processes)).toThrow('stopped cannot become running');
    expect(existsSync(join(folder, 'run.lock'))).toBe(false);
  });
});
