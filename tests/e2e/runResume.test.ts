// A run that is killed or paused anywhere and resumed ends with the very bytes of one that was not.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MACHINE } from '#core/runs/machineMetrics.ts';
import { type Store, openStore } from '#core/store/store.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { type RunningAres, ares, startAres, temporaryFolder, writeTinyInputs } from './tinyProject.ts';

/** Stages of the pipeline by number. */
const LABEL = 0;
const COLD_START = 2;
const POLICY = 4;

/** A stage, and so many of its steps that must be stored before the process is ended. */
interface Moment {
  stage: number;
  steps: number;
}

/** Everything a run computed, without the times. */
interface Result {
  models: Record<string, Buffer>;
  metrics: unknown;
  responses: unknown;
  labels: unknown;
}

function resultOf(project: string): Result {
  const store = openStore(join(project, 'ares.db'));
  try {
    const runId = 1;
    const stages = store.runs.stages(runId);
    const folder = join(project, 'runs', '1', 'models');
    return {
      models: {
        coldStart: readFileSync(join(folder, 'cold-start', 'model.safetensors')),
        policy: readFileSync(join(folder, 'policy', 'model.safetensors')),
      },
      metrics: store.metrics
        .summaries(runId)
        .filter(({ name }) => !name.startsWith(MACHINE))
        .map(({ stage, name }) => {
          const { step, value } = store.metrics.read({ runId, stage, name });
          return [stage, name, [...step], [...value]];
        }),
      responses: stages.map(({ stage }) =>
        store.rollouts.steps(runId, stage).map((step) => {
          const key = { runId, stage, step };
          const { problemId } = store.rollouts.columns(key);
          return [...new Set(problemId)].map((id) =>
            store.rollouts.ofProblem(key, id).map(({ rolloutId, ...rest }) => [rest, store.rollouts.tokens(rolloutId)]),
          );
        }),
      ),
      labels: store.labels.newest(1, 1).map((label) => ({ ...label, labelId: 0, createdMs: 0 })),
    };
  } finally {
    store.close();
  }
}

function stepsDone(store: Store, { stage }: Moment): number {
  return stage === COLD_START
    ? (store.metrics.summaries(1).find((series) => series.stage === stage && series.name === 'loss')?.points ?? 0)
    : store.rollouts.steps(1, stage).length;
}

