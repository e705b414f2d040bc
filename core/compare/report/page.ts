/**
 * Pieces of a report page: sections, figures with their data, tables, lists of facts.
 *
 * Owns: the HTML they become. All text is escaped here; only drawings and other pieces are markup.
 */
import { type DataTable, type Drawing, inlineSvg } from '#core/compare/charts/drawing.ts';
import { element, escapeMarkup } from '#core/compare/markup.ts';
import { type Cell, type Column, type Table, cellParts } from '#core/compare/table.ts';

/** @param content markup */
export function section(title: string, ...content: string[]): string {
  return element('section', {}, element('h2', {}, escapeMarkup(title)), ...content);
}

export function paragraph(text: string, name?: string): string {
  return element('p', { class: name }, escapeMarkup(text));
}

/** A drawing, what it shows, and its figures as tables behind a disclosure. */
export function figure(drawing: Drawing, caption: string): string {
  const tables = drawing.tables.map(dataTable).join('');
  return element(
    'figure',
    {},
    element('div', { class: 'wide' }, inlineSvg(drawing)),
    element('figcaption', {}, escapeMarkup(caption)),
    disclosure('The figures as a table', tables),
  );
}

/** @param content markup */
export function disclosure(summary: string, content: string): string {
  return element(
    'details',
    {},
    element('summary', {}, escapeMarkup(summary)),
    element('div', { class: 'wide' }, content),
  );
}

export function dataTable({ caption, header, rows }: DataTable): string {
  return element(
    'table',
    {},
    element('caption', {}, escapeMarkup(caption)),
    element('thead', {}, rowOf('th', header)),
    element('tbody', {}, ...rows.map((row) => rowOf('td', row))),
  );
}

function rowOf(cell: 'th' | 'td', texts: readonly string[]): string {
  const scope = cell === 'th' ? 'col' : undefined;
  return element('tr', {}, ...texts.map((text) => element(cell, { scope }, escapeMarkup(text))));
}

/** A table of sentences. */
export function proseTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return element(
    'div',
    { class: 'wide' },
    element(
      'table',
      { class: 'prose' },
      element('thead', {}, rowOf('th', header)),
      element('tbody', {}, ...rows.map((row) => rowOf('td', row))),
    ),
  );
}

/** The same table that the terminal prints, with its notes. */
export function resultTableHtml(table: Table): string {
  const header = ['', ...table.columns.map((column) => column.header)];
  const groups = table.groups.map((group) => {
    const heading = element(
      'tr',
      {},
      element('th', { scope: 'rowgroup', colspan: header.length }, escapeMarkup(group.label)),
    );
    const rows = group.rows.map((row) =>
      element(
        'tr',
        {},
        element('td', {}, escapeMarkup(row.label)),
        ...table.columns.map((column) => element('td', {}, cellHtml(row.cells[column.key] ?? null, column))),
      ),
    );
    return element('tbody', {}, heading, ...rows);
  });
  const whole = element(
    'table',
    {},
    element('caption', {}, escapeMarkup(table.title)),
    element('thead', {}, rowOf('th', header)),
    ...groups,
  );
  return element('div', { class: 'wide' }, whole) + notes(table.notes);
}

function cellHtml(cell: Cell, column: Column): string {
  const [figureText, deviation, low, high] = cellParts(cell, column);
  return (
    escapeMarkup(figureText) +
    (deviation === '' ? '' : uncertainty(`± ${deviation}`)) +
    (low === '' ? '' : uncertainty(`[${low}, ${high}]`))
  );
}

function uncertainty(text: string): string {
  return ` ${element('span', { class: 'bounds' }, escapeMarkup(text))}`;
}

export function notes(lines: readonly string[]): string {
  return lines.length === 0 ? '' : element('div', { class: 'notes' }, ...lines.map((line) => paragraph(line)));
}

/** Name and value, in order; entries without a value are left out. */
export function facts(entries: readonly (readonly [string, string | undefined])[]): string {
  const pairs = entries.flatMap(([name, value]) =>
    value === undefined ? [] : [element('dt', {}, escapeMarkup(name)), element('dd', {}, escapeMarkup(value))],
  );
  return element('dl', { class: 'facts' }, ...pairs);
}
