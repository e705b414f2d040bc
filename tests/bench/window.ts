/**
 * The budgets of the window, measured in Chromium on the real server:
 *
 *     node tests/bench/window.ts --work DIR [--times 7] [--only pages,table,trace,calls]
 *
 * Owns: the projects that are measured on (100 runs × 10,000 steps × 20 metrics; a million problems; a trace
 * of 10,000 tokens; a run that trains), which are made once in DIR and used again, what is measured, and the
 * line it adds to results/window.jsonl. Times are of this machine as it is: load is written beside them.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { rendererBuild, upToDate } from '#core/cli/builds.ts';
import { createClient } from '#core/contract/client.ts';
import type { RequestOf } from '#core/contract/contract.ts';
import { openProject } from '#core/host/project.ts';
import { createFrameTransport } from '#renderer/transport/frameTransport.ts';
import { type App, settled, startApp, until } from '../e2e/window/app.ts';
import { eagerScript } from '../e2e/window/eagerScript.ts';
import { prepareProject, shortRecipe } from '../e2e/window/preparedProject.ts';
import { makeStore } from './makeStore.ts';

const { values } = parseArgs({
  options: {
    work: { type: 'string' },
    times: { type: 'string', default: '7' },
    only: { type: 'string', default: 'pages,table,trace,calls' },
  },
});
if (values.work === undefined) throw new Error('Name a folder with --work, in which the projects are made.');
const work = resolve(values.work);
const times = Number(values.times);
const wanted = new Set(values.only.split(','));
mkdirSync(work, { recursive: true });

const RUNS = 100;
const STEPS = 10_000;
const TRACE_TOKENS = 10_000;
const FRAMES = 240;
const CHARTS_IN_VIEW = 6;
const CALLS = 400;

interface Measured {
  what: string;
  unit: 'ms' | 'kB';
  budget: number;
  n: number;
  /** What is held against the budget: the median of times, the longest of frames, the 95th percentile of calls. */
  value: number;
  by: 'median' | 'longest' | 'p95' | 'size' | 'mean';
  least: number;
  most: number;
  /** How many of the n were over the budget. */
  over: number;
}
const results: Measured[] = [];
const round = (value: number) => Math.round(10 * value) / 10;

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
function add(what: string, budget: number, by: Measured['by'], samples: readonly number[]): void {
  const sorted = samples.toSorted((a, b) => a - b);
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  const value = by === 'median' ? quantile(sorted, 0.5) : by === 'p95' ? quantile(sorted, 0.95) : most;
  const over = samples.filter((each) => each >= budget).length;
  results.push({ what, unit: by === 'size' ? 'kB' : 'ms', budget, n: samples.length, value, by, least, most, over });
  const range = `${by} of ${samples.length}, ${round(least)} to ${round(most)}, ${over} over`;
  const figure = `${String(round(value)).padStart(8)} ${by === 'size' ? 'kB' : 'ms'}`;
  const mark = value < budget ? 'kept  ' : 'BROKEN';
  process.stdout.write(`${mark}  ${what.padEnd(46)} ${figure} (${range}), budget ${budget}\n`);
}

/** Longest distances between two frames while something is scrolled by, one per pass. */
function framesOf(page: Page, selector: string, stepPx: number): Promise<number[]> {
  return page.evaluate(
    async ({ selector: wantedSelector, stepPx: step, frames }) => {
      const element = document.querySelector(wantedSelector)!;
      const deltas: number[] = [];
      let before = await new Promise<number>(requestAnimationFrame);
      let direction = 1;
      for (let i = 0; i < frames; i++) {
        if (element.scrollTop + element.clientHeight >= element.scrollHeight - 1) direction = -1;
        if (element.scrollTop === 0) direction = 1;
        element.scrollTop += direction * step;
        const now = await new Promise<number>(requestAnimationFrame);
        deltas.push(now - before);
        before = now;
      }
      return deltas;
    },
    { selector, stepPx, frames: FRAMES },
  );
}

/**
 * Passes by with the frames and, what other programs on the machine do not change, the processor time of the
 * page's main thread per frame: more than 1000 / 60 ms cannot be smooth.
 */
async function addFrames(what: string, app: App, selector: string, stepPx: number): Promise<void> {
  const session = await app.context.newCDPSession(app.page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busyMs = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * metrics.find(({ name }) => name === 'TaskDuration')!.value;
  };
  const before = await busyMs();
  const frames = await framesOf(app.page, selector, stepPx);
  const perFrame = ((await busyMs()) - before) / FRAMES;
  await session.detach();
  add(`frame, ${what}`, 50, 'longest', frames);
  add(`main thread per frame, ${what}`, 16.7, 'mean', [perFrame]);
}

