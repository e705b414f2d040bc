// The commands around runs, end to end: what each stage leaves, what is refused, and with which words.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { openStore } from '#core/store/store.ts';
import { ares, temporaryFolder, tinyRecipe, writeProblems, writeTinyInputs } from './tinyProject.ts';

const folder = mkdtempSync(join(tmpdir(), 'ares-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inputs = writeTinyInputs(folder);
const model = join(folder, 'model');

function errorOf(stdout: string): { code: string; message: string; where: string | null; hint: string | null } {
  return (JSON.parse(stdout) as { error: ReturnType<typeof errorOf> }).error;
}

/** Arguments with another data file of the given content. */
function withData(name: string, content: string): string[] {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, content);
  return inputs.map((value, i) => (inputs[i - 1] === '--data' ? file : value));
}

function withRecipe(recipe: object): string[] {
  return writeTinyInputs(temporaryFolder(), recipe);
}

describe('stages on their own', () => {
  it('labels, and exports the labels with their circumstances', async () => {
    const project = join(temporaryFolder(), 'labels');
    const { code, stderr } = await ares('label', ...inputs, '--out', project);
    expect([code, stderr]).toEqual([0, expect.stringContaining('report.html')]);
    const target = join(project, 'exported');
    const exported = JSON.parse((await ares('export', project, '--to', target, '--rollouts', '--json')).stdout) as {
      model: string | null;
    };
    expect(exported.model).toBeNull();
    const lines = (name: string) =>
      readFileSync(join(target, name), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const labels = lines('labels.jsonl');
    const rollouts = lines('rollouts.jsonl');
    // All problems of the file: nothing is held out where nothing is trained.
    expect(labels).toHaveLength(30);
    for (const { id, average_accuracy, n, correct, interval_95, temperature } of labels) {
      const first = rollouts.filter((rollout) => rollout['id'] === id && Number(rollout['sample']) < 4);
      expect(first).toHaveLength(4);
      const right = first.filter(({ verdict }) => verdict === 'correct').length;
      expect({ average_accuracy, n, correct, temperature }).toEqual({
        average_accuracy: right / 4,
        n: 4,
        correct: right,
        temperature: 1,
      });
      const [low, high] = interval_95 as [number, number];
      expect(low <= right / 4 && right / 4 <= high).toBe(true);
    }
  });

  it('optimises a policy without labels, and exports a model that opens', async () => {
    const project = join(temporaryFolder(), 'aepo');
    const heldout = writeProblems(join(temporaryFolder(), 'heldout.jsonl'), 4);
    expect((await ares('aepo', ...inputs, '--out', project, '--heldout', heldout)).code).toBe(0);
    const store = openStore(join(project, 'ares.db'));
    const stages = store.runs.stages(1).map(({ name }) => name);
    const splits = store.problems.datasets().map(({ datasetId }) => store.problems.splits(datasetId));
    store.close();
    expect(stages).toEqual(['evaluate base', 'policy', 'evaluate policy']);
    // The four held-out problems are also the first of the data, and not trained on.
    expect(splits).toEqual([[{ split: 'train', problems: 26 }], [{ split: 'heldout', problems: 4 }]]);
    const target = join(project, 'exported');
    expect((await ares('export', project, '1', '--to', target, '--format', 'onnx')).code).toBe(0);
    expect(openModelFolder(join(target, 'model')).config).toEqual(openModelFolder(model).config);
    expect(readdirSync(target)).toEqual(['model', 'onnx']);
    for (const [form, library] of [
      ['model', 'transformers'],
      ['onnx', 'transformers.js'],
    ] as const) {
      const card = readFileSync(join(target, form, 'README.md'), 'utf8');
      expect(card).toContain(`library_name: ${library}\n`);
      expect(card).toContain('| all | AEPO |');
    }
    const again = await ares('export', project, '--to', target, '--json');
    expect([again.code, errorOf(again.stdout).code]).toEqual([2, 'usage']);
  });

  it('evaluates a model, with intervals, and keeps nothing unless told to', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('ares-eval-'));
    const { code, stdout, stderr } = await ares('eval', ...inputs);
    expect(code).toBe(0);
    expect(stdout).toMatch(/all\s·\s30\sproblems\n\s+Base +\.\d{3} \[\.\d{3},\s+\.\d{3}]\s+\d+\.\d \[/);
    expect(stderr).not.toContain('ares-eval-');
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('ares-eval-'))).toEqual(before);
  });

  it('ends the cold start with a model, which resuming a finished run does not touch', async () => {
    const project = join(temporaryFolder(), 'adacs');
    expect((await ares('adacs', ...inputs, '--out', project)).code).toBe(0);
    expect(readdirSync(join(project, 'runs', '1', 'models'))).toEqual(['cold-start']);
    const { code, stdout } = await ares('resume', project, '1', '--json');
    expect([code, errorOf(stdout).code]).toEqual([2, 'usage']);
    const listed = await ares('runs', project);
    expect(listed.stdout).toMatch(/\n +1 {2}Tiny {2}adacs {2}finished {2}– +100 % {2}–\n/);
  });
});

