/** Models of a project: what is said about them, their cards, and their export. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportModel, formatsOf } from '#core/host/exportModel.ts';
import { type ModelCard, modelCardText } from '#core/host/modelCard.ts';
import { modelDetails } from '#core/host/modelDetails.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';

const base = join(resourcesFolder, 'sample', 'base');
const plain = { folder: base, adapter: null, results: null };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-models-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const control = (signal = new AbortController().signal) => ({ signal, progress: () => undefined });

it('tells a model from its configuration, and says why a folder is none', () => {
  expect(modelDetails(base)).toMatchObject({ layers: expect.any(Number), vocabSize: expect.any(Number), folder: base });
  expect(modelDetails(base).sizeBytes).toBeGreaterThan(1_000_000);
  expect(() => modelDetails(folder)).toThrow('no config.json');
  writeFileSync(join(folder, 'config.json'), readFileSync(join(base, 'config.json')));
  expect(() => modelDetails(folder)).toThrow('no .safetensors weights');
});

it('exports a folder with a card, complete', async () => {
  const target = join(folder, 'new', 'copy');
  const steps: number[] = [];
  await exportModel(plain, 'huggingface', target, '# card\n', { ...control(), progress: (done) => steps.push(done) });
  expect(readdirSync(target).sort()).toEqual([...readdirSync(base), 'README.md'].sort());
  expect(readFileSync(join(target, 'model.safetensors'))).toEqual(readFileSync(join(base, 'model.safetensors')));
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect(existsSync(`${target}.tmp`)).toBe(false);
});

it('replaces nothing and leaves nothing when it is cancelled', async () => {
  mkdirSync(join(folder, 'taken'));
  await expect(exportModel(plain, 'huggingface', join(folder, 'taken'), '', control())).rejects.toMatchObject({
    code: 'usage',
  });
  const target = join(folder, 'copy');
  for (const format of ['huggingface', 'onnx'] as const)
    await expect(exportModel(plain, format, target, '', control(AbortSignal.abort()))).rejects.toMatchObject({
      code: 'interrupted',
    });
  expect(readdirSync(folder)).toEqual(['taken']);
});

it('writes the adapter of a model that has one, and ONNX that names its data', async () => {
  const adapter = join(folder, 'adapter');
  mkdirSync(adapter);
  writeFileSync(join(adapter, 'adapter_config.json'), '{}');
  expect(formatsOf(plain)).toEqual(['huggingface', 'onnx', 'onnx-fp16']);
  expect(formatsOf({ ...plain, adapter })).toContain('peft');
  await expect(exportModel(plain, 'peft', join(folder, 'none'), '', control())).rejects.toMatchObject({
    code: 'not-found',
  });
  await exportModel({ ...plain, adapter }, 'peft', join(folder, 'peft'), '# card\n', control());
  expect(readdirSync(join(folder, 'peft')).sort()).toEqual(['README.md', 'adapter_config.json']);
  await exportModel(plain, 'onnx-fp16', join(folder, 'half'), '# card\n', control());
  expect(readdirSync(join(folder, 'half', 'onnx')).sort()).toEqual(['model_fp16.onnx', 'model_fp16.onnx_data']);
  expect(readFileSync(join(folder, 'half', 'README.md'), 'utf8')).toBe('# card\n');
});

const card: ModelCard = {
  name: 'Short sample · policy',
  architecture: 'LlamaForCausalLM',
  parameters: 712_345,
  weightsHash: 'aa',
  lineage: [
    { name: 'Short sample · cold-start', weightsHash: 'bb' },
    { name: 'base', weightsHash: 'cc' },
  ],
  licence: { name: null, file: null },
  hasVision: false,
  training: {
    runId: 3,
    runName: 'Short sample',
    what: 'AdaCS and AEPO',
    seed: 1,
    datasets: [{ purpose: 'training', name: 'a|b', problems: 720, sha256: 'dd' }],
    recipeHash: 'ee',
    recipeYaml: 'seed: 1\n',
    results: [
      {
        group: 'all',
        arm: 'Base',
        accuracy: { value: 0.68, low: 0.639, high: 0.721 },
        lengthTokens: { value: 53.3, low: NaN, high: NaN },
      },
    ],
    evaluation: {
      problems: 240,
      grader: 'ares-1',
      arms: [
        {
          arm: 'Base',
          stage: { number: 1, name: 'evaluate base' },
          samples: 960,
          temperature: 1,
          maxNewTokens: 128,
          seed: 7,
        },
      ],
      resultsSha256: 'ff',
    },
    deviations: {
      methods: [{ title: 'AdaCS', source: '2510.08457', sentences: ['Traces are the base’s own.'] }],
      settings: [{ setting: 'curation.easyQuantile', named: '0.5', here: '0.25' }],
    },
  },
  programVersion: '0.1.0',
};

it('says base, data, recipe and results in the card', () => {
  const text = modelCardText(card, 'huggingface');
  expect(text.startsWith('---\nlibrary_name: transformers\n')).toBe(true);
  expect(text).toContain('base_model: "base"');
  expect(text).toContain('1. Short sample · cold-start, weights `bb`\n2. base, weights `cc`');
  expect(text).toContain('| training | a\\|b | 720 | `dd` |');
  expect(text).toContain('````yaml\nseed: 1\n````');
  expect(text).toMatch(/\| all \| Base \| \.680 \[\.639,.\.721\] \| 53\.3 {2}\|/);
});

it('says where each result was measured and what deviates', () => {
  const text = modelCardText(card, 'huggingface');
  expect(text).toContain(
    '240 problems, graded by ares-1. The numbers are those of [results.json](results.json) (SHA-256 `ff`)',
  );
  expect(text).toContain('| Base | 1, evaluate base | 960 | 1 | 128 | 7 |');
  expect(text).toContain('AdaCS, 2510.08457:\n\n- Traces are the base’s own.');
  expect(text).toContain('| `curation.easyQuantile` | 0.5 | 0.25 |');
});

it('names a licence only where one is known', () => {
  const known = modelCardText({ ...card, licence: { name: 'apache-2.0', file: 'LICENSE' } }, 'onnx');
  expect(known).toContain('\nlicense: apache-2.0\n');
  expect(known).toContain('Its text is in `LICENSE`');
  const unknown = modelCardText(card, 'onnx');
  expect(unknown).not.toContain('\nlicense:');
  expect(unknown).toContain('Not known: the folder of the base names none.');
});

it('says that ONNX of a model with a vision tower is its language part', () => {
  expect(modelCardText({ ...card, hasVision: true }, 'onnx')).toContain('the language part, for text alone');
  expect(modelCardText({ ...card, hasVision: true }, 'huggingface')).not.toContain('for text alone');
});

it('says of each form who loads it', () => {
  expect(modelCardText(card, 'peft')).toContain('library_name: peft\n');
  expect(modelCardText(card, 'peft')).toContain('base_model: "base"\nbase_model_relation: adapter\n');
  expect(modelCardText(card, 'onnx')).toContain('library_name: transformers.js\n');
  expect(modelCardText(card, 'onnx')).not.toContain('base_model_relation');
});

it('says less of a model that was brought in', () => {
  const text = modelCardText({ ...card, lineage: [], training: null }, 'huggingface');
  expect(text).not.toContain('base_model');
  expect(text).not.toContain('## Data');
});
