/**
 * The card of a dataset: where it comes from, what is in it, and what was done to it.
 *
 * Owns: what a card says, as data and as Markdown. Gathering the facts is the host's. Files are named without their
 * folders: a card is made to be passed on.
 */
import type { CheckSummary } from './check.ts';

/** How a pool was made from a dataset that was checked. */
export interface PoolCare {
  role: 'cared for' | 'held out' | 'control';
  check: {
    createdMs: number;
    settings: { threshold: number; against: readonly { name: string }[] };
    summary: CheckSummary;
  };
  dropDuplicates: boolean;
  dropContaminated: boolean;
  droppedDuplicates: number;
  droppedContaminated: number;
  /** Clusters of which a person chose the problem to keep. */
  chosenByHand: number;
  heldout: { fraction: number; seed: number; groupBy: string | null } | null;
}

/** Five numbers of a distribution. */
export interface Spread {
  minimum: number;
  lowerQuartile: number;
  median: number;
  upperQuartile: number;
  maximum: number;
}

export interface CardFile {
  name: string;
  importedMs: number;
  imported: number;
  skipped: number;
  /** Of the file as it is now; null where it is not there any more. */
  sha256: string | null;
  sizeBytes: number | null;
  /** Written to after it was imported: then the hash is not that of what was imported. */
  changedSince: boolean;
  /** As the file's folder states it (README.md or dataset_info.json); null where it does not. */
  licence: string | null;
  notes: readonly string[];
}

export interface CardDifficulty {
  model: string;
  modelSha256: string;
  grader: string;
  samples: number;
  temperature: number;
  labelled: number;
  /** Problems by measured pass rate: 0, 1/8, …, 1. */
  perBracket: readonly number[];
}

export interface DataCard {
  version: 1;
  name: string;
  madeMs: number;
  problems: number;
  /** SHA-256 of the list of problems: prompt, answer and images of each, whatever their order and names. */
  problemsSha256: string;
  withImages: number;
  conversations: number;
  withSolution: number;
  sources: readonly { source: string; problems: number }[];
  splits: readonly { split: string; problems: number }[];
  files: readonly CardFile[];
  /** Which column became which field, at the first import. */
  mapping: unknown;
  /** Rows that were left out, by reason; numbers in a reason are written as N. */
  badRows: readonly { reason: string; rows: number }[];
  /** Left-out rows whose reasons were not kept, because there were too many. */
  badRowsNotListed: number;
  promptCharacters: Spread | null;
  promptWords: Spread | null;
  answerCharacters: Spread | null;
  difficulty: readonly CardDifficulty[];
  humanLabels: { easy: number; medium: number; hard: number };
  check:
    | (CheckSummary & {
        checkedMs: number;
        threshold: number;
        against: readonly string[];
        /** False where problems were changed, added or removed after the check. */
        isCurrent: boolean;
      })
    | null;
  pools: readonly { name: string; problems: number; care: PoolCare | null }[];
}