describe('no signal', () => {
  const impossible = Array.from({ length: 600 }, (_, i) => {
    const word = (n: number) => 'bcdefgh'[n % 7];
    return JSON.stringify({
      question: `a ${word(i)} ${word(Math.floor(i / 7))} ${word(Math.floor(i / 49))} ${word(Math.floor(i / 343))}`,
      answer: '777',
    });
  }).join('\n');

  it('is said plainly with code 3, long before all problems are labelled', async () => {
    const project = join(temporaryFolder(), 'hopeless');
    const { code, stdout } = await ares('run', ...withData('data.jsonl', impossible), '--out', project, '--json');
    expect(code).toBe(3);
    const error = errorOf(stdout);
    expect(error.code).toBe('no-signal');
    expect(error.message).toMatch(
      /never solves (\d+) and always solves 0.* Labelling stopped after \1 of 480 problems/,
    );
    const store = openStore(join(project, 'ares.db'));
    const run = store.runs.get(1)!;
    const labels = store.labels.newest(1, 1);
    store.close();
    expect([run.state, run.error!.code]).toEqual(['failed', 'no-signal']);
    expect(labels.length).toBeGreaterThanOrEqual(64);
    expect(labels.length).toBeLessThan(120);
  });

  it('does not keep problems from being labelled, when that is all that is asked for', async () => {
    const few = impossible.split('\n').slice(0, 100).join('\n');
    const { code } = await ares('label', ...withData('data.jsonl', few), '--out', join(temporaryFolder(), 'labels'));
    expect(code).toBe(0);
  });

  it('is found by evaluation where there are no labels', async () => {
    const few = impossible.split('\n').slice(0, 30).join('\n');
    const { code } = await ares('aepo', ...withData('data.jsonl', few), '--out', join(temporaryFolder(), 'aepo'));
    expect(code).toBe(3);
  });
});

describe('refusals leave nothing behind', () => {
  it.each([
    ['an empty file', 'data.jsonl', '', 'bad-data'],
    ['columns that mean nothing', 'data.csv', 'colour,size\nred,3\nblue,4\n', 'bad-data'],
    ['answers that are all empty', 'data.csv', 'question,answer\nWhy?,\nHow?,\n', 'bad-data'],
    ['a single problem', 'data.csv', 'question,answer\na b,1\n', 'bad-data'],
    [
      'prompts that do not fit',
      'data.csv',
      `question,answer\n${'a b c '.repeat(40)},1\n${'a c d '.repeat(40)},2\n`,
      'bad-data',
    ],
  ])('%s', async (_what, name, content, expected) => {
    const project = join(temporaryFolder(), 'project');
    const { code, stdout } = await ares('run', ...withData(name, content), '--out', project, '--json');
    const error = errorOf(stdout);
    expect([code, error.code]).toEqual([2, expected]);
    expect(error.hint).toMatch(/\.$/);
    expect(existsSync(project)).toBe(false);
  });

  it('a run that cannot fit in memory, with the numbers', async () => {
    const recipe = { ...tinyRecipe, engine: { threads: 1, memoryLimitBytes: 100_000_000 } };
    const project = join(temporaryFolder(), 'project');
    const { code, stdout } = await ares('run', ...withRecipe(recipe), '--out', project, '--json');
    expect([code, errorOf(stdout).code]).toEqual([1, 'memory']);
    expect(errorOf(stdout).message).toMatch(/needs about 0\.\d\d GiB of memory and may use 0\.09 GiB: weights /);
    expect(existsSync(project)).toBe(false);
  });

  it('a project that is none', async () => {
    const { code, stdout } = await ares('resume', temporaryFolder(), '--json');
    expect([code, errorOf(stdout).code]).toEqual([2, 'not-found']);
  });

  it('a base model that changed since', async () => {
    const own = temporaryFolder();
    const project = join(own, 'project');
    const paths = writeTinyInputs(own, { ...tinyRecipe, preflight: { minSignalFraction: 1 } });
    expect((await ares('run', ...paths, '--out', project)).code).toBe(3);
    const weights = join(own, 'model', 'model.safetensors');
    const bytes = readFileSync(weights);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(weights, bytes);
    const { code, stdout } = await ares('resume', project, '--json');
    expect([code, errorOf(stdout).code]).toEqual([2, 'bad-file']);
  });
});

/** A file system of its own that is unmounted when the test ends; null where that is not permitted. */
function mounted(options: string): string | null {
  const where = temporaryFolder();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', where]).status !== 0) {
    process.stderr.write('SKIPPED: mounting a small file system is not permitted here\n');
    return null;
  }
  onTestFinished(() => void spawnSync('umount', [where]));
  return where;
}

describe('the disk', () => {
  it('is read-only: refused before anything else', async (context) => {
    const where = mounted('ro,size=1m');
    if (where === null) return context.skip();
    const { code, stdout } = await ares('run', ...inputs, '--out', join(where, 'project'), '--json');
    expect([code, errorOf(stdout).code]).toEqual([1, 'disk']);
  });

  it('is full in the middle: said so, and the run goes on from there when there is space', async (context) => {
    const where = mounted('size=700k');
    if (where === null) return context.skip();
    const project = join(where, 'project');
    const { code, stdout } = await ares('run', ...inputs, '--out', project, '--json');
    expect([code, errorOf(stdout).code]).toEqual([1, 'disk']);
    expect(spawnSync('mount', ['-o', 'remount,size=20m', where]).status).toBe(0);
    const resumed = await ares('resume', project);
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringContaining('report.html')]);
  });

  it('is full from the start: nothing of the run is left', async (context) => {
    const where = mounted('size=40k');
    if (where === null) return context.skip();
    const project = join(where, 'project');
    const { code, stdout } = await ares('run', ...inputs, '--out', project, '--json');
    expect([code, errorOf(stdout).code]).toEqual([1, 'disk']);
    expect(existsSync(join(project, 'runs', '1'))).toBe(false);
  });
});
