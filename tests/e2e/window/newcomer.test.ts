// The path of somebody who has just installed it, in a real browser on the real server, from the first start to
// a report that was taken home. Every step goes on where the one before it ended; after a failure the rest is skipped.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { type App, PATIENCE_MS, announceWindow, chromiumPath, settled, sharedData, startApp, until } from './app.ts';
import { shortRecipe } from './preparedProject.ts';

announceWindow('newcomer');
const gsm8k = join(sharedData, 'gsm8k_test.jsonl');
const hasGsm8k = existsSync(gsm8k);
if (!hasGsm8k) process.stderr.write('WINDOW  newcomer: ../shared is absent; a file of the test stands in for GSM8K\n');

/** The same shape as GSM8K, with one row that has no answer. */
const standIn = Array.from({ length: 60 }, (_, i) => ({
  question: `Ann has ${i} apples and buys ${i % 7} more. How many has she?`,
  ...(i === 7 ? {} : { answer: `She has ${i} + ${i % 7} = ${i + (i % 7)}.\n#### ${i + (i % 7)}` }),
}));
const file = hasGsm8k
  ? { name: 'gsm8k_test.jsonl', text: readFileSync(gsm8k, 'utf8'), problems: 1319, skipped: 0 }
  : {
      name: 'apples.jsonl',
      text: standIn.map((row) => JSON.stringify(row)).join('\n'),
      problems: standIn.length - 1,
      skipped: 1,
    };

/** Long enough to be paused, killed and watched, short enough to be waited for. */
const recipe = {
  ...shortRecipe,
  name: 'First run',
  label: { ...shortRecipe.label, samples: 2, extraSamples: 0 },
  coldStart: { ...shortRecipe.coldStart, enabled: false },
  policy: { ...shortRecipe.policy, steps: 18, promptsPerStep: 4 },
  checkpoints: { everySteps: 2, keep: 2 },
};
const POOL = 'first two dozen';
const POOL_SIZE = 24;
/** Problems of the sample, held-out ones included. */
const SAMPLE_SIZE = 960;

/** Drops a file as a person's file manager does: over the window first, then let go. */
async function drop(page: Page, { name, text }: { name: string; text: string }): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([fileName, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content!], fileName!, { type: 'application/jsonl' }));
      return transfer;
    },
    [name, text],
  );
  await page.dispatchEvent('main', 'dragenter', { dataTransfer });
  await page.getByText(/^Drop (a )?data files?$/).waitFor();
  await page.dispatchEvent('main', 'dragover', { dataTransfer });
  await page.dispatchEvent('main', 'drop', { dataTransfer });
}