const count = (value: number) => value.toLocaleString('en-US');
const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
/** Text in a table or a sentence of Markdown. */
const plain = (text: string) => text.replaceAll(/[\\`*_{}[\]<>|#]/g, String.raw`\$&`).replaceAll(/\s+/g, ' ');

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => (typeof cell === 'number' ? count(cell) : plain(cell))).join(' | ')} |`;
  return [
    line(head),
    `|${head.map((_, i) => (typeof rows[0]?.[i] === 'number' ? '--:' : '---')).join('|')}|`,
    ...rows.map(line),
  ];
}

/** @returns a document of its own; every number in it is in the JSON too */
export function cardMarkdown(card: DataCard): string {
  const sections: [string, string[]][] = [
    ['Contents', contents(card)],
    ['Files', files(card)],
    ['Left out', leftOut(card)],
    ['Lengths', lengths(card)],
    ['Difficulty', difficulty(card)],
    ['Duplicates and contamination', check(card)],
    ['Pools and the care they were made with', pools(card)],
  ];
  const body = sections
    .filter(([, lines]) => lines.length > 0)
    .flatMap(([title, lines]) => [`## ${title}`, '', ...lines, '']);
  return [
    `# ${plain(card.name)}`,
    '',
    `Data card of ${day(card.madeMs)}, written by the ARES Workbench.`,
    '',
    ...body,
  ].join('\n');
}

function contents({
  problems,
  problemsSha256,
  withImages,
  conversations,
  withSolution,
  sources,
  splits,
}: DataCard): string[] {
  return [
    `${count(problems)} problems with answers; ${count(withImages)} with images, ${count(conversations)} as conversations, ` +
      `${count(withSolution)} with a worked solution.`,
    '',
    `SHA-256 of the problems (prompt, answer and images, whatever their order): \`${problemsSha256}\``,
    '',
    ...table(
      ['source', 'problems'],
      sources.map(({ source, problems }) => [source, problems]),
    ),
    '',
    ...table(
      ['split', 'problems'],
      splits.map(({ split, problems }) => [split, problems]),
    ),
  ];
}

function files({ files, mapping }: DataCard): string[] {
  if (files.length === 0) return ['The problems were made in the project, or came with a run.'];
  return [
    ...files.flatMap(({ name, importedMs, imported, skipped, sha256, sizeBytes, changedSince, licence, notes }) => [
      `- **${plain(name)}**: ${count(imported)} rows imported on ${day(importedMs)}, ${count(skipped)} left out. ` +
        `Licence: ${licence === null ? 'not stated beside the file' : plain(licence)}.`,
      sha256 === null
        ? '  The file is not there any more.'
        : `  SHA-256 \`${sha256}\` (${count(sizeBytes ?? 0)} bytes)${changedSince ? '; **changed after the import**' : ''}.`,
      ...notes.map((note) => `  - ${plain(note)}`),
    ]),
    '',
    'Columns: ' +
      Object.entries(mapping as Record<string, unknown>)
        .map(([field, column]) => `${field} from \`${String(column)}\``)
        .join(', '),
  ];
}

function leftOut({ badRows, badRowsNotListed }: DataCard): string[] {
  if (badRows.length === 0) return [];
  const more = badRowsNotListed === 0 ? [] : ['', `${count(badRowsNotListed)} more rows, whose reasons were not kept.`];
  return [
    ...table(
      ['reason', 'rows'],
      badRows.map(({ reason, rows }) => [reason, rows]),
    ),
    ...more,
  ];
}

function lengths({ promptCharacters, promptWords, answerCharacters }: DataCard): string[] {
  const rows = (
    [
      ['prompt, characters', promptCharacters],
      ['prompt, words', promptWords],
      ['answer, characters', answerCharacters],
    ] as const
  ).flatMap(([name, spread]) =>
    spread === null
      ? []
      : [[name, spread.minimum, spread.lowerQuartile, spread.median, spread.upperQuartile, spread.maximum]],
  );
  return rows.length === 0 ? [] : table(['', 'least', '25 %', 'median', '75 %', 'most'], rows);
}

function difficulty({ difficulty, humanLabels }: DataCard): string[] {
  const { easy, medium, hard } = humanLabels;
  const byHand =
    easy + medium + hard === 0 ? [] : [`By hand: ${count(easy)} easy, ${count(medium)} medium, ${count(hard)} hard.`];
  return [
    ...difficulty.flatMap(({ model, modelSha256, grader, samples, temperature, labelled, perBracket }) => [
      `${plain(model)} (weights \`${modelSha256.slice(0, 16)}…\`), grader ${plain(grader)}, up to ${samples} samples at ` +
        `temperature ${temperature}: ${count(labelled)} problems labelled.`,
      '',
      ...table(
        ['pass rate', ...perBracket.map((_, i) => `${i}/${perBracket.length - 1}`)],
        [['problems', ...perBracket]],
      ),
      '',
    ]),
    ...byHand,
  ];
}

function check({ check }: DataCard): string[] {
  if (check === null) return ['Not checked.'];
  const against =
    check.against.length === 0
      ? ['Contamination was not looked for.']
      : [
          `${count(check.contaminated)} problems share eight words in a row with ${count(check.againstProblems)} evaluation ` +
            `problems of ${check.against.map(plain).join(', ')}.`,
        ];
  return [
    `Checked on ${day(check.checkedMs)}${check.isCurrent ? '' : ', **before the dataset was changed**'}.`,
    '',
    `${count(check.clusters)} clusters of duplicates: beside the first of each, ${count(check.exactDuplicates)} with the same ` +
      `words and ${count(check.nearDuplicates)} nearly the same (Jaccard similarity of three-word shingles of at least ` +
      `${check.threshold}; numbers, operators and images must be equal). In ${count(check.contradictoryClusters)} clusters the ` +
      'answers differ.',
    '',
    ...against,
  ];
}

function pools({ pools }: DataCard): string[] {
  return pools.map(
    ({ name, problems, care }) =>
      `- **${plain(name)}**: ${count(problems)} problems, ${care === null ? 'chosen by hand or by a filter' : careOf(care)}.`,
  );
}

function careOf({ role, check, heldout, chosenByHand, ...care }: PoolCare): string {
  const split =
    heldout === null
      ? ''
      : `; ${(100 * heldout.fraction).toFixed(0)} % held out with seed ${heldout.seed}, so that no cluster of duplicates` +
        `${heldout.groupBy === null ? '' : ` and no ${heldout.groupBy}`} is on both sides`;
  if (role === 'control') return `a control as large as the one to train on, no care taken of it${split}`;
  const dropped = [
    ...(care.dropDuplicates ? [`${count(care.droppedDuplicates)} duplicates`] : []),
    ...(care.dropContaminated ? [`${count(care.droppedContaminated)} contaminated problems`] : []),
  ];
  const byHand = chosenByHand === 0 ? '' : `, ${count(chosenByHand)} of them chosen by hand`;
  const what = dropped.length === 0 ? 'nothing dropped' : `${dropped.join(' and ')} dropped from the dataset${byHand}`;
  return `${role}: ${what} (check of ${day(check.createdMs)}, similarity ${check.settings.threshold})${split}`;
}
