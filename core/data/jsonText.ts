/**
 * One value of JSON, from text that anybody may have written.
 *
 * Owns: numbers that JavaScript cannot hold (they stay the text they were), and the refusal of values so deep or
 * so many that parsing them would exhaust memory. What a value means is the importers' business.
 */

/** Deeper than any table; the rows that are kept may be far less deep (cells.ts). */
const MAX_DEPTH = 1_000;
const MAX_VALUES = 1_000_000;
/** Shorter texts cannot hold enough values to do harm. */
const UNCHECKED_CHARACTERS = 65_536;

/** Why a text is no value that can be used. */
export interface JsonRefusal {
  reason: string;
}

export class JsonValue {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

/** @param what the text is, for the reason: "the line" */
export function parseJson(text: string, what: string): JsonValue | JsonRefusal {
  const refusal = text.length > UNCHECKED_CHARACTERS ? sizeRefusal(text) : null;
  if (refusal !== null) return { reason: `${what} ${refusal}` };
  try {
    return new JsonValue(mayBeInexact.test(text) ? JSON.parse(text, exactly) : JSON.parse(text));
  } catch {
    return { reason: `${what} is not valid JSON` };
  }
}

/** Long digits, or an exponent of three: only these can be numbers that are not held as they are written. */
const mayBeInexact = /\d{16}|\d[eE][+-]?\d{3}|\.\d{16}/;

function exactly(_: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return isExact(value, context.source) ? value : context.source;
}

/** Whether a number is what its text says, up to the digits that doubles are printed with. */
function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  if (String(value) === source) return true;
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) || BigInt(source) === BigInt(value);
  // Seventeen significant digits tell any double; a text with more means another number.
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
  return digits.length <= 17 && (value !== 0 || digits === '');
}

/** Counts brackets and separators outside of texts. */
function sizeRefusal(text: string): string | null {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 34: // "
        i = endOfText(text, i);
        break;
      case 91: // [
      case 123: // {
        if (++depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH.toLocaleString('en')} levels deep`;
        values++;
        break;
      case 93: // ]
      case 125: // }
        depth--;
        break;
      case 44: // ,
        values++;
        break;
    }
    if (values > MAX_VALUES) return `has more than ${MAX_VALUES.toLocaleString('en')} values`;
  }
  return null;
}

/** Where the text that begins at a quote ends. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
