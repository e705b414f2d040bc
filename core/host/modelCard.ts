/**
 * The README of an exported model: where it comes from and how good it is, for whoever gets the folder.
 *
 * Owns: what a model card says and its form (Hugging Face: YAML front matter, then Markdown). It reads
 * nothing; exportModel.ts brings the facts.
 */
import { formatInterval, formatNumber, oneLine } from '#core/compare/format.ts';
import type { ModelFormatName } from '#core/contract/contract.ts';

/** A value with its 95 % interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export interface CardResult {
  /** 'easy', 'medium', 'hard' or 'all'. */
  group: string;
  arm: string;
  accuracy: Estimate;
  lengthTokens: Estimate;
}

export interface CardTraining {
  runName: string;
  /** Such as "AdaCS and AEPO". */
  what: string;
  seed: number;
  datasets: readonly { purpose: string; name: string; problems: number; sha256: string }[];
  recipeHash: string;
  recipeYaml: string;
  /** Null for a run that measured nothing. */
  results: readonly CardResult[] | null;
}

export interface ModelCard {
  name: string;
  architecture: string;
  parameters: number;
  weightsHash: string;
  /** From the parent to the model everything began with. */
  lineage: readonly { name: string; weightsHash: string }[];
  /** Null for a model that was brought in. */
  training: CardTraining | null;
  programVersion: string;
}

/** By the form of the folder: who loads it, and what it holds. */
const forms: Readonly<Record<ModelFormatName, { library: string; text: string }>> = {
  huggingface: { library: 'transformers', text: 'Weights, configuration and tokenizer; opens in transformers.' },
  peft: {
    library: 'peft',
    text: 'A low-rank adapter; PEFT loads it onto the base below. The SHA-256 is that of base and adapter merged.',
  },
  onnx: {
    library: 'transformers.js',
    text: 'An ONNX decoder with a cache of keys and values, weights in float32; opens in transformers.js.',
  },
  'onnx-fp16': {
    library: 'transformers.js',
    text: 'An ONNX decoder with a cache of keys and values, matrices in float16; opens in transformers.js with `dtype: "fp16"`.',
  },
};

export function modelCardText(card: ModelCard, format: ModelFormatName): string {
  const { name, architecture, parameters, weightsHash, lineage, training, programVersion } = card;
  const base = lineage.at(-1);
  return [
    '---',
    `library_name: ${forms[format].library}`,
    'pipeline_tag: text-generation',
    ...(base === undefined ? [] : [`base_model: ${JSON.stringify(base.name)}`]),
    ...(format === 'peft' ? ['base_model_relation: adapter'] : []),
    ...(training === null ? [] : ['tags:', '  - ares', '  - reinforcement-learning']),
    '---',
    '',
    `# ${oneLine(name)}`,
    '',
    `${architecture}, ${formatNumber(parameters, 'count')} parameters. Weights, SHA-256: \`${weightsHash}\`.`,
    '',
    forms[format].text,
    '',
    ...baseSection(lineage),
    ...(training === null ? [] : trainingSections(training)),
    `Exported by ARES Workbench ${programVersion}.`,
    '',
  ].join('\n');
}

function baseSection(lineage: ModelCard['lineage']): string[] {
  if (lineage.length === 0) return [];
  return [
    '## Base',
    '',
    ...lineage.map((model, i) => `${i + 1}. ${oneLine(model.name)}, weights \`${model.weightsHash}\``),
    '',
  ];
}

function trainingSections({ runName, what, seed, datasets, recipeHash, recipeYaml, results }: CardTraining): string[] {
  return [
    '## Training',
    '',
    `${what}, run “${oneLine(runName)}”, seed ${seed}.`,
    '',
    '## Data',
    '',
    '| for | dataset | problems | SHA-256 |',
    '|---|---|---:|---|',
    ...datasets.map(
      ({ purpose, name, problems, sha256 }) =>
        `| ${purpose} | ${cell(name)} | ${formatNumber(problems, 'count')} | \`${sha256}\` |`,
    ),
    '',
    ...(results === null ? [] : resultSection(results)),
    '## Recipe',
    '',
    `SHA-256: \`${recipeHash}\``,
    '',
    // A recipe cannot hold a line of four backticks unless someone wrote one into a name.
    '````yaml',
    recipeYaml.trimEnd(),
    '````',
    '',
  ];
}

function resultSection(results: readonly CardResult[]): string[] {
  const share = ({ value, low, high }: Estimate) =>
    `${formatNumber(value, 'share')} ${formatInterval(low, high, 'share')}`;
  const tokens = ({ value, low, high }: Estimate) =>
    `${formatNumber(value, 'tokens')} ${formatInterval(low, high, 'tokens')}`;
  return [
    '## Results',
    '',
    'On held-out problems, with 95 % intervals clustered by problem.',
    '',
    '| problems | model | accuracy | response length (tokens) |',
    '|---|---|---|---|',
    ...results.map(
      ({ group, arm, accuracy, lengthTokens }) =>
        `| ${group} | ${cell(arm)} | ${share(accuracy)} | ${tokens(lengthTokens)} |`,
    ),
    '',
  ];
}

/** Text of unknown origin in a cell of a table. */
function cell(text: string): string {
  return oneLine(text).replaceAll('|', '\\|');
}
