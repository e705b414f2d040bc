/**
 * The README of an exported model: where it comes from and how good it is, for whoever gets the folder.
 *
 * Owns: what a model card says and its form (Hugging Face: YAML front matter, then Markdown). It reads
 * nothing; exportModel.ts brings the facts.
 */
import { formatInterval, formatNumber, oneLine } from '#core/compare/format.ts';
import type { DeviationSection } from '#core/compare/report/data.ts';
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

/** Where the results come from: enough to find every response behind them. */
export interface CardEvaluation {
  problems: number;
  grader: string;
  arms: readonly {
    arm: string;
    /** Of the run that evaluated it; null where the project no longer has it. */
    stage: { number: number; name: string } | null;
    samples: number;
    temperature: number;
    maxNewTokens: number;
    seed: number;
  }[];
  /** Of the file that the numbers are copied from, and that is written beside the card. */
  resultsSha256: string;
}

export interface CardTraining {
  runId: number;
  runName: string;
  /** Such as "AdaCS and AEPO". */
  what: string;
  seed: number;
  datasets: readonly { purpose: string; name: string; problems: number; sha256: string }[];
  recipeHash: string;
  recipeYaml: string;
  /** Null for a run that measured nothing. */
  results: readonly CardResult[] | null;
  /** Null where there are no results. */
  evaluation: CardEvaluation | null;
  /** From the published method; undefined where nothing was trained by one. */
  deviations: DeviationSection | undefined;
}

/** What is known of the terms under which the weights may be used. */
export interface CardLicence {
  /** As the card in the base's folder names it; null where it names none. */
  name: string | null;
  /** The licence's text comes with the weights under this name; null where it does not. */
  file: string | null;
}

export interface ModelCard {
  name: string;
  architecture: string;
  parameters: number;
  weightsHash: string;
  /** From the parent to the model everything began with. */
  lineage: readonly { name: string; weightsHash: string }[];
  licence: CardLicence;
  /** The model takes images in; no form but the Hugging Face folder holds that part. */
  hasVision: boolean;
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
  const { name, architecture, parameters, weightsHash, lineage, licence, training, programVersion } = card;
  const base = lineage.at(-1);
  return [
    '---',
    `library_name: ${forms[format].library}`,
    'pipeline_tag: text-generation',
    ...(base === undefined ? [] : [`base_model: ${JSON.stringify(base.name)}`]),
    ...(format === 'peft' ? ['base_model_relation: adapter'] : []),
    ...(licence.name === null ? [] : [`license: ${licence.name}`]),
    ...(training === null ? [] : ['tags:', '  - ares', '  - reinforcement-learning']),
    '---',
    '',
    `# ${oneLine(name)}`,
    '',
    `${architecture}, ${formatNumber(parameters, 'count')} parameters. Weights, SHA-256: \`${weightsHash}\`.`,
    '',
    forms[format].text,
    '',
    ...(card.hasVision && format.startsWith('onnx')
      ? ['The part that takes images in is left out: this is the language part, for text alone.', '']
      : []),
    ...baseSection(lineage),
    ...(training === null ? [] : trainingSections(training)),
    ...licenceSection(licence, format),
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

function licenceSection({ name, file }: CardLicence, format: ModelFormatName): string[] {
  const sentences = [
    ...(name === null ? [] : [`The card of the base names the licence \`${name}\`.`]),
    ...(file === null || format === 'peft' ? [] : [`Its text is in \`${file}\` beside this file.`]),
  ];
  const unknown = 'Not known: the folder of the base names none. Ask its publisher before passing this model on.';
  return ['## Licence', '', sentences.length === 0 ? unknown : sentences.join(' '), ''];
}

function trainingSections(training: CardTraining): string[] {
  const { runId, runName, what, seed, datasets, recipeHash, recipeYaml, results, evaluation, deviations } = training;
  return [
    '## Training',
    '',
    `${what}, run ${runId} “${oneLine(runName)}”, seed ${seed}.`,
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
    ...(results === null ? [] : resultSection(results, evaluation)),
    ...(deviations === undefined ? [] : deviationSection(deviations)),
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

/** What the method itself does otherwise than its source, then what the recipe changes beyond that. */
function deviationSection({ methods, settings }: DeviationSection): string[] {
  return [
    '## Deviations from the published method',
    '',
    ...methods.flatMap(({ title, source, sentences }) => [
      `${title}, ${source}:`,
      '',
      ...(sentences.length === 0 ? ['- none'] : sentences.map((sentence) => `- ${sentence}`)),
      '',
    ]),
    ...(settings.length === 0
      ? []
      : [
          '| setting | as named | here |',
          '|---|---|---|',
          ...settings.map(({ setting, named, here }) => `| \`${setting}\` | ${cell(named)} | ${cell(here)} |`),
          '',
        ]),
  ];
}

function evaluationText({ problems, grader, arms, resultsSha256 }: CardEvaluation): string[] {
  return [
    `${formatNumber(problems, 'count')} problems, graded by ${oneLine(grader)}. The numbers are those of ` +
      `[results.json](results.json) (SHA-256 \`${resultsSha256}\`), which also has the differences and their tests. ` +
      'The responses behind them stay in the project: `ares export PROJECT RUN --rollouts` writes each with its stage.',
    '',
    '| model | stage of the run | responses | temperature | longest response | seed |',
    '|---|---|---:|---:|---:|---:|',
    ...arms.map(({ arm, stage, samples, temperature, maxNewTokens, seed }) => {
      const measuredIn = stage === null ? 'not in the project any more' : `${stage.number}, ${oneLine(stage.name)}`;
      const count = formatNumber(samples, 'count');
      return `| ${cell(arm)} | ${measuredIn} | ${count} | ${temperature} | ${formatNumber(maxNewTokens, 'count')} | ${seed} |`;
    }),
    '',
  ];
}

function resultSection(results: readonly CardResult[], evaluation: CardEvaluation | null): string[] {
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
    ...(evaluation === null ? [] : evaluationText(evaluation)),
  ];
}

/** Text of unknown origin in a cell of a table. */
function cell(text: string): string {
  return oneLine(text).replaceAll('|', '\\|');
}
