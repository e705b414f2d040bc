/**
 * One table, several renderings: CSV, JSON and Markdown here, the terminal in terminalTable.ts, HTML in
 * report/page.ts.
 *
 * Owns: the table as data (grouped rows of typed cells). Nothing here knows what is being compared;
 * resultTable.ts and study.ts fill it in.
 */
import { type Quantity, formatNumber, oneLine } from './format.ts';

/** A figure, with a spread or an interval where they are given. NaN is "not measured". */
export interface NumberCell {
  value: number;
  /** Standard deviation, written with ±. */
  deviation?: number;
  low?: number;
  high?: number;
}
export type Cell = NumberCell | string | null;

export interface Column {
  /** Name in CSV and JSON; unique. */
  key: string;
  header: string;
  quantity: Quantity;
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

/** [figure, ± deviation, low bound, high bound]; empty where there is none. */
export function cellParts(cell: Cell, { quantity }: Column): [string, string, string, string] {
  if (cell === null) return ['', '', '', ''];
  if (typeof cell === 'string') return [oneLine(cell), '', '', ''];
  const { value, deviation = NaN, low = NaN, high = NaN } = cell;
  const write = (figure: number): string => (Number.isFinite(figure) ? formatNumber(figure, quantity) : '');
  const hasInterval = Number.isFinite(low) && Number.isFinite(high);
  const bounds = hasInterval ? ([write(low), write(high)] as const) : (['', ''] as const);
  return [formatNumber(value, quantity), write(deviation), ...bounds];
}

/** A cell on its own, unaligned: `.981 [.966, .993]`, `.981 ± .012`. */
function formatCell(cell: Cell, column: Column): string {
  const [figure, deviation, low, high] = cellParts(cell, column);
  return figure + (deviation === '' ? '' : `\u00a0±\u00a0${deviation}`) + (low === '' ? '' : ` [${low},\u00a0${high}]`);
}

interface FlatRow {
  group: string;
  row: string;
  [key: string]: string | number | null;
}

/** Rows with every number at full precision; spread and interval become `key_sd`, `key_low`, `key_high`. */
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
        if ('deviation' in cell) flat[`${key}_sd`] = finiteOrNull(cell.deviation);
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
  const ordered = [
    'group',
    'row',
    ...table.columns.flatMap(({ key }) => [key, `${key}_sd`, `${key}_low`, `${key}_high`]),
  ];
  const header = ordered.filter((key) => keys.includes(key));
  return [header, ...rows.map((row) => header.map((key) => row[key]))]
    .map((line) => `${line.map(csvField).join(',')}\r\n`)
    .join('');
}

function csvField(value: string | number | null | undefined): string {
  // A spreadsheet would run a text that begins like a formula; an apostrophe makes it text.
  const text = typeof value === 'string' ? value.replace(/^[=+\-@\t\r]/, "'$&") : String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The same rows as JSON, with title and notes; null is not measured. */
export function tableToJson(table: Table): string {
  return `${JSON.stringify({ title: table.title, rows: flatRows(table), notes: table.notes }, null, 2)}\n`;
}

/** A Markdown table, one row per row, the group in the first column; notes follow as paragraphs. */
export function tableToMarkdown(table: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(' | ')} |\n`;
  const alignment = ['---', '---', ...table.columns.map(() => '---:')].join(' | ');
  const rows = table.groups.flatMap((group) =>
    group.rows.map((row, index) =>
      line([
        index === 0 ? group.label : '',
        row.label,
        ...table.columns.map((column) => formatCell(row.cells[column.key] ?? null, column)),
      ]),
    ),
  );
  const header = line(['', '', ...table.columns.map((column) => column.header)]);
  const paragraphs = table.notes.map((note) => `\n${markdownText(note)}\n`);
  return `**${markdownText(table.title)}**\n\n${header}| ${alignment} |\n${rows.join('')}${paragraphs.join('')}`;
}

/** Text that Markdown shows as it is. */
function markdownText(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>|~#]/g, String.raw`\$&`);
}
