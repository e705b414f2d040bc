// The Compare room in Chromium through `ares serve`, on runs written out by hand.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Download, Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { writeRunFile } from '#core/host/runFile.ts';
import { addStoredRun, storedRun } from '../unit/compare/storedRun.ts';
import { temporaryFolder } from '../unit/store/helpers.ts';
import { describeWithChromium, openChromium, startServe } from './serve.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const LONG_MS = 120_000;

/** Two runs on the same problems, in which training helps on hard ones, and one on other problems. */
function project(): string {
  const first = storedRun({
    answers: [
      (problem, sample) => ({
        correct: problem.startsWith('easy') || (problem === 'medium-0' && sample === 0),
        hesitations: 3,
      }),
      (problem) => ({ correct: !problem.startsWith('hard'), hesitations: 2 }),
      (problem) => ({ correct: true, hesitations: problem.startsWith('hard') ? 6 : 1 }),
    ],
  });
  const runs = [
    first,
    addStoredRun(first, { seed: 12, preset: 'grpo' }),
    addStoredRun(first, { seed: 13, heldoutName: 'others', questionPrefix: 'Another: ', finishedStages: 2 }),
  ];
  const { folder, store } = first;
  const baseModelId = store.models.add({ folder, weightsHash: 'abc', parentId: null, createdMs: 1 });
  for (const { runId } of runs) {
    // They share a folder, so the last one's file is that of all; it says the same.
    writeRunFile(store.runs.get(runId)!.folder, {
      kind: 'pipeline',
      baseModelId,
      train: null,
      heldout: null,
      engine: { threads: 1, tokenBudget: 1, checkpointBlocks: false, maxRows: 1, chunkTokens: 1 },
      triggerWords: ['wait'],
    });
  }
  store.close();
  return folder;
}

async function openRoom(address: string): Promise<Page> {
  const { url, stop } = await startServe(temporaryFolder(), project());
  onTestFinished(stop);
  const page = await (await openChromium()).newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  await page.getByRole('navigation').first().waitFor();
  await page.goto(new URL(address, page.url()).href);
  await page.getByRole('tab', { name: 'Result' }).waitFor();
  return page;
}

function tab(page: Page, name: string): Promise<void> {
  return page.getByRole('tab', { name }).click();
}

async function exported(page: Page, item: string): Promise<Download> {
  await page.getByRole('button', { name: 'Export' }).click();
  const download = page.waitForEvent('download');
  await page.getByText(item).click();
  return download;
}

async function contentOf(download: Download): Promise<Buffer> {
  return readFileSync((await download.path())!);
}

function widthOfPng(bytes: Buffer): number {
  expect(bytes.subarray(1, 4).toString('latin1')).toBe('PNG');
  return bytes.readUInt32BE(16);
}

