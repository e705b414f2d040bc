/**
 * A table in a terminal.
 *
 * Owns: alignment, the choice of columns that fit, wrapping, and how wide a text is on screen.
 */
import { countOf, oneLine, visible } from './format.ts';
import { type Column, type Table, cellParts } from './table.ts';

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
  const widthOf = (part: 0 | 1 | 2 | 3): number => Math.max(0, ...parts.map((texts) => displayWidth(texts[part])));
  const [figureWidth, deviationWidth, lowWidth, highWidth] = [widthOf(0), widthOf(1), widthOf(2), widthOf(3)];
  const cells = parts.map(([figure, deviation, low, high]) => {
    const spread = deviation === '' ? '' : ` ± ${padStart(deviation, deviationWidth)}`;
    const bounds = low === '' ? '' : ` [${padStart(low, lowWidth)}, ${padStart(high, highWidth)}]`;
    return (
      padStart(figure, figureWidth) +
      padEnd(spread, deviationWidth === 0 ? 0 : deviationWidth + 3) +
      padEnd(bounds, lowWidth === 0 ? 0 : lowWidth + highWidth + 5)
    );
  });
  const width = Math.max(displayWidth(column.header), ...cells.map(displayWidth));
  return { header: column.header, width, cells: cells.map((cell) => padStart(cell, width)) };
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

/** Words over lines of at most `width` columns, as far as a word fits. */
export function wrap(text: string, width: number): string[] {
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
