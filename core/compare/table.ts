/**
 * One table, three renderings: terminal, CSV, JSON.
 *
 * Owns: the table as data (grouped rows of typed cells) and its text layout. Nothing here knows what
 * is being compared; resultTable.ts and study.ts fill it in. HTML is in report/.
 */
import { type Quantity, countOf, formatInterval, formatNumber, oneLine, visible } from './format.ts';

/** A figure, with an interval where `low` and `high` are given. NaN is "not measured". */
export interface NumberCell {
  value: number;
  low?: number;
  high?: number;
}
export type Cell = NumberCell | string | null;

export interface Column {
  /** Name in CSV and JSON; unique. */
  key: string;
  header: string;
  quantity: Quantity | 'text';
  /** Columns are left out of the terminal from the highest number down until the rest fits. */
  priority: number;
}

export interface Row {
  label: string;
  /** By column key; an absent cell is empty. */
  cells: Readonly<Record<string, Cell>>;
}

export interface RowGroup {
  /** Name in CSV and JSON. */
  key: string;
  label: string;
  rows: readonly Row[];
}

export interface Table {
  title: string;
  columns: readonly Column[];
  groups: readonly RowGroup[];
  notes: readonly string[];
}

const GAP = '  ';
const MAX_LABEL = 28;

/**
 * The table as lines of text no wider than `width` columns (as far as one data column fits).
 * @param width of the terminal; anything wider than 120 is not used
 */
export function renderTable(table: Table, width = 100): string {
  const limit = Math.min(width, 120);
  const labels = table.groups.flatMap((group) => group.rows.map((row) => `  ${clip(oneLine(row.label), MAX_LABEL)}`));
  const labelWidth = Math.max(0, ...labels.map(displayWidth));
  const columns = fitColumns(table, labelWidth, limit).map((column) => layOut(column, table));
  const line = (label: string, cells: readonly string[]): string =>
    [padEnd(label, labelWidth), ...cells].join(GAP).trimEnd();
  const lines = [
    ...wrap(oneLine(table.title), limit),
    '',
    line(
      '',
      columns.map(({ header, width }) => padStart(header, width)),
    ),
  ];
  let next = 0;
  for (const group of table.groups) {
    lines.push(clip(oneLine(group.label), limit));
    for (const _ of group.rows) {
      const index = next++;
      lines.push(
        line(
          labels[index]!,
          columns.map(({ cells }) => cells[index]!),
        ),
      );
    }
  }
  const hidden = table.columns.length - columns.length;
  const notes =
    hidden === 0 ? table.notes : [...table.notes, `Not shown for want of width: ${countOf(hidden, 'column')}.`];
  if (notes.length > 0) lines.push('');
  for (const note of notes) lines.push(...wrap(oneLine(note), limit));
  return `${lines.join('\n')}\n`;
}

function fitColumns(table: Table, labelWidth: number, limit: number): Column[] {
  const byPriority = [...table.columns].sort((a, b) => a.priority - b.priority);
  let kept = byPriority;
  const widthOf = (columns: readonly Column[]): number =>
    columns.reduce((total, column) => total + GAP.length + layOut(column, table).width, labelWidth);
  while (kept.length > 1 && widthOf(kept) > limit) kept = kept.slice(0, -1);
  return table.columns.filter((column) => kept.includes(column));
}

/** A column as padded strings, figures and bounds each aligned on their right edge. */
function layOut(column: Column, table: Table): { header: string; width: number; cells: string[] } {
  const parts = table.groups
    .flatMap((group) => group.rows)
    .map((row) => cellParts(row.cells[column.key] ?? null, column));
  const widths = [0, 1, 2].map((part) => Math.max(0, ...parts.map((texts) => displayWidth(texts[part]!))));
  const [figureWidth, lowWidth, highWidth] = widths as [number, number, number];
  const cells = parts.map(([figure, low, high]) => {
    const bounds = low === '' ? '' : ` [${padStart(low, lowWidth)}, ${padStart(high, highWidth)}]`;
    const boundsWidth = lowWidth === 0 ? 0 : lowWidth + highWidth + 5;
    return padStart(figure, figureWidth) + padEnd(bounds, boundsWidth);
  });
  const width = Math.max(displayWidth(column.header), ...cells.map(displayWidth));
  return { header: column.header, width, cells: cells.map((cell) => padStart(cell, width)) };
}