describeWithChromium('the Compare room', () => {
  it(
    'shows the newest run, takes further arms, and says why others stay apart',
    async () => {
      const page = await openRoom('#/compare?arms=1:1,1:5,2:5');
      await page.getByText('What the numbers show').waitFor();
      const table = page.getByRole('region', { name: 'Table of results' });
      expect(await table.getByRole('rowheader').allTextContents()).toContain(' AEPO without KL');
      expect(await table.textContent()).toContain('hard 2 problems');

      // Base of the run on other problems: ticked, not compared, and the reason beside it.
      await page.getByText('others · 6 problems').locator('..').getByRole('checkbox').first().check();
      await page.getByText('Not compared. Answered other problems: 6 of others.').waitFor();
      expect(await table.getByRole('rowheader', { name: /Base|AEPO|GRPO/ }).count()).toBe(3 * 4);

      await tab(page, 'Recipes');
      await page.getByRole('region', { name: 'Settings that differ' }).getByText('preset').waitFor();
      expect(await page.getByRole('row', { name: 'seed 11 12' }).count()).toBe(1);
    },
    LONG_MS,
  );

  it(
    'leads from a flip to two traces side by side, by key',
    async () => {
      const page = await openRoom('#/compare?arms=1:1,1:5&view=problems');
      await page.getByRole('region', { name: 'Base' }).getByText('wrong').waitFor();
      // The clearest first, and among equals in the order of the problems.
      for (const id of ['medium-1', 'hard-0', 'hard-1', 'medium-0']) {
        await page.getByRole('heading', { name: id }).waitFor();
        await page.keyboard.press('j');
      }
      // Three hesitations against one or six: they part after the first ones.
      await page.getByText(/The first \d tokens? (is|are) the same, dimmed|differ from the first token/).waitFor();
      expect(await page.locator('[title="The traces part here"]').count()).toBe(2);
      const before = await page.getByLabel('Left arm').inputValue();
      await page.keyboard.press('x');
      expect(await page.getByLabel('Right arm').inputValue()).toBe(before);
      await page.getByRole('button', { name: 'Open this trace in the Entropy room' }).first().click();
      await page.waitForURL(/#\/entropy\?rollout=\d+/);
      await page.goBack();
      await page.waitForURL(/view=problems/);
    },
    LONG_MS,
  );

  it(
    'keeps names hidden until a blind test is revealed, and the judgements for good',
    async () => {
      const page = await openRoom('#/compare?arms=1:1,1:5&view=blind');
      await page.getByRole('button', { name: 'Start a blind test' }).click();
      await page.getByText('0 of 6 problems').waitFor();
      for (const [key, judged] of [
        ['1', 1],
        ['2', 2],
        ['0', 3],
        ['b', 4],
      ] as const) {
        await page.keyboard.press(key);
        await page.getByText(`${judged} of 6 problems`).waitFor();
      }
      await page.keyboard.press('u');
      await page.getByText('3 of 6 problems').waitFor();
      const panel = page.getByRole('tabpanel');
      expect(await panel.textContent()).not.toMatch(/Base|AEPO/);

      await page.reload();
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.getByText('3 of 6 problems').waitFor();
      await page.getByRole('button', { name: 'Stop and reveal' }).click();
      await page.getByText('judged blindly').waitFor();
      expect(await panel.textContent()).toMatch(
        /both as good\s*1[\s\S]*Of 2 decided judgements[\s\S]*No preference was shown/,
      );
    },
    LONG_MS,
  );

  it(
    'exports a page that loads nothing, a table and pictures',
    async () => {
      const page = await openRoom('#/compare?arms=1:1,1:5');
      await page.getByText('What the numbers show').waitFor();
      const html = await exported(page, 'Report as HTML');
      expect(html.suggestedFilename()).toBe('comparison-base-aepo-without-kl.html');
      expect((await contentOf(html)).includes('default-src &#39;none&#39;')).toBe(true);
      const csv = (await contentOf(await exported(page, 'Table as CSV'))).toString('utf8');
      expect(csv.trimEnd().split('\r\n')).toHaveLength(1 + 4 * 2);

      await tab(page, 'Charts');
      const chart = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Save as PNG' }).first().click();
      // Twice the size of the drawing, its margins included.
      expect(widthOfPng(await contentOf(await chart))).toBe(2 * (940 + 28));

      await tab(page, 'Curves');
      const curve = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Save accuracy/mean as PNG' }).click();
      expect(widthOfPng(await contentOf(await curve))).toBe(2 * (720 + 28));
    },
    LONG_MS,
  );

  it(
    'can be read by everybody',
    async () => {
      const page = await openRoom('#/compare?arms=1:1,1:3,1:5');
      await page.getByText('What the numbers show').waitFor();
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        for (const name of ['Result', 'Charts', 'Curves', 'Recipes', 'Problems and flips', 'Blind test']) {
          await tab(page, name);
          await page.getByRole('tabpanel', { name }).waitFor();
          // Not addScriptTag: the page's own policy forbids scripts from elsewhere.
          await page.evaluate(axe);
          const findings = await page.evaluate(async () => {
            // Sound: the line above defined it.
            const { axe } = globalThis as unknown as {
              axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
            };
            const { violations } = await axe.run();
            return violations
              .filter(({ impact }) => impact === 'serious' || impact === 'critical')
              .map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
          });
          expect(findings, `${name}, ${scheme}`).toEqual([]);
        }
      }
    },
    LONG_MS,
  );
});
