/**
 * How long it takes from the click on a run to its charts, with a large project behind the window.
 *
 * Owns: the store of makeStore.ts, a window in Chromium over `ares serve`, and the time until every chart
 * in view is drawn, for several runs in turn. The budget is 300 ms.
 *
 *     node tests/bench/openCharts.ts [FOLDER]    FOLDER holds such a project from an earlier time
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Page, chromium } from 'playwright-core';
import { quantile } from '#core/util/statistics.ts';
import { makeStore } from './makeStore.ts';

const root = resolve(import.meta.dirname, '..', '..');
const home = mkdtempSync(join(tmpdir(), 'ares-charts-'));
const [given] = process.argv.slice(2);
const project = given ?? join(home, 'project');
if (given === undefined) makeStore(project, join(root, 'resources', 'sample', 'base'), { runs: 100, steps: 10_000 });

const server = spawn(
  process.execPath,
  [join(root, 'core', 'cli', 'main.ts'), 'serve', '--headless', '--json', project],
  {
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  },
);
try {
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  await page.waitForSelector('main');
  await open(page, 1);
  const times: number[] = [];
  for (let runId = 2; runId <= 16; runId++) times.push(await open(page, runId));
  const at = (q: number) => quantile(times, q).toFixed(0);
  console.log(`charts of a run: p50 ${at(0.5)}  p95 ${at(0.95)}  max ${at(1)} ms, load ${loadavg()[0]!.toFixed(1)}`);
  await browser.close();
} finally {
  server.kill('SIGINT');
  await once(server, 'exit');
  rmSync(home, { recursive: true, force: true });
}

/** Milliseconds within the page until the charts in view of another run are there and painted. */
function open(page: Page, runId: number): Promise<number> {
  // As text: what runs in the page knows the DOM, this file does not.
  return page.evaluate<number>(`(async () => {
    const before = performance.now();
    location.hash = '#/runs?run=${runId}';
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const isDrawn = () => {
      if (document.querySelector('header h1 .id')?.textContent !== '${runId}') return false;
      const charts = [...document.querySelectorAll('.grid .chart')];
      const inView = charts.filter((chart) => chart.getBoundingClientRect().top < innerHeight);
      return inView.length > 0 && inView.every((chart) => chart.querySelector('canvas') !== null);
    };
    while (!isDrawn()) await frame();
    await frame();
    return performance.now() - before;
  })()`);
}