async function inApp(project: string, measure: (app: App) => Promise<void>): Promise<void> {
  const app = await startApp({ project });
  try {
    const skip = app.page.getByRole('button', { name: 'Skip the tour' });
    await skip.click();
    await measure(app);
  } finally {
    await app.close();
  }
}

/** First paint, interactive and the charts of a run, on the large store. */
async function measurePages(): Promise<void> {
  const project = join(work, 'store');
  if (!existsSync(join(project, 'ares.db'))) {
    process.stderr.write('Making 100 runs of 10,000 steps ...\n');
    makeStore(project, resolve(import.meta.dirname, '..', '..', 'resources', 'sample', 'base'), {
      runs: RUNS,
      steps: STEPS,
    });
  }
  await inApp(project, async (app) => {
    const paints: number[] = [];
    const interactive: number[] = [];
    await app.context.addInitScript(() => {
      const page = globalThis as unknown as { interactiveMs?: number };
      new MutationObserver((_, observer) => {
        // The room is there with its controls, and the frame after it is drawn.
        if (document.querySelector('main .choices select') === null) return;
        observer.disconnect();
        requestAnimationFrame(() => (page.interactiveMs = performance.now()));
      }).observe(document, { childList: true, subtree: true });
    });
    const address = new URL('/', app.url).href;
    for (let i = 0; i < times; i++) {
      const page = await app.context.newPage();
      await page.goto(address);
      await page.waitForFunction(() => 'interactiveMs' in globalThis);
      const [paint, ready] = await page.evaluate(() => [
        performance.getEntriesByName('first-contentful-paint')[0]!.startTime,
        (globalThis as unknown as { interactiveMs: number }).interactiveMs,
      ]);
      paints.push(paint!);
      interactive.push(ready!);
      await page.close();
    }
    add('first paint', 1000, 'median', paints);
    add('interactive', 2000, 'median', interactive);

    await app.go('runs', { run: 1 });
    const opening: number[] = [];
    for (let i = 0; i < times; i++) {
      const run = 2 + i * 7;
      opening.push(
        await app.page.evaluate(
          async ({ run: wantedRun, charts }) => {
            const start = performance.now();
            location.hash = `#/runs?run=${wantedRun}`;
            const isThere = () =>
              document.querySelector('main h1 .id')?.textContent?.trim() === String(wantedRun) &&
              document.querySelectorAll('main figure .u-over').length >= charts;
            while (!isThere()) await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            return performance.now() - start;
          },
          { run, charts: CHARTS_IN_VIEW },
        ),
      );
      await settled(app.page);
    }
    add('charts of a run', 300, 'median', opening);
  });
  add('eager JavaScript', 600, 'size', [eagerScript(await upToDate(rendererBuild, () => undefined)).bytes / 1000]);
}

async function measureTable(): Promise<void> {
  const project = join(work, 'million');
  if (!existsSync(join(project, 'ares.db'))) {
    process.stderr.write('Making a million problems ...\n');
    mkdirSync(project, { recursive: true });
    spawnSync(process.execPath, [join(import.meta.dirname, 'millionProblems.ts'), project], { stdio: 'inherit' });
  }
  await inApp(project, async (app) => {
    await app.go('data');
    await until(() => app.page.locator('main [role=row][aria-rowindex]').count(), 'the problems');
    await settled(app.page);
    // As a wheel does, as a thumb that is dragged does.
    await addFrames('table of a million, by the wheel', app, '[role=grid]', 120);
    await addFrames('table of a million, by its bar', app, '[role=grid]', 100_000);
  });
}

/** The prepared project with one more response, of ten thousand tokens. */
async function longTrace(): Promise<{ project: string; rolloutId: number }> {
  const project = join(work, 'prepared', 'project');
  if (!existsSync(project)) {
    mkdirSync(join(work, 'prepared'), { recursive: true });
    await prepareProject(join(work, 'prepared'));
  }
  const store = openProject(project);
  try {
    const { runId } = store.runs.list().at(-1)!;
    const stage = store.runs.stages(runId).findIndex(({ name }) => name === 'policy');
    const step = store.rollouts.steps(runId, stage).at(-1)!;
    const key = { runId, stage, step };
    const ids = store.rollouts.columns(key).rolloutId;
    const long = () =>
      [...store.rollouts.columns(key).rolloutId].find(
        (each) => store.rollouts.get(each)?.lengthTokens === TRACE_TOKENS,
      );
    const known = long();
    if (known !== undefined) return { project, rolloutId: known };
    const {
      rolloutId,
      hasTokens: _,
      runId: _run,
      stage: _stage,
      step: _step,
      ...rollout
    } = store.rollouts.get(ids[0]!)!;
    const tokens = store.rollouts.tokens(rolloutId)!;
    const repeat = <A extends Int32Array | Float32Array>(values: A, all: A): A => {
      for (let i = 0; i < all.length; i++) all[i] = values[i % values.length]!;
      return all;
    };
    const made = {
      ...rollout,
      sample: 1000,
      parentSample: null,
      forkPosition: null,
      lengthTokens: TRACE_TOKENS,
      tokens: {
        ids: repeat(tokens.ids, new Int32Array(TRACE_TOKENS)),
        logprobs: repeat(tokens.logprobs, new Float32Array(TRACE_TOKENS)),
        entropiesNats: repeat(tokens.entropiesNats, new Float32Array(TRACE_TOKENS)),
      },
    };
    store.rollouts.write(key, [made]);
    return { project, rolloutId: long()! };
  } finally {
    store.close();
  }
}