/** [figure, low bound, high bound]; the bounds empty without an interval. */
function cellParts(cell: Cell, { quantity }: Column): [string, string, string] {
  if (cell === null) return ['', '', ''];
  if (typeof cell === 'string' || quantity === 'text') return [typeof cell === 'string' ? oneLine(cell) : '', '', ''];
  const figure = formatNumber(cell.value, quantity);
  const { low = NaN, high = NaN } = cell;
  if (formatInterval(low, high, quantity) === '') return [figure, '', ''];
  return [figure, formatNumber(low, quantity), formatNumber(high, quantity)];
}

/** A cell on its own, unaligned: `.981 [.966, .993]`. */
export function formatCell(cell: Cell, column: Column): string {
  const [figure, low, high] = cellParts(cell, column);
  return low === '' ? figure : `${figure} [${low}, ${high}]`;
}

interface FlatRow {
  group: string;
  row: string;
  [key: string]: string | number | null;
}

/** Rows with every number at full precision; an interval becomes `key_low` and `key_high`. */
function flatRows(table: Table): FlatRow[] {
  return table.groups.flatMap((group) =>
    group.rows.map((row) => {
      const flat: FlatRow = { group: group.key, row: row.label };
      for (const { key } of table.columns) {
        const cell = row.cells[key] ?? null;
        if (cell === null || typeof cell === 'string') {
          flat[key] = cell;
          continue;
        }
        flat[key] = finiteOrNull(cell.value);
        if ('low' in cell) flat[`${key}_low`] = finiteOrNull(cell.low);
        if ('high' in cell) flat[`${key}_high`] = finiteOrNull(cell.high);
      }
      return flat;
    }),
  );
}

function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** RFC 4180, with a header line; empty fields are not measured. Notes and title are left out. */
export function tableToCsv(table: Table): string {
  const rows = flatRows(table);
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const ordered = ['group', 'row', ...table.columns.flatMap(({ key }) => [key, `${key}_low`, `${key}_high`])];
  const header = ordered.filter((key) => keys.includes(key));
  return [header, ...rows.map((row) => header.map((key) => row[key]))]
    .map((line) => `${line.map(csvField).join(',')}\r\n`)
    .join('');
}

function csvField(value: string | number | null | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The same rows as JSON, with title and notes; null is not measured. */
export function tableToJson(table: Table): string {
  return `${JSON.stringify({ title: table.title, rows: flatRows(table), notes: table.notes }, null, 2)}\n`;
}

const WITHOUT_WIDTH = /^(\p{M}|[\u200b-\u200d]|[\ufe0e\ufe0f])$/u;
const DOUBLE_WIDTH =
  /^([\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]|\p{Emoji_Presentation}|[\u3000-\u303f\uff01-\uff60])$/u;

/** Columns a text takes in a terminal: none for combining marks, two for East Asian wide and emoji. */
export function displayWidth(text: string): number {
  let columns = 0;
  for (const character of visible(text)) {
    if (WITHOUT_WIDTH.test(character)) continue;
    columns += DOUBLE_WIDTH.test(character) ? 2 : 1;
  }
  return columns;
}

function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** Cut to a width, with an ellipsis where something was lost. */
function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (displayWidth(kept + character) >= width) break;
    kept += character;
  }
  return `${kept}…`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (current !== '' && displayWidth(longer) > width) {
      lines.push(current);
      current = word;
    } else {
      current = longer;
    }
  }
  return [...lines, current];
}
