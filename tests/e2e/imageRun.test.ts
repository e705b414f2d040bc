/** Problems with images from the data file to the trained model: labelled, cold-started, optimised, evaluated, and killed in between. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { checkWeights } from '#core/model/weights.ts';
import { openStore } from '#core/store/store.ts';
import { ares, startAres, tinyRecipe, writeImageProblems, writeTinyModel } from './tinyProject.ts';

const POLICY = 4;
let folder: string;
let data: string;
let inputs: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ares-images-'));
  data = await writeImageProblems(join(folder, 'data'), 30);
  const recipe = join(folder, 'recipe.json');
  // The tower learns in the cold start and rests afterwards, as in the paper.
  writeFileSync(recipe, JSON.stringify({ ...tinyRecipe, coldStart: { ...tinyRecipe.coldStart, trains: 'all' } }));
  inputs = ['--model', writeTinyModel(join(folder, 'model'), true), '--data', data, '--recipe', recipe];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const weightsOf = (project: string, arm: string) =>
  readFileSync(join(project, 'runs', '1', 'models', arm, 'model.safetensors'));

function eventsOf(project: string): string[] {
  const store = openStore(join(project, 'ares.db'));
  try {
    return store.events.page(1, 0, 1000).map(({ message }) => message);
  } finally {
    store.close();
  }
}

describe('a run on problems with images', () => {
  it('goes through every stage, and ends with the same bytes when it was killed in between', async () => {
    const whole = join(folder, 'whole');
    const { code, stderr } = await ares('run', ...inputs, '--out', whole);
    expect([code, stderr]).toEqual([0, expect.stringContaining('report.html')]);
    // All five images, each once, in the project itself.
    const images = readdirSync(join(whole, 'images'), { recursive: true, encoding: 'utf8' });
    expect(images.filter((name) => name.endsWith('.png'))).toHaveLength(5);
    const store = openStore(join(whole, 'ares.db'));
    const withImages = store.problems
      .splits(1)
      .flatMap(({ split }) => store.problems.page({ datasetId: 1, split, afterProblemId: 0, limit: 100 }))
      .filter(({ images }) => images.length > 0);
    const [label] = store.labels.history(withImages.find(({ split }) => split === 'train')!.problemId);
    store.close();
    expect(withImages).toHaveLength(20);
    expect(label).toMatchObject({ samples: 4 });
    const trained = openModelFolder(join(whole, 'runs', '1', 'models', 'policy'));
    expect(checkWeights(trained.folder, trained.config).size).toBeGreaterThan(20);

    const killed = join(folder, 'killed');
    const running = startAres('run', ...inputs, '--out', killed);
    while (stepsOf(killed) < 5 && running.child.exitCode === null) await delay(5);
    process.kill(-running.child.pid!, 'SIGKILL');
    await running.ended;
    expect((await ares('resume', killed)).code).toBe(0);
    for (const arm of ['cold-start', 'policy']) expect(weightsOf(killed, arm).equals(weightsOf(whole, arm))).toBe(true);
    expect(weightsOf(whole, 'policy').equals(weightsOf(whole, 'cold-start'))).toBe(false);
  });

  it('leaves a text model the problems of text, and says how many were set aside', async () => {
    const project = join(folder, 'text');
    const model = writeTinyModel(join(folder, 'text-model'));
    const { code } = await ares(
      'label',
      '--model',
      model,
      '--data',
      data,
      '--recipe',
      inputs.at(-1)!,
      '--out',
      project,
    );
    expect(code).toBe(0);
    expect(eventsOf(project).join('\n')).toContain('Set aside: 20 problems with images, which this model cannot see.');
  });

  it('sets a broken image aside with its problem before anything is sampled', async () => {
    const broken = join(folder, 'broken');
    const file = await writeImageProblems(broken, 12);
    writeFileSync(join(broken, 'green.png'), readFileSync(join(broken, 'green.png')).subarray(0, 60));
    const project = join(folder, 'broken-project');
    const { code } = await ares(
      'label',
      ...inputs.slice(0, 2),
      '--data',
      file,
      '--recipe',
      inputs.at(-1)!,
      '--out',
      project,
    );
    expect(code).toBe(0);
    expect(eventsOf(project).join('\n')).toMatch(
      /Set aside: \d problems? whose images cannot be used \(.*cannot be read/,
    );
  });

  it('answers a prompt with an image from the command line', async () => {
    const image = join(folder, 'data', 'red.png');
    const given = ['model', 'generate', '--model', inputs[1]!, '--prompt', 'a b c', '--max-new-tokens', '4'];
    const seen = await ares(...given, '--image', image, '--json');
    expect([seen.code, JSON.parse(seen.stdout)]).toEqual([0, expect.objectContaining({ ids: expect.any(Array) })]);
    const missing = await ares(...given, '--image', join(folder, 'none.png'), '--json');
    expect(missing.code).toBe(2);
  });
});

function stepsOf(project: string): number {
  if (!existsSync(join(project, 'runs', '1', 'run.json'))) return 0;
  const store = openStore(join(project, 'ares.db'));
  try {
    return store.rollouts.steps(1, POLICY).length;
  } finally {
    store.close();
  }
}
