/**
 * Where each token stands when a trace is set in lines of a monospaced face.
 *
 * Owns: the text shown for a token, its width in columns, the breaking into lines, and moving up and down.
 * Lines are computed once per width, so that only those in view need be drawn. It knows no pixels.
 */

/** Stands for a line break, and for a token that adds no text of its own. */
const NEWLINE = '↵';
const NOTHING = '◦';

/** The text of a token as it is shown: nothing invisible, one character for each of its own. */
export function shownText(piece: string): string {
  if (piece === '') return NOTHING;
  return piece.replaceAll('\n', NEWLINE).replaceAll('\t', '→').replaceAll('\r', '␍');
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{10000}-\u{10ffff}]/u;

/** Columns a text takes: two for East Asian wide characters and what lies beyond the first plane. */
export function textColumns(text: string): number {
  let columns = 0;
  for (const character of text) columns += WIDE.test(character) ? 2 : 1;
  return columns;
}

export interface LineLayout {
  /** [lines + 1] first token of each line. */
  lineStarts: Int32Array;
  /** [tokens] */
  lineOf: Int32Array;
  /** [tokens] column at which a token begins. */
  columnOf: Int32Array;
  /** [tokens] */
  widths: Int32Array;
}

/**
 * Sets tokens in lines of at most `columns`. A token is never split: one that begins with a line break and
 * goes on with text begins a line, one that ends with a line break ends it.
 */
export function layoutTokens(pieces: readonly string[], columns: number): LineLayout {
  const tokens = pieces.length;
  const lineOf = new Int32Array(tokens);
  const columnOf = new Int32Array(tokens);
  const widths = new Int32Array(tokens);
  const starts = [0];
  let column = 0;
  let broken = false;
  for (let t = 0; t < tokens; t++) {
    const piece = pieces[t]!;
    const width = isAscii(piece) ? Math.max(1, piece.length) : textColumns(shownText(piece));
    const begins = piece.startsWith('\n') && piece.trim() !== '';
    if (t > 0 && (broken || begins || (column > 0 && column + width > columns))) {
      starts.push(t);
      column = 0;
    }
    lineOf[t] = starts.length - 1;
    columnOf[t] = column;
    widths[t] = width;
    column += width;
    broken = piece.endsWith('\n');
  }
  starts.push(tokens);
  return { lineStarts: Int32Array.from(starts), lineOf, columnOf, widths };
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 126) return false;
  return true;
}

export function lineCount({ lineStarts }: LineLayout): number {
  return lineStarts.length - 1;
}

/** The token at a column of a line, or the nearest one on that line. */
export function tokenAt({ lineStarts, columnOf, widths }: LineLayout, line: number, column: number): number {
  const first = lineStarts[line]!;
  let t = first;
  while (t + 1 < lineStarts[line + 1]! && columnOf[t]! + widths[t]! <= column) t++;
  return t;
}

/** The token above or below another one; the token itself at the first and the last line. */
export function verticalNeighbour(layout: LineLayout, token: number, lines: number): number {
  const line = Math.max(0, Math.min(lineCount(layout) - 1, layout.lineOf[token]! + lines));
  if (line === layout.lineOf[token]) return token;
  return tokenAt(layout, line, layout.columnOf[token]! + Math.floor(layout.widths[token]! / 2));
}

/** Lines from first to one past the last that a view of this height shows, with some to spare on both sides. */
export function visibleLines(
  lines: number,
  scrollTop: number,
  viewHeight: number,
  lineHeight: number,
  spare: number,
): { first: number; end: number } {
  const first = Math.max(0, Math.floor(scrollTop / lineHeight) - spare);
  const end = Math.min(lines, Math.ceil((scrollTop + viewHeight) / lineHeight) + spare);
  return { first, end: Math.max(first, end) };
}
