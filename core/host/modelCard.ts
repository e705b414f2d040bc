/**
 * The README of an exported model: where it comes from and how good it is, for whoever gets the folder.
 *
 * Owns: what a model card says and its form (Hugging Face: YAML front matter, then Markdown). It reads
 * nothing; exportModel.ts brings the facts.
 */
import { formatInterval, formatNumber, oneLine } from '#core/compare/format.ts';

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

export function modelCardText(card: ModelCard): string {
  const { name, architecture, parameters, weightsHash, lineage, training, programVersion } = card;
  const base = lineage.at(-1);
  return [
    '---',
    'library_name: transformers',
    'pipeline_tag: text-generation',
    ...(base === undefined ? [] : [`base_model: ${JSON.stringify(base.name)}`]),
    ...(training === null ? [] : ['tags:', '  - ares', '  - reinforcement-learning']),
    '---',
    '',
    `# ${oneLine(name)}`,
    '',
    `${architecture}, ${formatNumber(parameters, 'count')} parameters. Weights, SHA-256: \`${weightsHash}\`.`,
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
