// Every room in light and dark: no complaint in the console, nothing serious for axe, and the keys alone suffice.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RoomName } from '#renderer/app/router.ts';
import { seriousFindings, walk } from './accessibility.ts';
import { type App, type Theme, announceWindow, chromiumPath, settled, startApp } from './app.ts';
import { prepareProject } from './preparedProject.ts';

announceWindow('rooms');

interface View {
  room: RoomName;
  params?: Record<string, string | number>;
  /** Of the screenshot; the room where there is one view. */
  name?: string;
}
const views: readonly View[] = [
  { room: 'home' },
  { room: 'data' },
  { room: 'data', params: { dataset: 1, problem: 1 }, name: 'data-problem' },
  { room: 'data', params: { import: 1 }, name: 'data-choose' },
  { room: 'difficulty' },
  { room: 'difficulty', params: { view: 'curation' }, name: 'difficulty-curation' },
  ...['trace', 'branches', 'words', 'findings', 'sweep'].map((view) => ({
    room: 'entropy' as const,
    params: { view },
    name: `entropy-${view}`,
  })),
  ...['charts', 'samples', 'log', 'recipe', 'files', 'report'].map((tab) => ({
    room: 'runs' as const,
    params: { run: 1, tab },
    name: `runs-${tab}`,
  })),
  { room: 'runs', params: { new: 1 }, name: 'runs-new' },
  ...['result', 'charts', 'curves', 'recipes', 'problems', 'blind'].map((view) => ({
    room: 'compare' as const,
    params: { run: 1, view },
    name: `compare-${view}`,
  })),
  { room: 'reward' },
  { room: 'models' },
  { room: 'settings' },
];

describe.skipIf(chromiumPath === null)('the rooms of the window', () => {
  let folder: string;
  let app: App;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ares-rooms-'));
    app = await startApp({ project: await prepareProject(folder) });
    await app.page.getByRole('button', { name: 'Skip the tour' }).click();
  }, 240_000);
  afterAll(async () => {
    await app?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => expect(app.takeComplaints()).toEqual([]));

  async function open({ room, params }: View): Promise<void> {
    // By way of another room, so that views which keep what they show begin anew.
    await app.go(room === 'settings' ? 'models' : 'settings');
    await app.go(room, params);
    await settled(app.page);
  }

  for (const theme of ['light', 'dark'] as const satisfies readonly Theme[]) {
    describe(`in ${theme}`, () => {
      beforeAll(() => app.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' }));

      it.each(views)('$room $name opens and has nothing that axe calls serious', async (view) => {
        await open(view);
        await app.screenshot(`${view.name ?? view.room}-${theme}`);
        expect(await seriousFindings(app.page)).toEqual([]);
        await app.page.keyboard.press('Escape');
      });
    });
  }

  it.each(views.filter(({ name }) => name !== 'data-choose'))(
    '$room $name is walked by Tab, and shows where one is',
    async (view) => {
      await open(view);
      const stops = await walk(app.page);
      expect(stops.length).toBeGreaterThan(10);
      expect(stops.filter(({ isInView }) => !isInView)).toEqual([]);
      expect(stops.filter(({ isMarked }) => !isMarked)).toEqual([]);
    },
  );
});
