// Every room in light and dark: no complaint in the console, nothing serious for axe, and the keys alone suffice.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RoomName } from '#renderer/app/router.ts';
import { seriousFindings, walk } from './accessibility.ts';
import { type App, PATIENCE_MS, type Theme, announceWindow, chromiumPath, settled, startApp } from './app.ts';
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
  { room: 'data', params: { dataset: 1, view: 'check' }, name: 'data-check' },
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
  { room: 'models', params: { pull: 1 }, name: 'models-pull' },
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

  it.each(views.filter(({ name }) => name !== 'data-choose' && name !== 'models-pull'))(
    '$room $name is walked by Tab, and shows where one is',
    async (view) => {
      await open(view);
      const stops = await walk(app.page);
      expect(stops.length).toBeGreaterThan(10);
      expect(stops.filter(({ isInView }) => !isInView)).toEqual([]);
      expect(stops.filter(({ isMarked }) => !isMarked)).toEqual([]);
    },
  );

  it('asks in which form a model is exported', async () => {
    await open({ room: 'models' });
    await app.page.getByRole('button', { name: 'Export', exact: true }).click();
    await app.page.getByLabel('Form').selectOption({ label: 'ONNX, float16' });
    await app.page.getByText('matrices are rounded to float16').waitFor();
    await app.screenshot('models-export-dark');
    expect(await seriousFindings(app.page)).toEqual([]);
    await app.page.keyboard.press('Escape');
  });

  it('stops a fork that takes long, in the room and in the line of jobs, and forks again', async () => {
    await open({ room: 'entropy', params: { view: 'trace' } });
    const { page } = app;
    await page.getByRole('textbox', { name: /^Trace of/ }).waitFor();
    const panel = page.getByRole('complementary', { name: 'Token' });
    const set = async (label: string, value: string) => {
      await panel.getByLabel(label).fill(value);
      await panel.getByLabel(label).press('Tab');
    };
    // So hot that no branch ends by itself.
    for (const [label, value] of [
      ['Samples', '16'],
      ['Temperature', '5'],
      ['At most', '400'],
    ] as const)
      await set(label, value);
    await panel.getByRole('button', { name: 'Fork here' }).click();
    await page
      .getByRole('contentinfo', { name: 'Status' })
      .getByRole('button', { name: /^Fork of .* tokens/ })
      .waitFor();
    await app.screenshot('fork-at-work-light');
    await panel.getByRole('button', { name: /^Stop: Fork of/ }).click();
    await panel.getByText(/^Stopped: Fork of/).waitFor();
    await panel.getByRole('button', { name: /^Stop: Fork of/ }).waitFor({ state: 'detached' });
    await set('Samples', '2');
    await set('At most', '8');
    await panel.getByRole('button', { name: 'Fork here' }).click();
    await page
      .getByText('after the fork')
      .or(page.getByRole('separator', { name: 'Height of the branches' }))
      .first()
      .waitFor();
  });

  describe('by the keys alone', () => {
    /** What is on the page in the end. */
    const shown = <T>(ask: () => T) => expect.poll(ask, { timeout: PATIENCE_MS });
    const press = async (...keys: string[]) => {
      for (const key of keys) await app.page.keyboard.press(key);
    };
    const room = () => app.page.getByRole('main').getAttribute('aria-label');
    const dialog = () => app.page.locator('dialog[open]');
    const tab = () => app.page.locator('main [role=tab][aria-selected=true]').first().innerText();
    /** Presses Tab until what has the focus fits; the walk above says that everything is reached. */
    async function tabTo(selector: string): Promise<void> {
      for (let i = 0; i < 150; i++) {
        if (await app.page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
        await press('Tab');
      }
      throw new Error(`Tab does not lead to ${selector}.`);
    }

    it('goes to every room, by chord and by the palette', async () => {
      await open({ room: 'home' });
      for (const [key, title] of [
        ['d', 'Data'],
        ['i', 'Difficulty'],
        ['e', 'Entropy'],
        ['r', 'Runs'],
        ['c', 'Compare'],
        ['w', 'Rewards'],
        ['m', 'Models'],
        ['s', 'Settings'],
        ['h', 'Home'],
      ] as const) {
        await press('g', key);
        await shown(room).toBe(title);
        await settled(app.page);
      }
      await press('Control+k');
      await app.page.keyboard.type('entropy');
      await press('Enter');
      await shown(room).toBe('Entropy');
      expect(await dialog().count()).toBe(0);
      await press('Control+k', 'Escape');
      await shown(() => dialog().count()).toBe(0);
      await press('?');
      await shown(() => dialog().count()).toBe(1);
      await press('Escape');
      await shown(() => dialog().count()).toBe(0);
    });

    it('searches the problems, goes through them and opens one', async () => {
      await open({ room: 'data', params: { dataset: 1 } });
      await press('/');
      await app.page.keyboard.type('register');
      await shown(() => app.page.locator('main footer').innerText()).toMatch(/of 40 problems/);
      await tabTo('main [role=grid]');
      await press('ArrowDown', 'ArrowDown', 'Enter');
      await shown(() => app.page.url()).toMatch(/problem=\d+/);
      await open({ room: 'data', params: { dataset: 1 } });
    });

    it('moves between tabs and panes by arrows', async () => {
      await open({ room: 'runs', params: { run: 1 } });
      await tabTo('main [role=tab]');
      await press('ArrowRight');
      expect(await tab()).toBe('Samples');
      await open({ room: 'entropy' });
      await tabTo('main [role=separator]');
      const size = () => app.page.locator('main [role=separator]').first().getAttribute('aria-valuenow');
      const before = Number(await size());
      await press('ArrowRight');
      await shown(async () => Number(await size())).toBeGreaterThan(before);
    });

    it('writes a new run and leaves it', async () => {
      await open({ room: 'runs', params: { run: 1 } });
      await press('Shift+N');
      await app.page.getByRole('textbox', { name: 'Recipe' }).waitFor();
      await tabTo('textarea');
      await press('Escape');
      await tabTo('[role=region][aria-label="Preview of the run"]');
    });

    it('views, chooses from the menu and closes it in Compare', async () => {
      await open({ room: 'compare', params: { run: 1 } });
      await press('v', 'c');
      await shown(tab).toBe('Charts');
      await app.page.getByRole('button', { name: 'Export' }).focus();
      await press('Enter');
      await expect
        .poll(() => app.page.evaluate(() => document.activeElement?.textContent ?? ''))
        .toMatch(/Report as HTML/);
      await press('ArrowDown');
      await shown(() => app.page.evaluate(() => document.activeElement?.textContent ?? '')).toMatch(/CSV/);
      await press('Escape');
      await shown(() => app.page.getByRole('menu').isVisible()).toBe(false);
    });

    it('changes mode, theme and label, and imports a model', async () => {
      await open({ room: 'reward' });
      const mode = () => app.page.getByLabel('Mode', { exact: true }).inputValue();
      const before = await mode();
      await press('m');
      await shown(mode).not.toBe(before);
      await open({ room: 'difficulty', params: { dataset: 1 } });
      await press('3');
      await shown(() => app.page.getByRole('grid').getByRole('row').nth(1).innerText()).toContain('hard');
      await press('u');
      await open({ room: 'models' });
      await press('i');
      await shown(() => dialog().count()).toBe(1);
      await press('Escape');
      await shown(() => dialog().count()).toBe(0);
      await open({ room: 'settings' });
      await tabTo('main input[type=radio]');
      await press('ArrowRight');
      await shown(() => app.page.getByRole('radio', { name: 'Light' }).isChecked()).toBe(true);
      await press('ArrowLeft');
      await shown(() => app.page.getByRole('radio', { name: 'System' }).isChecked()).toBe(true);
    });
  });
});
