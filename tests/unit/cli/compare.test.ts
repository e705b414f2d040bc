/** `ares compare`: which runs are meant, what is printed, what is refused. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommandLine } from '#core/cli/dispatch.ts';
import { registry } from '#core/cli/registry.ts';
import { writeRunFile } from '#core/host/runFile.ts';
import { type Answers, type StoredRun, type StoredRunOptions, storedRun } from '../compare/storedRun.ts';
import { temporaryFolder } from '../store/helpers.ts';
import { captureTerminal } from './capturedTerminal.ts';

async function compare(...args: string[]) {
  const captured = captureTerminal();
  const code = await runCommandLine(['compare', ...args], registry, captured.terminal);
  return { code, stdout: captured.stdout(), stderr: captured.stderr() };
}

/** A project with one finished run, closed. */
function finishedProject(options: StoredRunOptions = {}): StoredRun {
  const project = storedRun(options);
  const { store, runId, facts, folder } = project;
  for (const [from, to] of [
    ['queued', 'running'],
    ['running', 'finished'],
  ] as const) {
    store.runs.changeState({ runId, from, to, nowMs: 1, owner: null, error: null });
  }
  const baseModelId = store.models.add({
    folder: facts.base!.folder,
    weightsHash: 'none',
    parentId: null,
    createdMs: 1,
  });
  const engine = { threads: 1, tokenBudget: 1, checkpointBlocks: false, maxRows: 1, chunkTokens: 1 };
  writeRunFile(folder, {
    kind: 'pipeline',
    baseModelId,
    train: null,
    heldout: null,
    engine,
    triggerWords: [],
  });
  return project;
}

const wrong: Answers = () => ({ correct: false, hesitations: 5 });

describe('ares compare', () => {
  it('compares the models of one run, and writes its report', async () => {
    const { folder } = finishedProject({ answers: [wrong] });
    const out = join(folder, 'comparison.html');
    const { code, stdout } = await compare(folder, '--out', out);
    expect(code).toBe(0);
    for (const heading of ['AdaCS against Base', 'AEPO without KL against Base', 'AEPO without KL against AdaCS']) {
      expect(stdout).toContain(`${heading}\n`);
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
    expect(readFileSync(out, 'utf8')).toContain('<h2>Sample traces</h2>');
  });

  it('compares what runs of several projects ended with', async () => {
    const folders = [finishedProject(), finishedProject({ answers: [wrong, wrong, wrong], preset: 'grpo' })].map(
      ({ folder }) => folder,
    );
    const { code, stdout } = await compare(...folders, '--json');
    expect(code).toBe(0);
    const { arms, differences } = JSON.parse(stdout) as {
      arms: { label: string }[];
      differences: { group: string; accuracy: { value: number; pHolm: number } }[];
    };
    expect(arms.map(({ label }) => label)).toEqual(['AEPO without KL', 'GRPO']);
    expect(differences.map(({ group, accuracy }) => [group, accuracy.value])).toEqual([
      ['easy', -1],
      ['medium', -1],
      ['hard', -1],
      ['all', -1],
    ]);
  });

  it('refuses different problems and writes nothing', async () => {
    const out = join(temporaryFolder(), 'report.html');
    const one = finishedProject();
    const other = finishedProject({ question: 'Another question?' });
    const { code, stderr } = await compare(one.folder, other.folder, '--out', out);
    expect([code, existsSync(out)]).toEqual([2, false]);
    expect(stderr).toContain('is missing from the second');
  });

  it('says what is missing or wrong', async () => {
    const { folder } = finishedProject();
    const cases: [string[], RegExp][] = [
      [[], /DIR is missing/],
      [[temporaryFolder()], /no project in this folder/],
      [[folder, '--runs', '1,9'], /no run 9/],
      [[folder, '--runs', '1,1'], /names a run twice/],
      [[folder, folder, '--runs', '1'], /several are given/],
      [[storedRun().folder], /no finished run/],
      [[folder, '--out', join(folder, 'absent', 'report.html')], /does not exist/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await compare(...args);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    }
  });
});
