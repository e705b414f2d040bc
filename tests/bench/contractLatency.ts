/**
 * How long a front end waits for an answer while a run trains: the round trip of a call through `ares serve`,
 * from another process, as a window makes it.
 *
 * Owns: a short run of the sample from label to policy, small calls all the while, and their times per
 * stage. The budget is 10 ms at the 95th percentile.
 *
 *     node tests/bench/contractLatency.ts
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Client, createClient } from '#core/contract/client.ts';
import { createRun } from '#core/host/createRun.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import { quantile } from '#core/util/statistics.ts';
import { createFrameTransport } from '#renderer/transport/frameTransport.ts';

const root = resolve(import.meta.dirname, '..', '..');
const sample = (name: string) => join(root, 'resources', 'sample', name);
const EVERY_MS = 20;

const recipe = `
version: 1
name: Latency
label: { samples: 4, extraSamples: 0, maxNewTokens: 160 }
coldStart: { epochs: 1, curation: { perBracket: 20 }, schedule: { peak: 0.0007 } }
policy: { steps: 12, schedule: { peak: 0.0002 }, maxNewTokens: 160 }
evaluation: { samples: 2, maxNewTokens: 160 }
checkpoints: { everySteps: 3 }
`;

const folder = mkdtempSync(join(tmpdir(), 'ares-latency-'));
const project = join(folder, 'project');
await createRun({
  projectFolder: project,
  kind: 'pipeline',
  recipe: parseRecipe(recipe, 'the recipe of the bench'),
  dataFile: sample('problems-train.jsonl'),
  heldoutFile: sample('problems-heldout.jsonl'),
  modelFolder: sample('base'),
});
const server = spawn(
  process.execPath,
  [join(root, 'core', 'cli', 'main.ts'), 'serve', '--headless', '--json', project],
  {
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
    stdio: ['ignore', 'pipe', 'ignore'],
  },
);
try {
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };
  const client = await connect(url);
  const times = await measure(client);
  for (const [stage, own] of times) {
    const at = (q: number) => quantile(own, q).toFixed(1);
    console.log(
      `${stage.padEnd(20)} ${String(own.length).padStart(5)} calls  p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}  max ${at(1)} ms`,
    );
  }
} finally {
  server.kill('SIGINT');
  await once(server, 'exit');
  rmSync(folder, { recursive: true, force: true });
}

/** As a browser does: the token is exchanged for a cookie, which opens the socket. */
async function connect(url: string): Promise<Client> {
  const answer = await fetch(url, { redirect: 'manual' });
  const cookie = answer.headers
    .getSetCookie()
    .map((one) => one.split(';')[0]!)
    .join('; ');
  const { host } = new URL(url);
  const socket = new WebSocket(`ws://${host}/socket`, { headers: { cookie, origin: `http://${host}` } });
  const transport = createFrameTransport();
  socket.on('message', (data: Buffer) => transport.received(new Uint8Array(data)));
  await once(socket, 'open');
  transport.opened((frame) => socket.send(frame));
  return createClient(transport);
}

/** Milliseconds per call, by the stage at work, until the run has ended. */
async function measure(client: Client): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>();
  for (;;) {
    const before = performance.now();
    const [run] = await client.call('runs.list', {});
    const elapsed = performance.now() - before;
    if (run === undefined || run.state === 'finished') return times;
    if (run.state !== 'running' && run.state !== 'queued')
      throw new Error(`The run is ${run.state}: ${readFileSync(join(project, 'runs', '1', 'run.json'), 'utf8')}`);
    const stage = run.stage ?? 'report';
    times.set(stage, [...(times.get(stage) ?? []), elapsed]);
    await delay(EVERY_MS);
  }
}
