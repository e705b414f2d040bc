/**
 * Plain text in aligned columns, for help and small tables of results.
 */
import { displayWidth } from '#core/compare/terminalTable.ts';

const GAP = '  ';

/**
 * Rows as lines, every column as wide as its widest cell.
 * @param alignments per column; left where none is given
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  alignments: readonly ('left' | 'right')[] = [],
): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, c) => Math.max(...rows.map((row) => displayWidth(row[c] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, c) => {
        const padding = ' '.repeat(widths[c]! - displayWidth(cell));
        return alignments[c] === 'right' ? padding + cell : cell + padding;
      })
      .join(GAP)
      .trimEnd(),
  );
}
