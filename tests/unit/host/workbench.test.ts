/** The host behind a front end: opening and closing projects, and what its streams tell. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { calls, streams } from '#core/contract/contract.ts';
import { openFirstProject } from '#core/host/firstProject.ts';
import { type Workbench, createWorkbench } from '#core/host/workbench.ts';

let folder: string;
let workbench: Workbench;
const create = () => createWorkbench({ shell: 'serve', userFolder: join(folder, 'user'), report: () => undefined });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-workbench-'));
  workbench = create();
});
afterEach(async () => {
  await workbench.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the workbench', () => {
  it('has a handler for every call and a source for every stream, and none besides', () => {
    expect(Object.keys(workbench.handlers).sort()).toEqual(Object.keys(calls).sort());
    expect(Object.keys(workbench.sources).sort()).toEqual(Object.keys(streams).sort());
  });

  it('has no project at first, and says so', () => {
    expect(workbench.host.currentProject()).toBeNull();
    expect(() => workbench.host.project()).toThrow('No project is open.');
    expect(() => workbench.host.queue()).toThrow('No project is open.');
  });

  it('opens one project at a time, also when two are asked for at once', async () => {
    const a = join(folder, 'a');
    const b = join(folder, 'b');
    const [first, second] = await Promise.all([
      workbench.host.openProject(a, true),
      workbench.host.openProject(b, true),
    ]);
    expect([first.folder, second.folder]).toEqual([a, b]);
    expect(workbench.host.currentProject()).toMatchObject({ folder: b, name: 'b', runs: 0, isSample: false });
    // The first is closed: its log is gone with its last connection.
    expect(existsSync(join(a, 'ares.db-wal'))).toBe(false);
    expect(workbench.host.recentProjects().map(({ name }) => name)).toEqual(['b', 'a']);
  });

  it('keeps the open project when another cannot be opened', async () => {
    await workbench.host.openProject(join(folder, 'a'), true);
    await expect(workbench.host.openProject(join(folder, 'nowhere'), false)).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(workbench.host.currentProject()).toMatchObject({ name: 'a' });
    await workbench.host.openProject(join(folder, 'b'), true);
    expect(workbench.host.currentProject()).toMatchObject({ name: 'b' });
  });

  it('announces a project that was opened, and settings that were changed', async () => {
    const topics: string[] = [];
    const stop = workbench.sources.changes(
      {},
      { item: (item) => void topics.push(...item.topics), end: () => undefined },
    );
    await workbench.host.openProject(join(folder, 'a'), true);
    expect(topics).toContain('project');
    workbench.host.changeSettings({ theme: 'dark' });
    expect(topics.at(-1)).toBe('settings');
    stop();
    const before = topics.length;
    workbench.host.changeSettings({ theme: 'light' });
    expect(topics).toHaveLength(before);
  });

  it('ends the stream of a job with the job', async () => {
    const jobId = workbench.host.jobs.start({ kind: 'import', title: 'x', unit: 'rows' }, async () => 7);
    const states: string[] = [];
    await new Promise<void>((resolve) => {
      workbench.sources.job({ jobId }, { item: ({ state }) => void states.push(state), end: () => resolve() });
    });
    expect(states).toEqual(['running', 'finished']);
  });

  it('stops the jobs of a project before it opens another', async () => {
    await workbench.host.openProject(join(folder, 'a'), true);
    const order: string[] = [];
    workbench.host.jobs.start({ kind: 'import', title: 'x', unit: 'rows' }, async ({ signal }) => {
      await new Promise((resolve) => void signal.addEventListener('abort', resolve));
      order.push('stopped');
    });
    await Promise.resolve();
    await workbench.host.openProject(join(folder, 'b'), true);
    expect(order).toEqual(['stopped']);
  });
});

describe('the first project', () => {
  it('is the one asked for, else the last one that is still there', async () => {
    await openFirstProject(workbench, null, () => undefined).catch(() => undefined);
    for (const name of ['a', 'b', 'c']) await workbench.host.openProject(join(folder, name), true);
    await workbench.close();
    rmSync(join(folder, 'c'), { recursive: true });
    workbench = create();
    await openFirstProject(workbench, null, () => undefined);
    expect(workbench.host.currentProject()).toMatchObject({ name: 'b' });
    await openFirstProject(workbench, join(folder, 'a'), () => undefined);
    expect(workbench.host.currentProject()).toMatchObject({ name: 'a' });
    await expect(openFirstProject(workbench, join(folder, 'c'), () => undefined)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('is the sample at the first start', async () => {
    await openFirstProject(workbench, null, () => undefined);
    expect(workbench.host.currentProject()).toMatchObject({ isSample: true, datasets: 1, models: 1 });
  });
});
