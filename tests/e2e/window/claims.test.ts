// What the rooms promise beyond the newcomer's path, each seen on the page: pictures and formulas in the table, the row
// editor, labels for many at once, words and regression, smoothing, radar, blind test, exports, shortcuts of one's own.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type App, PATIENCE_MS, announceWindow, chromiumPath, settled, startApp, until } from './app.ts';
import { prepareProject } from './preparedProject.ts';

announceWindow('claims');
const PICTURES = 6;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

/** Problems with a formula and a picture each, as a file beside its pictures. */
async function writePictures(folder: string): Promise<string> {
  const file = join(folder, 'pictures.jsonl');
  const rows: string[] = [];
  for (let i = 0; i < PICTURES; i++) {
    const name = `picture-${i}.png`;
    const colour = { r: 40 * i, g: 90, b: 160 };
    await sharp({ create: { width: 96, height: 64, channels: 3, background: colour } })
      .png()
      .toFile(join(folder, name));
    rows.push(
      JSON.stringify({ question: `What is $\\frac{${i + 1}}{2}$ of the area?`, answer: `${i + 1}/2`, images: [name] }),
    );
  }
  writeFileSync(file, rows.join('\n'));
  return file;
}

describe.skipIf(chromiumPath === null)('what the rooms promise', () => {
  let folder: string;
  let app: App;
  let page: Page;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ares-claims-'));
    app = await startApp({ project: await prepareProject(folder) });
    page = app.page;
    await page.getByRole('button', { name: 'Skip the tour' }).click();
  }, 240_000);
  afterAll(async () => {
    await app?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => expect(app.takeComplaints()).toEqual([]));
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.locator('body').press(key);
  };

  it(
    'Data: pictures and formulas in the table, and a row that can be changed',
    async () => {
      await app.go('data', { import: await writePictures(folder) });
      await page.getByRole('button', { name: `Import ${PICTURES} problems` }).click();
      await page.getByRole('button', { name: 'Show the problems' }).click();
      const table = page.getByRole('grid', { name: /pictures/ });
      await table.locator('.katex').first().waitFor();
      await until(
        () =>
          table.locator('canvas').evaluateAll((pictures) =>
            pictures.some((picture) => {
              const { width, height } = picture as HTMLCanvasElement;
              const { data } = (picture as HTMLCanvasElement)
                .getContext('2d')!
                .getImageData(width / 2, height / 2, 1, 1);
              return data[2] === 160 && data[3] === 255;
            }),
          ),
        'pictures in the table',
      );
      await app.screenshot('pictures-light');
      await table.getByRole('row').nth(1).dblclick();
      await page.getByRole('button', { name: 'Change this problem' }).click();
      await page.getByLabel('Answer', { exact: true }).fill('1/4');
      await page.getByRole('button', { name: 'Save' }).click();
      await until(
        async () =>
          (await table.getByRole('row').nth(1).innerText()).includes('1/4') ||
          (await page.getByRole('region', { name: /^Problem/ }).innerText()).includes('1/4'),
        'the answer as it was changed',
      );
    },
    2 * PATIENCE_MS,
  );

  it(
    'Data: the table is sorted and narrowed',
    async () => {
      await app.go('data', { dataset: 1 });
      const table = page.getByRole('grid').first();
      const head = table.getByRole('columnheader', { name: 'Pass rate' });
      const rates = async () =>
        (await table.getByRole('row').allInnerTexts()).flatMap((text) => {
          const [, right, of] = /(\d+)\/(\d+)/.exec(text) ?? [];
          return of === undefined ? [] : [Number(right) / Number(of)];
        });
      await head.getByRole('button').click();
      await until(async () => (await head.getAttribute('aria-sort')) !== null, 'an order');
      const isOrdered = (values: number[], descending: boolean) =>
        values.length > 3 &&
        values.every((value, i) => i === 0 || (descending ? value <= values[i - 1]! : value >= values[i - 1]!));
      const order = async () => (await head.getAttribute('aria-sort')) === 'descending';
      await until(async () => isOrdered(await rates(), await order()), 'rows in that order');
      const first = await order();
      await head.getByRole('button').click();
      await until(async () => (await order()) !== first && isOrdered(await rates(), !first), 'the opposite order');
      await page.getByLabel('Pass rate', { exact: true }).selectOption({ label: 'always solved' });
      await until(async () => {
        const values = await rates();
        return values.length > 0 && values.every((value) => value === 1);
      }, 'the problems that are always solved');
      await page.getByLabel('Pass rate', { exact: true }).selectOption({ label: 'any pass rate' });
    },
    2 * PATIENCE_MS,
  );

  it(
    'Difficulty: many problems labelled at once, and taken back at once',
    async () => {
      await app.go('difficulty', { dataset: 1 });
      await page.getByRole('region', { name: 'Problem' }).waitFor();
      await press('x', 'Shift+J', 'Shift+J', 'Shift+J');
      await page.getByText('4 selected of').waitFor();
      await press('3');
      const hard = () =>
        page.evaluate(() => {
          const heads = [...document.querySelectorAll('[role=columnheader]')].map((head) => head.textContent?.trim());
          const rows = [...document.querySelectorAll('[role=row][aria-rowindex]:not([hidden])')];
          return rows.filter(
            (row) => row.querySelectorAll('[role=gridcell]')[heads.indexOf('By hand')]?.textContent?.trim() === 'hard',
          ).length;
        });
      await until(async () => (await hard()) === 4, 'four labels');
      await press('u');
      await until(async () => (await hard()) === 0, 'no label again');
    },
    2 * PATIENCE_MS,
  );

  it(
    'Entropy: word table and cloud, and the regression per bucket',
    async () => {
      await app.go('entropy', { view: 'words' });
      await page.getByRole('grid', { name: 'Words' }).waitFor();
      const cloud = page.getByRole('region', { name: 'Words most often above the threshold' });
      expect(await cloud.getByRole('listitem').count()).toBeGreaterThan(3);
      await app.go('entropy', { view: 'findings' });
      await page.getByText(/E\[L\]/).waitFor();
      const rows = page.locator('main table tbody tr');
      expect((await rows.allInnerTexts()).map((text) => text.trim().split(/\s/)[0])).toEqual(
        expect.arrayContaining(['easy', 'medium', 'hard']),
      );
    },
    2 * PATIENCE_MS,
  );

  it(
    'Entropy: a token under the pointer tells what else was likely',
    async () => {
      await app.go('entropy', { view: 'trace' });
      const panel = page.getByRole('complementary', { name: 'Token' });
      const trace = page.getByRole('textbox', { name: /^Trace of/ });
      await trace.waitFor();
      const before = await panel.innerText();
      await trace.locator('.token').nth(12).hover();
      await until(async () => (await panel.innerText()) !== before, 'the token under the pointer');
      await until(async () => (await panel.getByText(/%/).count()) > 2, 'likely tokens with their probabilities');
    },
    2 * PATIENCE_MS,
  );

  it(
    'Runs: a run is copied and edited, with the difference shown',
    async () => {
      await app.go('runs', { run: 1, tab: 'charts' });
      await page.getByRole('button', { name: 'Copy and edit' }).click();
      await page.getByRole('heading', { name: 'Copy of run 1' }).waitFor();
      await page.getByRole('button', { name: 'Put it into the queue' }).waitFor();
      await app.screenshot('run-copy-light');
      await page.getByRole('button', { name: 'Cancel' }).click();
    },
    2 * PATIENCE_MS,
  );

  it(
    'Runs: the smoothing that is chosen is drawn',
    async () => {
      await app.go('runs', { run: 1, tab: 'charts' });
      const plot = page.locator('main figure canvas').first();
      await plot.waitFor();
      const drawn = () => plot.evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
      const before = await drawn();
      const slider = page.getByRole('slider', { name: 'Smoothing' });
      await slider.focus();
      await slider.press('Home');
      await until(async () => (await drawn()) !== before, 'the curves without smoothing');
    },
    2 * PATIENCE_MS,
  );

  it(
    'Compare: radar, a blind test that keeps the names to itself, PNG and CSV',
    async () => {
      await app.go('compare', { run: 1, view: 'charts' });
      await page.locator('svg', { has: page.locator('desc', { hasText: 'radars' }) }).waitFor();
      await app.go('compare', { run: 1, view: 'blind' });
      await page.getByRole('button', { name: 'Start a blind test' }).click();
      const main = page.getByRole('main');
      await main.getByRole('button', { name: /both bad/i }).waitFor();
      const text = await main.locator('[role=tabpanel]').innerText();
      expect(text).not.toMatch(/\b(Base|AdaCS|AEPO)\b/);
      await app.go('compare', { run: 1 });
      const download = async (item: RegExp) => {
        await page.getByRole('button', { name: 'Export' }).click();
        const [file] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('menuitem', { name: item }).click(),
        ]);
        return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
      };
      const csv = await download(/CSV/);
      expect(csv.name).toMatch(/\.csv$/);
      expect(csv.bytes.toString('utf8').split('\n')[0]).toMatch(/accuracy/i);
      const png = await download(/PNG/);
      expect(png.name).toMatch(/\.png$/);
      expect(png.bytes.subarray(0, 4).equals(PNG)).toBe(true);
      await settled(page);
    },
    2 * PATIENCE_MS,
  );

  it(
    'Settings: a shortcut of one’s own works at once, and ? shows it',
    async () => {
      await app.go('settings', { section: 'shortcuts' });
      const change = page.getByRole('button', { name: 'Change the shortcut of “Go to Compare”' });
      await change.click();
      await change.press('Alt+Shift+C');
      await until(async () => (await page.getByRole('main').innerText()).includes('Alt Shift C'), 'the new shortcut');
      await press('Alt+Shift+C');
      await until(async () => (await page.getByRole('main').getAttribute('aria-label')) === 'Compare', 'the room');
      await press('?');
      await until(
        async () => (await page.locator('dialog[open]').innerText()).includes('Alt Shift C'),
        'it in the list',
      );
      await press('Escape');
    },
    2 * PATIENCE_MS,
  );
});
