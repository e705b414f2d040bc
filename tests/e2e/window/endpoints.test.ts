// An endpoint in the window: added with a key, probed, and chosen to measure difficulty.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dialects, startFakeServer } from '../../unit/remote/fakeServer.ts';
import { mainFile, runProcess, temporaryFolder } from '../ares.ts';
import { PATIENCE_MS, announceWindow, chromiumPath, startApp } from './app.ts';

const KEY = 'sk-window-0123456789';
announceWindow('endpoints');

describe.skipIf(chromiumPath === null)('endpoints', () => {
  it('are added, probed and labelled with', { timeout: 240_000 }, async () => {
    const server = await startFakeServer({
      dialect: dialects.llamaCpp,
      key: KEY,
      answer: (_question, times) => (times % 2 === 0 ? 'So \\boxed{5}.' : '\\boxed{6}'),
    });
    onTestFinished(() => server.close());
    const folder = temporaryFolder();
    const project = join(folder, 'project');
    const lines = Array.from({ length: 10 }, (_, i) => JSON.stringify({ problem: `What is ${i} + 1?`, answer: '5' }));
    writeFileSync(join(folder, 'ten.jsonl'), lines.join('\n'));
    // A project with ten problems, labelled once.
    const env = { ...process.env, ARES_HOME: join(folder, 'home'), TEST_KEY: KEY };
    const first = ['label', '--data', join(folder, 'ten.jsonl'), '--endpoint', server.url, '--endpoint-model', 'm'];
    const made = await runProcess(process.execPath, [mainFile, ...first, '--key-env', 'TEST_KEY', '--out', project], {
      env,
    });
    expect(made.code, made.stderr).toBe(0);

    const app = await startApp({ project });
    onTestFinished(() => app.close());
    const { page } = app;
    await app.go('settings', { section: 'endpoints' });
    await page.getByRole('button', { name: 'Add an endpoint' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('lab');
    await dialog.getByLabel('Address').fill(server.url);
    await dialog.getByText(/Until the program ends|In the system/).click();
    await dialog.getByLabel('The key').fill(KEY);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Probe a model' }).click();
    await dialog.getByRole('button', { name: 'Probe', exact: true }).click();
    await page.getByText('no batched responses').waitFor({ timeout: PATIENCE_MS });
    await page.getByText('no batched responses').click();
    await app.screenshot('settings-endpoints');
    expect(await page.content()).not.toContain(KEY);

    const before = server.asked.length;
    await app.go('difficulty', { dataset: 1 });
    await page
      .getByRole('button', { name: /Measure|Label/ })
      .first()
      .click();
    await dialog.getByLabel('Model').selectOption({ label: `m · ${new URL(server.url).host}` });
    await page.getByText('lower bounds').waitFor();
    await app.screenshot('difficulty-endpoint');
    await dialog.getByRole('button', { name: 'Start labelling' }).click();
    await expect.poll(() => server.asked.length - before, { timeout: PATIENCE_MS }).toBeGreaterThanOrEqual(60);
    // The new label stands above the old one, which stays.
    await expect
      .poll(
        async () => {
          await app.reopen();
          return (await app.page.content()).includes(', run 2');
        },
        { timeout: PATIENCE_MS },
      )
      .toBe(true);
    const shown = await app.page.content();
    expect(shown).toContain(', run 1');
    expect(shown).toContain('≥ 2.40');
    await app.screenshot('difficulty-endpoint-done');
    expect(app.takeComplaints()).toEqual([]);
  });
});