describe.skipIf(chromiumPath === null)('the path of a newcomer', () => {
  let app: App;
  let page: Page;
  let hasFailed = false;

  beforeAll(async () => {
    app = await startApp();
    page = app.page;
  }, 240_000);
  afterAll(() => app?.close());
  beforeEach((context) => {
    if (hasFailed) context.skip('an earlier step failed');
    onTestFailed(async () => {
      hasFailed = true;
      await app.screenshot('newcomer-failed');
    });
  });
  afterEach(() => expect(app.takeComplaints()).toEqual([]));

  const room = (name: string) => page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name });
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const state = (name: string) => page.locator('main header .line').getByText(name, { exact: true });
  const choose = (label: string, option: string | RegExp) =>
    until(
      async () => {
        const select = page.getByLabel(label, { exact: true });
        const texts = await select.locator('option').allTextContents();
        const found = texts.find((text) => (typeof option === 'string' ? text === option : option.test(text)));
        if (found === undefined) return false;
        await select.selectOption({ label: found });
        return true;
      },
      `${String(option)} under ${label}`,
    );
  /** Steps of the policy that are done, from the line of stages. */
  async function stepsDone(): Promise<number> {
    const text = await page
      .getByRole('list', { name: 'Stages' })
      .locator('li', { hasText: 'policy' })
      .first()
      .innerText();
    return Number(/(\d+) \/ \d+/.exec(text)?.[1] ?? 0);
  }

  it(
    'sees the sample project and takes the tour',
    async () => {
      await page.getByText('sample project', { exact: true }).waitFor();
      const card = page.getByRole('complementary').filter({ hasText: 'of 5' });
      await card.getByRole('heading', { name: 'A run is one click' }).waitFor();
      await app.screenshot('tour-light');
      const rooms: string[] = [];
      for (;;) {
        await settled(page);
        rooms.push((await page.getByRole('main').getAttribute('aria-label')) ?? '');
        const next = card.getByRole('button', { name: 'Next' });
        if ((await next.count()) === 0) break;
        await next.click();
      }
      expect(rooms).toEqual(['Home', 'Data', 'Difficulty', 'Entropy', 'Compare']);
      await card.getByRole('button', { name: 'Done' }).click();
      await card.waitFor({ state: 'detached' });
      await app.reopen();
      page = app.page;
      await settled(page);
      expect(await page.getByText('A run is one click').count()).toBe(0);
    },
    2 * PATIENCE_MS,
  );

  it(
    'drops a file, sees what it becomes, and imports it',
    async () => {
      await app.go('home');
      await drop(page, file);
      const view = page.getByRole('region', { name: 'Import' });
      await view.getByLabel('Column of the question').waitFor();
      expect(await view.getByLabel('Column of the question').inputValue()).toBe('question');
      expect(await view.getByLabel('Column of the answer').inputValue()).toBe('answer');
      await app.screenshot('import-preview-light');
      await view.getByRole('button', { name: `Import ${file.problems.toLocaleString('en-US')} problems` }).click();
      const result = view.getByRole('status');
      await result.getByText(file.problems.toLocaleString('en-US'), { exact: true }).waitFor();
      expect(await result.locator('dd').allTextContents()).toEqual([
        file.problems.toLocaleString('en-US'),
        String(file.skipped),
      ]);
      await app.screenshot('import-result-light');
      await view.getByRole('button', { name: 'Show the problems' }).click();
      await page.getByText(`${file.problems.toLocaleString('en-US')} problems`, { exact: true }).waitFor();
      await page.getByRole('gridcell').nth(1).waitFor();
    },
    2 * PATIENCE_MS,
  );

  it(
    'judges ten problems by keyboard, undoes one, and finds them after coming back',
    async () => {
      await room('Difficulty').click();
      await choose('Dataset', new RegExp(file.name.split('.')[0]!.slice(0, 5)));
      const byHand = async () => {
        const cells = await page.evaluate(() => {
          const heads = [...document.querySelectorAll('[role=columnheader]')].map((head) => head.textContent?.trim());
          const at = heads.indexOf('By hand');
          return [...document.querySelectorAll('[role=row][aria-rowindex]:not([hidden])')]
            .map((row) => ({
              index: Number(row.getAttribute('aria-rowindex')),
              cell: row.querySelectorAll('[role=gridcell]')[at],
            }))
            .filter(({ cell }) => cell !== undefined)
            .sort((a, b) => a.index - b.index)
            .map(({ cell }) => cell!.textContent?.trim() ?? '');
        });
        return cells.slice(0, 11);
      };
      await until(async () => (await byHand()).length === 11, 'the problems of the file');
      await page.getByRole('region', { name: 'Problem' }).waitFor();
      for (const key of ['1', '2', '3', '1', '2', '3', '1', '2', '3', '1', '3']) await page.keyboard.press(key);
      await page.keyboard.press('u');
      const names = ['easy', 'medium', 'hard', 'easy', 'medium', 'hard', 'easy', 'medium', 'hard', 'easy', ''];
      await until(async () => String(await byHand()) === String(names), 'ten labels by hand');
      await page.locator('body').press('k');
      await page.locator('body').press('j');
      await app.screenshot('by-hand-light');
      await app.reopen();
      page = app.page;
      await until(async () => String(await byHand()) === String(names), 'the labels after the window was closed');
    },
    2 * PATIENCE_MS,
  );

  it(
    'makes a pool of the sample and measures it with the sample’s model',
    async () => {
      await choose('Dataset', /counter/i);
      await page
        .getByRole('gridcell')
        .getByText(/two-digit/)
        .first()
        .waitFor();
      await page.locator('body').press('x');
      for (let i = 1; i < POOL_SIZE; i++) await page.locator('body').press('Shift+J');
      await page.getByText(`${POOL_SIZE} selected of`).waitFor();
      await page.locator('body').press('s');
      await page.getByRole('dialog').getByLabel('Name').fill(POOL);
      await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
      await page.getByRole('button', { name: new RegExp(`^${POOL}`) }).click();
      await page.getByText(`${POOL_SIZE} of`, { exact: false }).first().waitFor();
      await button('Measure…').click();
      const dialog = page.getByRole('dialog', { name: 'Measure difficulty' });
      await dialog.getByText(`to ${POOL_SIZE} problems`).waitFor();
      for (const [label, value] of [
        ['Samples', '2'],
        ['Most tokens', '100'],
      ] as const) {
        await dialog.getByLabel(label).fill(value);
        await dialog.getByLabel(label).press('Tab');
      }
      await dialog.getByText(`${2 * POOL_SIZE} to ${POOL_SIZE} problems`).waitFor();
      await app.screenshot('measure-light');
      await dialog.getByRole('button', { name: 'Start labelling' }).click();
      await dialog.waitFor({ state: 'detached' });
      // Live: the histogram counts what was measured; in the end that is the pool and nothing else.
      await page
        .locator('main aside')
        .getByText(String(SAMPLE_SIZE - POOL_SIZE), { exact: true })
        .waitFor();
      await page.getByRole('group', { name: /^Labelling run/ }).waitFor({ state: 'detached' });
      await app.screenshot('measured-light');
    },
    3 * PATIENCE_MS,
  );

  it(
    'starts a short run from the card on Home',
    async () => {
      await room('Home').click();
      await choose('Problems', new RegExp(`pool ${POOL}`));
      await choose('Held out for evaluation', 'A fifth of the problems');
      await page.getByRole('heading', { name: 'Signal' }).waitFor();
      await app.screenshot('card-light');
      await page.getByRole('link', { name: 'Edit the recipe' }).click();
      // What was chosen on the card is chosen here.
      const chosen = (label: string) => page.getByLabel(label, { exact: true }).locator('option:checked').textContent();
      await until(async () => (await chosen('Problems to learn from'))?.includes(POOL), 'the pool in the editor');
      expect(await chosen('Problems to evaluate on')).toBe('Hold out a fifth of those');
      await page.getByLabel('Recipe', { exact: true }).fill(JSON.stringify(recipe, null, 2));
      await until(() => button(/^Put it into the queue/).isEnabled(), 'a run that may start');
      await app.screenshot('new-run-light');
      await page.keyboard.press('Control+Enter');
      await page.getByRole('heading', { name: /First run/ }).waitFor();
    },
    2 * PATIENCE_MS,
  );

  it(
    'watches the charts move, pauses, and finds everything after coming back',
    async () => {
      await until(async () => (await stepsDone()) >= 2, 'the first steps of the policy');
      const plot = page.locator('figure', { hasText: 'Entropy' }).first().locator('.u-over');
      await plot.waitFor();
      const lastStep = async () => {
        const box = await plot.boundingBox();
        // Between two drawings there may be none.
        if (box === null) return -1;
        await page.mouse.move(box.x + box.width - 3, box.y + box.height / 2);
        await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2);
        const text = await page.locator('figure', { hasText: 'Entropy' }).first().locator('figcaption').innerText();
        return Number(/step\s+(\d+)/.exec(text)?.[1] ?? -1);
      };
      const first = await until(async () => (await lastStep()) + 1, 'a point of the entropy');
      await until(async () => (await lastStep()) + 1 > first, 'a further point of the entropy');
      await app.screenshot('run-at-work-light');
      await page.mouse.move(0, 0);
      await page.locator('body').press('p');
      await state('paused').waitFor();
      const done = await stepsDone();
      expect(done).toBeGreaterThan(0);
      await app.reopen();
      page = app.page;
      await state('paused').waitFor();
      expect(await stepsDone()).toBe(done);
    },
    3 * PATIENCE_MS,
  );

  it(
    'resumes it, loses the engine, is told what to do, and resumes it to its end',
    async () => {
      const before = await stepsDone();
      await button('Resume').click();
      await state('running').waitFor();
      await until(async () => (await stepsDone()) > before, 'a step after the pause');
      const engines = app.engines();
      expect(engines.length).toBeGreaterThan(0);
      for (const pid of engines) process.kill(pid, 'SIGKILL');
      await state('interrupted').waitFor();
      await page.getByText('Resume it: it goes on from its newest checkpoint').waitFor();
      await app.screenshot('interrupted-light');
      await button('Resume').click();
      await state('finished').waitFor();
      await page.getByText('Held-out problems').waitFor();
      await app.screenshot('finished-light');
    },
    4 * PATIENCE_MS,
  );

  it(
    'opens a trace, goes to a high-entropy window by key, and moves the threshold',
    async () => {
      await room('Entropy').click();
      await page.getByRole('textbox', { name: /^Trace of/ }).waitFor();
      const count = async () =>
        Number(/N\s*HE\s*(\d+)/.exec(await page.locator('p.count strong').innerText())?.[1] ?? NaN);
      const threshold = page.getByRole('slider', { name: 'Threshold of window entropy' });
      const sample = () => page.getByRole('textbox', { name: /^Trace of/ }).getAttribute('aria-label');
      const token = page.getByRole('complementary', { name: 'Token' });
      const isHigh = async () => {
        await page.locator('body').press('n');
        return (await token.getByText('≥ θ').count()) > 0;
      };
      // Not every trace hesitates; one of the next ones does.
      await until(async () => {
        if (await isHigh()) return true;
        const before = await sample();
        await page.locator('body').press(']');
        await page
          .waitForFunction(
            (label) => document.querySelector('[role=textbox][aria-readonly]')?.getAttribute('aria-label') !== label,
            before,
            { timeout: 500 },
          )
          .catch(() => page.locator('body').press('j'));
        await settled(page);
        return false;
      }, 'a trace with a high-entropy window');
      await app.screenshot('window-light');

      const before = await count();
      await threshold.focus();
      await threshold.press('End');
      for (let i = 0; i < 40; i++) await threshold.press('Shift+ArrowUp');
      await until(async () => (await count()) === 0, 'a threshold above everything');
      await threshold.press('Home');
      await until(async () => (await count()) === before, 'the run’s own count again');
      const box = (await threshold.boundingBox())!;
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y - 400, { steps: 4 });
      await page.mouse.up();
      expect(await threshold.getAttribute('aria-valuetext')).toContain('yours');
      expect(await count()).toBe(0);
      await button('Back to the run’s').click();
    },
    2 * PATIENCE_MS,
  );

  it(
    'asks what else was likely',
    async () => {
      await page.locator('body').press('a');
      const alternatives = page.getByRole('radiogroup', { name: 'How a fork goes on here' });
      await alternatives.waitFor();
      expect(await alternatives.getByRole('radio').count()).toBeGreaterThan(2);
      await app.screenshot('alternatives-light');
    },
    2 * PATIENCE_MS,
  );

  it(
    'compares the base with what was trained, and takes the report along',
    async () => {
      await room('Runs').click();
      await page.locator('main header .line').getByRole('button', { name: 'Compare' }).click();
      const table = page.getByRole('region', { name: 'Table of results' });
      await table.waitFor();
      const arms = new Set((await table.locator('th[scope=row]').allTextContents()).map((text) => text.trim()));
      expect(arms.size).toBeGreaterThanOrEqual(2);
      await app.screenshot('compared-light');
      await button('Export').click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: /Report as HTML/ }).click(),
      ]);
      expect(download.suggestedFilename()).toMatch(/\.html$/);
      const html = readFileSync(await download.path(), 'utf8');
      expect(html).toMatch(/^<!doctype html>/i);
      // Self-contained: nothing is fetched when it is opened, by whatever way.
      expect(html).not.toMatch(
        /<(script|link|img|iframe|object|embed)\b[^>]*\b(src|href|data)\s*=\s*["']?(?!data:|#)/i,
      );
      expect(html).not.toMatch(/@import|url\(\s*["']?(?!data:|#)/i);
      for (const arm of arms) expect(html).toContain(arm);
    },
    2 * PATIENCE_MS,
  );
});
