// Labelling with a server from the command line: a process killed half-way, and no answered request repeated.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openStore } from '#core/store/store.ts';
import { dialects, startFakeServer } from '../unit/remote/fakeServer.ts';
import { mainFile, runProcess, temporaryFolder } from './ares.ts';

const KEY = 'sk-e2e-0123456789';

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

it('is resumed after SIGKILL without asking twice for what was answered, and the key is nowhere', async () => {
  const folder = temporaryFolder();
  const [home, project] = [join(folder, 'home'), join(folder, 'project')];
  const env = { ...process.env, ARES_HOME: home, TEST_KEY: KEY };
  const data = join(folder, 'ten.jsonl');
  const lines = Array.from({ length: 10 }, (_, i) =>
    JSON.stringify({ problem: `What is ${i} + 1?`, answer: `${i + 1}` }),
  );
  writeFileSync(data, lines.join('\n'));
  // Every request waits from the moment that enough were answered, until the process is dead.
  const pause = { after: 35, answered: 0, isDead: false };
  const server = await startFakeServer({
    dialect: { ...dialects.llamaCpp },
    key: KEY,
    answer: (question) => (question.includes('3 + 1') ? `\\boxed{5} and not ${KEY}` : '\\boxed{5}'),
    hold: async () => {
      if (!pause.isDead && pause.answered >= pause.after) await new Promise(() => undefined);
      pause.answered++;
    },
  });
  onTestFinished(() => server.close());
  const ares = (...args: string[]) => runProcess(process.execPath, [mainFile, ...args], { env });

  expect((await ares('endpoint', 'add', 'lab', '--url', server.url, '--key-env', 'TEST_KEY')).code).toBe(0);
  const probed = await ares('endpoint', 'probe', 'lab', '--json');
  expect(JSON.parse(probed.stdout)).toMatchObject({ model: 'm', capabilities: { topLogprobs: 20, choices: false } });

  pause.answered = 0;
  const before = server.asked.length;
  const label = ['label', '--data', data, '--endpoint', 'lab', '--endpoint-model', 'm', '--out', project];
  const recipe = join(folder, 'recipe.yaml');
  writeFileSync(recipe, 'version: 1\nlabel: {samples: 8, extraSamples: 0}');
  const child = spawn(process.execPath, [mainFile, ...label, '--recipe', recipe], { env, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const storedNow = (): string[] => {
    const store = openStore(join(project, 'ares.db'));
    try {
      return store.rollouts.steps(1, 0).flatMap((step) => {
        const { problemId, sample } = store.rollouts.columns({ runId: 1, stage: 0, step });
        return Array.from(problemId, (id, i) => `${id}:${sample[i]}`);
      });
    } finally {
      store.close();
    }
  };
  await expect.poll(() => server.asked.length - before, { timeout: 60_000 }).toBeGreaterThan(35);
  await expect.poll(storedNow, { timeout: 20_000 }).toHaveLength(35);
  child.kill('SIGKILL');
  await once(child, 'exit');
  pause.isDead = true;

  const asked = server.asked.length;
  const kept = storedNow();
  const resumed = await ares('resume', project);
  expect(resumed.stderr + resumed.stdout).toContain('10 problems');
  expect(resumed.code).toBe(0);
  expect(server.asked.length - asked).toBe(80 - kept.length);
  const all = storedNow();
  expect(new Set(all).size).toBe(80);
  expect(all).toHaveLength(80);
  expect((await ares('export', project, '--to', join(folder, 'out'), '--rollouts')).code).toBe(0);
  const exported = readFileSync(join(folder, 'out', 'labels.jsonl'), 'utf8')
    .trim()
    .split('\n');
  expect(exported).toHaveLength(10);
  expect(JSON.parse(exported[0]!)).toMatchObject({ n: 8, entropy_top_k: 20, model: `${server.url} m` });
  // Responses that spell the key out do not spell it out here.
  for (const file of [...filesBelow(project), ...filesBelow(home), ...filesBelow(join(folder, 'out'))])
    expect(readFileSync(file, 'latin1').includes(KEY), file).toBe(false);
  expect(`${resumed.stderr}${resumed.stdout}${probed.stdout}`).not.toContain(KEY);
}, 180_000);
