/** The desktop shell as a person meets it: first start, menu, dialogs, files, crashes, closing, a second start. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { createRun } from '#core/host/createRun.ts';
import { listRuns } from '#core/host/runList.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';
import { temporaryFolder } from './ares.ts';
import { announceShell, callFromPage, launchStandIn, startDesktop, startStandIn } from './desktop.ts';
import { describeWithChromium } from './serve.ts';

announceShell('behaviour');

describeWithChromium('the desktop shell', () => {
  it('opens the sample project at its first start', async () => {
    const { page, quit } = await startDesktop(temporaryFolder());
    await page.waitForSelector('main');
    await page.getByText('sample', { exact: true }).first().waitFor();
    expect(await page.title()).toMatch(/^sample/);
    await quit();
  });
});

describeWithChromium('the shell under the stand-in', () => {
  it('carries commands from the menu to the window, shortcuts being the window’s own', async () => {
    const { page, ask, quit } = await startStandIn(temporaryFolder());
    await page.waitForSelector('main');
    const menu = JSON.stringify(await ask('menu'));
    for (const label of [
      'Home',
      'Data',
      'Difficulty',
      'Entropy',
      'Runs',
      'Compare',
      'Rewards',
      'Models',
      'Settings',
      'quit',
    ])
      expect(menu).toContain(`"${label}"`);
    await ask('chooseFromMenu', 'Runs');
    await expect.poll(() => page.url()).toContain('#/runs');
    await ask('chooseFromMenu', 'Command palette');
    await page.getByRole('dialog').first().waitFor();
    await quit();
  });

  it('asks for folders and files by the system’s dialogs', async () => {
    const { page, ask, quit } = await startStandIn(temporaryFolder());
    await page.waitForSelector('main');
    await ask('answerDialogs', { paths: ['/models/qwen', null, '/data/a.csv'] });
    expect(await page.evaluate(`ares.chooseFolder('Choose a model')`)).toBe('/models/qwen');
    expect(await page.evaluate(`ares.chooseFolder('Choose a model')`)).toBeNull();
    expect(await page.evaluate(`ares.chooseFile('Choose a data file', ['csv'])`)).toBe('/data/a.csv');
    await page.evaluate(`ares.reveal('/data/a.csv')`);
    expect((await ask('asked')).revealed).toEqual(['/data/a.csv']);
    await quit();
  });

  it('knows the path of a dropped file at once, and of a made-up one none', async () => {
    const { page, quit } = await startStandIn(temporaryFolder());
    await page.waitForSelector('main');
    expect(await page.evaluate(`ares.pathOfFile(new File(['{}'], 'problems.jsonl'))`)).toBe('/dropped/problems.jsonl');
    expect(await page.evaluate(`ares.pathOfFile({ name: 'problems.jsonl' })`)).toBe('');
    await quit();
  });

  it('takes a file that is dropped on the window by its path, without sending it', async () => {
    const { page, quit } = await startStandIn(temporaryFolder());
    await page.waitForSelector('main');
    await page.getByText('sample', { exact: true }).first().waitFor();
    await page.evaluate(`{
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['{}'], 'problems.jsonl'));
      for (const type of ['dragenter', 'dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }`);
    await expect.poll(() => decodeURIComponent(page.url())).toContain('#/data?import=/dropped/problems.jsonl');
    await quit();
  });

  it('offers to load a page again that has crashed', async () => {
    const { page, ask, quit } = await startStandIn(temporaryFolder());
    await page.waitForSelector('main');
    await ask('answerDialogs', { buttons: [0] });
    await ask('crashPage');
    await expect.poll(async () => (await ask('asked')).messages).toEqual([expect.stringContaining('Runs go on.')]);
    const again = await expectPage(page.context(), page);
    await again.waitForSelector('main');
    await quit();
  });

  it('keeps the place of its window, and ends when that is closed', async () => {
    const home = temporaryFolder();
    const { page, ask, ended } = await startStandIn(home);
    await page.waitForSelector('main');
    await ask('closeWindow');
    expect(await ended).toBe(0);
    expect(JSON.parse(readFileSync(join(home, 'window.json'), 'utf8'))).toEqual({
      x: 0,
      y: 0,
      width: 1440,
      height: 900,
      isMaximised: false,
    });
    const { ask: askAgain, quit } = await startStandIn(home);
    expect((await askAgain('window')).options).toMatchObject({ x: 0, y: 0, width: 1440, height: 900 });
    await quit();
  });

  it('shows its window instead of starting twice', async () => {
    const home = temporaryFolder();
    const first = await startStandIn(home);
    await first.page.waitForSelector('main');
    const second = await launchStandIn(home);
    expect(await second.ended).toBe(0);
    await expect.poll(async () => (await first.ask('window')).isFocused).toBe(true);
    expect((await first.ask('state')).windows).toBe(1);
    await first.quit();
  });

  it('says what is wrong when it cannot start', async () => {
    const { ended } = await launchStandIn(temporaryFolder(), { switches: ['--project=/nowhere'] });
    expect(await ended).toBe(1);
  });
});

describeWithChromium('a run in the desktop shell', () => {
  const sample = (...parts: string[]) => join(resourcesFolder, 'sample', ...parts);

  /** A project whose one run, labelling the sample, waits in the queue. */
  async function queuedRun(project: string): Promise<void> {
    await createRun({
      projectFolder: project,
      kind: 'label',
      recipe: parseRecipe(readFileSync(sample('recipe.yaml'), 'utf8'), 'the sample'),
      dataFile: sample('problems-train.jsonl'),
      modelFolder: sample('base'),
    });
  }
  const stateOf = (project: string) => listRuns(project)[0]!;

  it('is worked on by a utility process, and pauses when the window is closed', async () => {
    const home = temporaryFolder();
    const project = join(home, 'project');
    await queuedRun(project);
    const { page, ask, ended } = await startStandIn(home, { switches: [`--project=${project}`] });
    await page.waitForSelector('main');
    await expect.poll(() => stateOf(project).fraction, { timeout: 60_000 }).toBeGreaterThan(0);
    expect(stateOf(project).state).toBe('running');
    expect((await ask('engines')).length).toBe(1);
    await ask('closeWindow');
    expect(await ended).toBe(0);
    expect(stateOf(project).state).toBe('paused');
    expect(stateOf(project).fraction).toBeGreaterThan(0);
  });

  it('is interrupted, not lost, when its engine dies, and goes on', async () => {
    const home = temporaryFolder();
    const project = join(home, 'project');
    await queuedRun(project);
    const { page, ask, quit } = await startStandIn(home, { switches: [`--project=${project}`] });
    await page.waitForSelector('main');
    await expect.poll(() => stateOf(project).fraction, { timeout: 60_000 }).toBeGreaterThan(0);
    await ask('killEngine');
    await expect.poll(() => stateOf(project).state).toBe('interrupted');
    const before = stateOf(project).fraction;
    // The window is still there, and resumes it.
    await callFromPage(page, 'runs.resume', { runId: 1 });
    await expect.poll(() => stateOf(project).fraction, { timeout: 60_000 }).toBeGreaterThan(before);
    expect((await ask('engines')).length).toBe(2);
    await quit();
    expect(stateOf(project).state).toBe('paused');
  });
});

/** The page that has taken the place of another. */
async function expectPage(context: BrowserContext, old: Page) {
  await expect
    .poll(() => context.pages().some((each) => each !== old && each.url().includes('app.invalid')))
    .toBe(true);
  return context.pages().find((each) => each !== old && each.url().includes('app.invalid'))!;
}
