// The line between window and host breaks: the window says so, comes back by itself, and nothing is lost.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { rendererBuild, upToDate } from '#core/cli/builds.ts';
import { createProject } from '#core/host/project.ts';
import { type Served, openChromium, startServe } from '../serve.ts';
import { PATIENCE_MS, announceWindow, chromiumPath, settled, until } from './app.ts';
import { breakableLine } from './breakableLine.ts';

announceWindow('connection');
const PROBLEMS = 12;

describe.skipIf(chromiumPath === null)('a line that breaks', () => {
  let folder: string;
  let project: string;
  beforeAll(async () => {
    await upToDate(rendererBuild, (text) => process.stderr.write(`${text}\n`));
    folder = mkdtempSync(join(tmpdir(), 'ares-line-'));
    project = join(folder, 'project');
    const store = createProject(project);
    const base = resolve(import.meta.dirname, '..', '..', '..', 'resources', 'sample', 'base');
    store.models.add({ folder: base, weightsHash: 'w', parentId: null, createdMs: 1 });
    const problems = Array.from({ length: PROBLEMS }, (_, i) => ({
      id: `sum-${i}`,
      key: i,
      prompt: `What is ${i} + 1?`,
      answer: String(i + 1),
      source: 'sums',
      split: 'train',
      images: [],
      meta: {},
    }));
    store.problems.addDataset({ name: 'sums', file: null, mapping: {}, createdMs: 1 }, problems);
    store.close();
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function serve(...args: string[]): Promise<Served> {
    const served = await startServe(join(folder, 'home'), ...args, project);
    onTestFinished(() => served.stop());
    return served;
  }
  async function context(browser: Browser): Promise<BrowserContext> {
    const made = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
    made.setDefaultTimeout(PATIENCE_MS);
    return made;
  }
  async function openRoom(tab: BrowserContext, url: string): Promise<Page> {
    const page = await tab.newPage();
    await page.goto(url);
    const skip = page.getByRole('button', { name: 'Skip the tour' });
    await page.getByRole('navigation').first().waitFor();
    if (await skip.isVisible()) await skip.click();
    await page.evaluate(() => (location.hash = '#/difficulty?dataset=1'));
    await page.getByRole('gridcell', { name: 'What is 0 + 1?' }).waitFor();
    await settled(page);
    return page;
  }
  /** The labels by hand of the first four problems, as the page shows them. */
  const byHand = (page: Page) =>
    page.evaluate(() => {
      const heads = [...document.querySelectorAll('[role=columnheader]')].map((head) => head.textContent?.trim());
      return [2, 3, 4, 5].map((index) => {
        const row = document.querySelector(`[role=row][aria-rowindex="${index}"]:not([hidden])`);
        return row?.querySelectorAll('[role=gridcell]')[heads.indexOf('By hand')]?.textContent?.trim() ?? '';
      });
    });
  const shows = (page: Page, labels: readonly string[]) =>
    until(async () => String(await byHand(page)) === String(labels), `labels by hand ${labels.join(', ')}`);
  const isLost = (page: Page) => page.getByText('Reconnecting').isVisible();

  it('is said, mended by the window itself, and what was done meanwhile here and elsewhere is there', async () => {
    const served = await serve();
    const line = await breakableLine(served.port);
    onTestFinished(() => line.close());
    const browser = await openChromium();
    const throughLine = new URL(served.url);
    throughLine.port = String(line.port);
    const page = await openRoom(await context(browser), throughLine.href);
    const other = await openRoom(await context(browser), served.url);
    await page.locator('body').press('1');
    await shows(page, ['easy', '', '', '']);
    await shows(other, ['easy', '', '', '']);

    line.cut();
    await until(() => isLost(page), 'the window to say that the line is broken');
    // It goes on trying, and what a person does is kept for later.
    await page.locator('body').press('2');
    await page.getByRole('searchbox').or(page.getByPlaceholder('Search')).first().fill('What');
    await other.locator('body').press('j');
    await other.locator('body').press('j');
    await other.locator('body').press('3');
    await shows(other, ['easy', '', 'hard', '']);
    await until(() => line.attempts() >= 3, 'three attempts to reconnect');
    expect(await isLost(page)).toBe(true);

    line.mend();
    await until(async () => !(await isLost(page)), 'the line to be back');
    await shows(page, ['easy', 'medium', 'hard', '']);
    await shows(other, ['easy', 'medium', 'hard', '']);
    expect(await page.getByPlaceholder('Search').first().inputValue()).toBe('What');
    // Subscribed again: what changes elsewhere from now on comes by itself.
    await other.locator('body').press('1');
    await shows(page, ['easy', 'medium', 'hard', 'easy']);
    expect(await page.getByRole('alert').count()).toBe(0);
  }, 240_000);

  it('is back after the host was killed and started again on its port, once its address was opened', async () => {
    const first = await serve();
    const tab = await context(await openChromium());
    const page = await openRoom(tab, first.url);
    const before = await byHand(page);
    await first.stop();
    await until(() => isLost(page), 'the window to say that the host is gone');
    await page.getByText('open the address it printed').waitFor();
    const second = await serve('--port', String(first.port));
    expect(second.port).toBe(first.port);
    // Its token is another one, so this page alone must not get in; the browser that was let in may.
    const opened = await openRoom(tab, second.url);
    await until(async () => !(await isLost(page)), 'the page of before to be connected again');
    await shows(page, before);
    await opened.locator('body').press('0');
    await opened.locator('body').press('2');
    await until(async () => String(await byHand(page)) === String(await byHand(opened)), 'a change made in the other');
  }, 240_000);
});
