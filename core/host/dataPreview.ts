/**
 * What a data file would become under a mapping, for the page between dropping it and importing it.
 *
 * Owns: the preview of one reading of a file, and keeping that reading for the next mapping: a change of
 * one column must not read the file again. Reading and mapping are data/'s.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DataMapping, DataPreview } from '#core/contract/contract.ts';
import { type Cell, valueAt } from '#core/data/cells.ts';
import { type Dataset, readDataset } from '#core/data/dataset.ts';
import { type ChatMessage, type Mapping, columnPaths, guessMapping } from '#core/data/mapping.ts';
import { toProblems } from '#core/data/problems.ts';
import { toAresError } from '#core/util/errors.ts';

const ROWS = 30;
const CELL_CHARACTERS = 400;
const MAX_BAD = 200;
const MAX_COLUMNS = 2000;

export interface DataReader {
  /** As readDataset; the last one stays in memory until it is forgotten or the file changes. */
  read(path: string): Promise<Dataset>;
  forget(): void;
}

export function dataReader(): DataReader {
  let kept: { key: string; dataset: Promise<Dataset> } | null = null;
  return {
    read: async (path) => {
      const full = resolve(path);
      const key = await stat(full).then(
        ({ mtimeMs, size }) => `${full} ${mtimeMs} ${size}`,
        (thrown: unknown) => {
          throw toAresError(thrown);
        },
      );
      if (kept?.key === key) return kept.dataset;
      const dataset = readDataset(full);
      kept = { key, dataset };
      // A failure is not kept: the next attempt reads again.
      dataset.catch(() => {
        if (kept?.dataset === dataset) kept = null;
      });
      return dataset;
    },
    forget: () => void (kept = null),
  };
}

/** A mapping as it crosses the contract, without the fields that are not mapped. */
export function toMapping({ prompt, answer, ...optional }: DataMapping): Mapping {
  const mapped = Object.entries(optional).filter(([, path]) => path !== undefined);
  return Object.assign({ prompt, answer }, Object.fromEntries(mapped));
}

/** @param mapping null guesses it */
export function previewOf(path: string, dataset: Dataset, mapping: Mapping | null): DataPreview {
  const { columns, rows, lines, images } = dataset;
  const used = mapping ?? guessMapping(columns, rows, images);
  const paths = columnPaths(columns, rows.slice(0, ROWS)).slice(0, MAX_COLUMNS);
  const found = used.prompt === null || used.answer === null ? null : toProblems(dataset, used);
  const bad = [...dataset.bad, ...(found?.bad ?? [])].sort((a, b) => a.line - b.line);
  return {
    path,
    format: dataset.format,
    name: dataset.name,
    rows: found?.problems.length ?? dataset.rowCount,
    images: found?.problems.reduce((count, problem) => count + problem.images.length, 0) ?? 0,
    duplicates: found?.duplicates.length ?? 0,
    columns: paths,
    mapping: used,
    sample: rows.slice(0, ROWS).map((row, i) => ({
      line: lines[i]!,
      cells: Object.fromEntries(paths.map((name) => [name, cellText(valueAt(row, name))])),
    })),
    problems: (found?.problems ?? []).slice(0, ROWS).map(({ id, prompt, answer, source }) => ({
      id,
      prompt: cut(plainText(prompt)),
      answer: cut(answer),
      source,
    })),
    bad: bad.slice(0, MAX_BAD),
    badCount: bad.length,
  };
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
