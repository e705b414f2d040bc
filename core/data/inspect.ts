/**
 * What a file is, before anything is done with it: the answer of `ares data inspect` and of the drop zone.
 *
 * Owns: the summary. Reading and mapping are done elsewhere.
 */
import type { BadRow } from './cells.ts';
import { readDataset } from './dataset.ts';
import { type Mapping, guessMapping } from './mapping.ts';
import { toProblems } from './problems.ts';
import type { Format } from './sniff.ts';

export interface Inspection {
  format: Format;
  /** Rows that can be used; where no mapping could be guessed, rows that could be read. */
  rows: number;
  columns: string[];
  /** Images of the rows that can be used. */
  images: number;
  mapping: Mapping;
  /** Rows that cannot be used, by line. */
  bad: BadRow[];
}

/**
 * Inspects a file or folder. A dataset in which no row can be used is described, not refused.
 * @throws AresError as readDataset does
 */
export async function inspectFile(path: string): Promise<Inspection> {
  const dataset = await readDataset(path);
  const mapping = guessMapping(dataset.columns, dataset.rows, dataset.images);
  const isComplete = mapping.prompt !== null && mapping.answer !== null;
  const found = isComplete ? toProblems(dataset, mapping) : null;
  return {
    format: dataset.format,
    rows: found?.problems.length ?? dataset.rowCount,
    columns: dataset.columns.map(({ name }) => name),
    images: found?.problems.reduce((count, { images }) => count + images.length, 0) ?? 0,
    mapping,
    bad: [...dataset.bad, ...(found?.bad ?? [])].sort((a, b) => a.line - b.line),
  };
}