async function measureTrace(): Promise<void> {
  const { project, rolloutId } = await longTrace();
  await inApp(project, async (app) => {
    await app.go('entropy', { rollout: rolloutId });
    await app.page.getByRole('textbox', { name: `Trace of ${TRACE_TOKENS} tokens` }).waitFor();
    await settled(app.page);
    const selector = '[role=textbox][aria-readonly]';
    await addFrames('trace of 10,000 tokens, by the wheel', app, selector, 120);
    await addFrames('trace of 10,000 tokens, by its bar', app, selector, 4000);
  });
}

/** Calls as the Runs room makes them, over a socket of their own, while the policy is trained. */
async function measureCalls(): Promise<void> {
  const { project } = await longTrace();
  await inApp(project, async ({ url }) => {
    const cookie = (await fetch(url)).headers.get('set-cookie')!.split(';')[0]!;
    const { host, origin } = new URL(url);
    const transport = createFrameTransport();
    const socket = new WebSocket(`ws://${host}/socket`, { headers: { cookie, origin } });
    socket.binaryType = 'arraybuffer';
    socket.on('message', (data) => transport.received(new Uint8Array(data as ArrayBuffer)));
    await new Promise((done) => void socket.once('open', done));
    transport.opened((frame) => socket.send(frame));
    const client = createClient(transport);
    const details = await client.call('runs.get', { runId: 1 });
    const recipe = { ...shortRecipe, coldStart: { enabled: false }, policy: { ...shortRecipe.policy, steps: 5000 } };
    const request: RequestOf<'runs.create'> = {
      kind: 'aepo',
      modelId: details.baseModelId,
      train: details.train,
      heldout: details.heldout,
      recipe: JSON.stringify({ ...recipe, name: 'Bench', engine: { threads: null } }),
      parentId: null,
    };
    const { runId } = await client.call('runs.create', request);
    await until(async () => {
      const { progress } = await client.call('runs.get', { runId });
      return (progress.stages.find(({ name }) => name === 'policy')?.doneUnits ?? 0) >= 2;
    }, 'the policy to be trained');
    const { stage } = (await client.call('runs.series', { runId })).find(({ name }) => name === 'accuracy/mean')!;
    const names = ['accuracy/mean', 'length/mean', 'entropy/mean', 'reward/mean'];
    const kinds = [
      () => client.call('runs.list', {}),
      () => client.call('runs.get', { runId }),
      () => client.call('runs.series', { runId }),
      () => client.call('runs.metrics', { runId, stage, names, buckets: 400 }),
      () => client.call('problems.rows', { problemIds: [1, 2, 3, 4, 5, 6, 7, 8], modelId: details.baseModelId }),
      () => client.call('jobs.list', {}),
    ];
    const took: number[] = [];
    for (let i = 0; i < CALLS; i++) {
      const start = performance.now();
      await kinds[i % kinds.length]!();
      took.push(performance.now() - start);
      await new Promise((done) => void setTimeout(done, 20));
    }
    const { progress } = await client.call('runs.get', { runId });
    if (progress.state !== 'running') throw new Error('The run ended before the calls did.');
    add('contract round trip while a run trains', 10, 'p95', took);
    await client.call('runs.stop', { runId });
    socket.close();
  });
}

const load = loadavg()[0]!;
if (wanted.has('pages')) await measurePages();
if (wanted.has('table')) await measureTable();
if (wanted.has('trace')) await measureTrace();
if (wanted.has('calls')) await measureCalls();

process.stdout.write(`load average at the beginning ${round(load)} on ${cpus().length} cores\n`);
const line = {
  date: new Date().toISOString().slice(0, 10),
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  loadAverage: round(load),
  measurements: results.map((each) => ({
    ...each,
    value: round(each.value),
    least: round(each.least),
    most: round(each.most),
  })),
};
appendFileSync(join(import.meta.dirname, 'results', 'window.jsonl'), `${JSON.stringify(line)}\n`);