/** Waits until a run has come so far; false when the process ended before. */
async function reached(project: string, moment: Moment, running: RunningAres): Promise<boolean> {
  const file = join(project, 'ares.db');
  let store: Store | undefined;
  try {
    while (running.child.exitCode === null && running.child.signalCode === null) {
      // The folder of the run is made after the database.
      if (existsSync(join(project, 'runs', '1', 'run.json'))) {
        store ??= openStore(file);
        if (stepsDone(store, moment) >= moment.steps) return true;
      }
      await delay(2);
    }
    return false;
  } finally {
    store?.close();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a run that did not go straight through', () => {
  const inputs: { arguments: string[]; whole: Result } = { arguments: [], whole: undefined as unknown as Result };

  const folder = mkdtempSync(join(tmpdir(), 'ares-resume-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeAll(async () => {
    inputs.arguments = writeTinyInputs(folder);
    const project = join(folder, 'whole');
    const { code, stderr } = await ares('run', ...inputs.arguments, '--out', project);
    expect([code, stderr]).toEqual([0, expect.stringContaining('report.html')]);
    inputs.whole = resultOf(project);
  });

  it('trains in every stage, so that equal bytes mean something', () => {
    const { models, metrics } = inputs.whole;
    expect(models['coldStart']!.equals(models['policy']!)).toBe(false);
    const stages = new Set((metrics as [number, string][]).map(([stage]) => stage));
    expect([...stages]).toEqual([LABEL, 1, COLD_START, 3, POLICY, 5]);
  });

  it.each([1, 2])(
    'ends with the same bytes after SIGKILLs in every stage (seed %i)',
    async (seed) => {
      const random = new RandomSequence(seed, Stream.selection);
      const project = join(temporaryFolder(), 'killed');
      mkdirSync(project, { recursive: true });
      const moments: Moment[] = [
        { stage: LABEL, steps: 1 + random.integer(7) },
        { stage: COLD_START, steps: 1 + random.integer(4) },
        { stage: COLD_START, steps: 5 + random.integer(3) },
        { stage: POLICY, steps: 1 + random.integer(4) },
        { stage: POLICY, steps: 5 + random.integer(3) },
        { stage: POLICY, steps: 9 + random.integer(3) },
      ];
      let kills = 0;
      for (const [attempt, moment] of moments.entries()) {
        const running =
          attempt === 0 ? startAres('run', ...inputs.arguments, '--out', project) : startAres('resume', project);
        if (!(await reached(project, moment, running))) continue;
        await delay(random.integer(30));
        if (running.child.exitCode === null) {
          process.kill(-running.child.pid!, 'SIGKILL');
          kills++;
        }
        await running.ended;
      }
      expect(kills).toBeGreaterThanOrEqual(4);
      const last = await ares('resume', project);
      // Code 2: the last kill came too late, and there is nothing left to resume.
      expect([0, 2]).toContain(last.code);
      expect(resultOf(project)).toEqual(inputs.whole);
    },
    60_000,
  );

  it('pauses on Ctrl-C with a checkpoint and code 130, and ends with the same bytes when resumed', async () => {
    const project = join(temporaryFolder(), 'paused');
    const running = startAres('run', ...inputs.arguments, '--out', project);
    expect(await reached(project, { stage: POLICY, steps: 3 }, running)).toBe(true);
    process.kill(-running.child.pid!, 'SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(stdout).toBe(`Paused. Resume with: ares resume ${project}\n`);
    const listed = JSON.parse((await ares('runs', project, '--json')).stdout) as {
      runs: { state: string; stage: string; fraction: number; remainingMs: number }[];
    };
    expect(listed.runs).toMatchObject([{ state: 'paused', stage: 'policy' }]);
    const { fraction, remainingMs } = listed.runs[0]!;
    expect(fraction).toBeGreaterThan(0.3);
    expect(fraction).toBeLessThan(1);
    expect(remainingMs).toBeGreaterThan(0);
    expect((await ares('resume', project)).code).toBe(0);
    expect(resultOf(project)).toEqual(inputs.whole);
  }, 30_000);

  it('is resumed where its project folder was moved to, and ends with the same bytes there', async () => {
    const [before, after] = [join(temporaryFolder(), 'before'), join(temporaryFolder(), 'after')];
    const running = startAres('run', ...inputs.arguments, '--out', before);
    expect(await reached(before, { stage: POLICY, steps: 3 }, running)).toBe(true);
    process.kill(-running.child.pid!, 'SIGINT');
    expect((await running.ended).code).toBe(130);
    renameSync(before, after);
    expect((await ares('resume', after)).code).toBe(0);
    expect(resultOf(after)).toEqual(inputs.whole);
    expect(existsSync(before)).toBe(false);
    for (const file of ['report.html', 'results.json', 'run.json', 'recipe.yaml'])
      expect(readFileSync(join(after, 'runs', '1', file), 'utf8')).not.toContain(before);
  }, 30_000);

  it('ends at once on the second Ctrl-C, the engine with it, and can be resumed', async () => {
    const project = join(temporaryFolder(), 'twice');
    const running = startAres('run', ...inputs.arguments, '--out', project);
    expect(await reached(project, { stage: LABEL, steps: 1 }, running)).toBe(true);
    const group = -running.child.pid!;
    process.kill(group, 'SIGINT');
    await expect.poll(() => running.output.stderr, { interval: 1 }).toContain('Pausing after this step.');
    process.kill(group, 'SIGINT');
    expect((await running.ended).code).toBe(130);
    await expect.poll(() => isAlive(group), { timeout: 10_000 }).toBe(false);
    expect((await ares('resume', project)).code).toBe(0);
    expect(resultOf(project)).toEqual(inputs.whole);
  }, 30_000);

  it('leaves no engine behind when the host alone is killed', async () => {
    const project = join(temporaryFolder(), 'orphan');
    const running = startAres('run', ...inputs.arguments, '--out', project);
    expect(await reached(project, { stage: LABEL, steps: 1 }, running)).toBe(true);
    running.child.kill('SIGKILL');
    await expect.poll(() => isAlive(-running.child.pid!), { timeout: 10_000 }).toBe(false);
  }, 30_000);
});
