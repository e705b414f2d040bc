/**
 * What a file is, before anything is done with it: the answer of `ares data inspect` and of the drop zone.
 *
 * Owns: the summary and the preview. Both read batch by batch: an inspection to the end, a preview as far as is
 * worth waiting for. Reading and mapping are done elsewhere.
 */
import { type BadRow, type Cell, ColumnCollector, valueAt } from './cells.ts';
import { type OpenDataset, type Sample, openDataset, sampleOf } from './dataset.ts';
import { type ChatMessage, type Mapping, columnPaths, guessMapping } from './mapping.ts';
import { ProblemBuilder } from './problems.ts';
import type { Format } from './sniff.ts';
import { MEBIBYTE } from './source.ts';
import type { Batch } from './table.ts';

export interface Inspection {
  format: Format;
  /** Rows that can be used; where no mapping could be guessed, rows that could be read. */
  rows: number;
  columns: string[];
  /** Images of the rows that can be used. */
  images: number;
  mapping: Mapping;
  /** Rows that cannot be used, by line; at most a hundred thousand. */
  bad: BadRow[];
}

const MAX_BAD_ROWS = 100_000;

/** Enough rows to guess from. */
const SAMPLE_ROWS = 200;
const SAMPLE_BYTES = 32 * MEBIBYTE;

/** The beginning of a dataset, to guess from, and all of its batches, beginning with those again. */
export async function sampled({ batches }: Pick<OpenDataset, 'batches'>): Promise<{
  sample: Sample;
  batches: AsyncIterable<Batch>;
}> {
  const iterator = batches[Symbol.asyncIterator]();
  const first: Batch[] = [];
  const rows: Batch['rows'] = [];
  let next = await iterator.next();
  while (next.done !== true) {
    first.push(next.value);
    for (const row of next.value.rows) rows.push(row);
    if (rows.length >= SAMPLE_ROWS || next.value.readBytes > SAMPLE_BYTES) break;
    next = await iterator.next();
  }
  const all = async function* () {
    try {
      yield* first.splice(0);
      for (let more = await iterator.next(); more.done !== true; more = await iterator.next()) yield more.value;
    } finally {
      await iterator.return?.();
    }
  };
  return { sample: sampleOf(rows.slice(0, SAMPLE_ROWS)), batches: all() };
}

/**
 * Inspects a file or folder. A dataset in which no row can be used is described, not refused.
 * @param alive called now and then, for whoever watches over the time it takes
 * @throws AresError as openDataset and its batches do
 */
export async function inspectFile(path: string, alive: () => void = () => undefined): Promise<Inspection> {
  const dataset = await openDataset(path);
  const { sample, batches } = await sampled(dataset);
  const mapping = guessMapping(sample.columns, sample.rows, sample.images);
  const isComplete = mapping.prompt !== null && mapping.answer !== null;
  const builder = isComplete ? new ProblemBuilder({ ...dataset, columns: sample.columns }, mapping) : null;
  const columns = new ColumnCollector();
  const bad: BadRow[] = [];
  let [rows, images] = [0, 0];
  for await (const batch of batches) {
    alive();
    columns.add(batch.rows);
    const found = builder?.add(batch);
    rows += found?.problems.length ?? batch.rows.length;
    for (const problem of found?.problems ?? []) images += problem.images.length;
    for (const row of [...batch.bad, ...(found?.bad ?? [])]) if (bad.length < MAX_BAD_ROWS) bad.push(row);
  }
  return {
    format: dataset.format,
    rows,
    columns: columns.columns.map(({ name }) => name),
    images,
    mapping,
    bad: bad.sort((a, b) => a.line - b.line),
  };
}

/** What a data file would become under a mapping. */
export interface Preview {
  format: Format;
  name: string;
  /** Whether the counts are of the whole file, not of its beginning. */
  isComplete: boolean;
  /** Rows that can be used under the mapping. */
  rows: number;
  images: number;
  duplicates: number;
  /** Paths that can be mapped, nested ones included. */
  columns: string[];
  mapping: Mapping;
  /** The first rows as text, cut, by column. */
  sample: { line: number; cells: Record<string, string> }[];
  /** What the first usable rows become. */
  problems: { id: string; prompt: string; answer: string; source: string }[];
  bad: BadRow[];
  badCount: number;
}

const SHOWN_ROWS = 30;
const CELL_CHARACTERS = 400;
const SHOWN_BAD = 200;
const SHOWN_COLUMNS = 2000;
/** Nobody waits longer to see whether a column is the right one. */
const PREVIEW_MS = 1500;
const PREVIEW_ROWS = 200_000;

/**
 * @param mapping null guesses it
 * @throws AresError as inspectFile does
 */
export async function previewFile(path: string, wanted: Mapping | null, alive: () => void): Promise<Preview> {
  const dataset = await openDataset(path);
  const { sample, batches } = await sampled(dataset);
  const { columns, rows: sampleRows, images } = sample;
  const mapping = wanted ?? guessMapping(columns, sampleRows, images);
  const paths = columnPaths(columns, sampleRows.slice(0, SHOWN_ROWS)).slice(0, SHOWN_COLUMNS);
  const isMapped = mapping.prompt !== null && mapping.answer !== null;
  const builder = isMapped ? new ProblemBuilder({ ...dataset, columns }, mapping) : null;
  const preview: Preview = {
    format: dataset.format,
    name: dataset.name,
    isComplete: true,
    columns: paths,
    mapping,
    rows: 0,
    images: 0,
    duplicates: 0,
    badCount: 0,
    bad: [],
    sample: [],
    problems: [],
  };
  const startMs = performance.now();
  let readRows = 0;
  for await (const batch of batches) {
    alive();
    const found = builder?.add(batch);
    batch.rows.slice(0, SHOWN_ROWS - preview.sample.length).forEach((row, i) => {
      const cells = paths.map((path) => [path, cellText(valueAt(row, path))] as const);
      preview.sample.push({ line: batch.lines[i]!, cells: Object.fromEntries(cells) });
    });
    const room = SHOWN_ROWS - preview.problems.length;
    for (const { id, prompt, answer, source } of found?.problems.slice(0, room) ?? [])
      preview.problems.push({ id, prompt: cut(plainText(prompt)), answer: cut(answer), source });
    preview.rows += found?.problems.length ?? batch.rows.length;
    preview.duplicates += found?.duplicates.length ?? 0;
    for (const problem of found?.problems ?? []) preview.images += problem.images.length;
    const bad = [...batch.bad, ...(found?.bad ?? [])].sort((a, b) => a.line - b.line);
    preview.badCount += bad.length;
    preview.bad.push(...bad.slice(0, SHOWN_BAD - preview.bad.length));
    readRows += batch.rows.length + batch.bad.length;
    if (readRows >= PREVIEW_ROWS || (readRows > SAMPLE_ROWS && performance.now() - startMs > PREVIEW_MS)) {
      preview.isComplete = false;
      break;
    }
  }
  return preview;
}

/** A prompt for reading: a conversation with its roles. */
function plainText(prompt: string | readonly ChatMessage[]): string {
  return typeof prompt === 'string' ? prompt : prompt.map(({ role, content }) => `${role}: ${content}`).join('\n');
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'object') return cut(String(cell));
  return cut(JSON.stringify(cell, (_, value: unknown) => (value instanceof Uint8Array ? '(image)' : value)));
}

function cut(text: string): string {
  return text.length > CELL_CHARACTERS ? `${text.slice(0, CELL_CHARACTERS)}…` : text;
}
