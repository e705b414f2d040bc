/**
 * How numbers and foreign text look wherever a person reads them: terminal, report, charts.
 *
 * Owns: digits, signs, units, and making text of unknown origin safe to show. No layout.
 */

/** What a number measures, which decides how it is written. */
export type Quantity = 'share' | 'shareDifference' | 'tokens' | 'tokenDifference' | 'p' | 'count' | 'number';

const MISSING = '–';

/** A figure as printed: `.981`, `+.042`, `52.5`, `−14.2`, `<.001`; `–` for what was not measured. */
export function formatNumber(value: number, quantity: Quantity): string {
  if (!Number.isFinite(value)) return MISSING;
  switch (quantity) {
    case 'share':
      return withoutLeadingZero(value.toFixed(3));
    case 'shareDifference':
      return signed(value, withoutLeadingZero(Math.abs(value).toFixed(3)));
    case 'tokens':
      return tokens(value);
    case 'tokenDifference':
      return signed(value, tokens(Math.abs(value)));
    case 'p':
      return value < 0.001 ? '<.001' : withoutLeadingZero(value.toFixed(3));
    case 'count':
      return groupThousands(String(Math.round(value)));
    case 'number':
      return value.toLocaleString('en-US', { maximumSignificantDigits: 4 }).replace('-', '−');
  }
}

/** `[.966, .993]`; empty where there is no interval. */
export function formatInterval(low: number, high: number, quantity: Quantity): string {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return '';
  return `[${formatNumber(low, quantity)},\u00a0${formatNumber(high, quantity)}]`;
}

/** A change relative to a base: `−27 %`. */
export function formatPercentChange(difference: number, base: number): string {
  const percent = (100 * difference) / base;
  if (!Number.isFinite(percent)) return MISSING;
  const digits = Math.abs(percent) < 10 ? 1 : 0;
  return `${signed(percent, Math.abs(percent).toFixed(digits))}\u00a0%`;
}

/** `850 ms`, `41 s`, `4 min 30 s`, `2 h 05 min`, `1 d 04 h`. */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs)) return MISSING;
  const seconds = Math.round(durationMs / 1000);
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${String(hours % 24).padStart(2, '0')} h`;
}

/** `1 problem`, `80 problems`. */
export function countOf(count: number, noun: string): string {
  return `${formatNumber(count, 'count')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `easy`, `easy and hard`, `easy, medium and hard`. */
export function listOf(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** Text of unknown origin as one line: line breaks become spaces, control characters a visible mark. */
export function oneLine(text: string): string {
  return visible(text)
    .replace(/[ \t\n\u2028\u2029]+/g, ' ')
    .trim();
}

/**
 * Replaces what could act on a terminal or reorder a page instead of being read: control characters
 * other than tab and line break, bidirectional overrides, halves of surrogate pairs.
 */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, (character) =>
      character === '\t' || character === '\n' ? character : '\ufffd',
    );
}

/** Tenths matter for a mean of fifty tokens, not for one of a thousand. */
function tokens(value: number): string {
  return value < 99.95 ? value.toFixed(1) : groupThousands(value.toFixed(0));
}

/** A true minus, as wide as the plus; no sign where the printed figure is zero. */
function signed(value: number, magnitude: string): string {
  if (/^[0.]*$/.test(magnitude)) return magnitude;
  return `${value < 0 ? '−' : '+'}${magnitude}`;
}

function withoutLeadingZero(figure: string): string {
  return figure.replace(/^(-?)0\./, '$1.').replace('-', '−');
}

/** Narrow no-break spaces between thousands, from five digits on. */
function groupThousands(figure: string): string {
  return figure.length < 5 ? figure : figure.replace(/\B(?=(\d{3})+$)/g, '\u202f');
}
