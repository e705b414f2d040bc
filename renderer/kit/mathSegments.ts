/**
 * Where a text has mathematics: $…$, $$…$$, \(…\) and \[…\], nothing else.
 *
 * Owns: telling formulas from text in one pass. A dollar sign is also a currency: `$…$` is a
 * formula only if it neither begins nor ends with a space, no digit follows it, and no other `$` is in it.
 */
export interface Segment {
  kind: 'text' | 'inline' | 'display';
  /** The text, or what stands between the delimiters. */
  content: string;
}

/** Longer formulas are shown as they are written: they are data that went wrong, or meant to do harm. */
const MAX_FORMULA = 4000;

const pairs = [
  { open: '$$', close: '$$', kind: 'display' },
  { open: '\\[', close: '\\]', kind: 'display' },
  { open: '\\(', close: '\\)', kind: 'inline' },
  { open: '$', close: '$', kind: 'inline' },
] as const;

export function mathSegments(text: string): Segment[] {
  const segments: Segment[] = [];
  /** Where a closing delimiter was looked for in vain up to the end; before that there is none either. */
  const missing = new Map<string, boolean>();
  let plainFrom = 0;
  let at = 0;
  while (at < text.length) {
    const pair = pairs.find(({ open }) => text.startsWith(open, at));
    if (pair === undefined || missing.get(pair.close) === true) {
      // A backslash takes the next character with it, so that \$ and \\( open nothing.
      at += text[at] === '\\' ? 2 : 1;
      continue;
    }
    const start = at + pair.open.length;
    const end = closing(text, start, pair.close);
    if (end === -1 && pair.close !== '$') missing.set(pair.close, true);
    if (end === -1 || end - start > MAX_FORMULA || text.slice(start, end).trim() === '') {
      at = start;
      continue;
    }
    if (at > plainFrom) segments.push({ kind: 'text', content: text.slice(plainFrom, at) });
    segments.push({ kind: pair.kind, content: text.slice(start, end) });
    at = end + pair.close.length;
    plainFrom = at;
  }
  if (plainFrom < text.length) segments.push({ kind: 'text', content: text.slice(plainFrom) });
  return segments;
}

function closing(text: string, start: number, close: string): number {
  if (close !== '$') return unescaped(text, start, close);
  if (/\s/.test(text[start] ?? ' ')) return -1;
  const limit = Math.min(text.length, start + MAX_FORMULA + 1);
  for (let at = start; at < limit; at++) {
    const character = text[at];
    if (character === '\\') at++;
    // A formula in a line of text does not go over a paragraph.
    else if (character === '\n' && text[at + 1] === '\n') return -1;
    else if (character === '$') {
      // The first one decides: a price is followed by the next price, not by the end of a formula.
      const closes = at > start && !/\s/.test(text[at - 1]!) && !/\d/.test(text[at + 1] ?? '');
      return closes ? at : -1;
    }
  }
  return -1;
}

function unescaped(text: string, start: number, close: string): number {
  for (let at = text.indexOf(close, start); at !== -1; at = text.indexOf(close, at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}
