/**
 * Units that follow a number in an answer.
 *
 * Owns: which words are the same unit. It converts nothing: 1 m and 100 cm are different answers,
 * because a problem that asks for metres asks for metres.
 */

/** Spellings by canonical name. */
const spellings: Readonly<Record<string, string>> = {
  millimeter: 'mm millimeter millimetre',
  centimeter: 'cm centimeter centimetre',
  meter: 'm meter metre',
  kilometer: 'km kilometer kilometre',
  inch: 'in inch inche',
  foot: 'ft foot feet',
  yard: 'yd yard',
  mile: 'mi mile',
  milligram: 'mg milligram',
  gram: 'g gram',
  kilogram: 'kg kilogram kilo',
  pound: 'lb pound',
  ounce: 'oz ounce',
  second: 's sec second',
  minute: 'min minute',
  hour: 'h hr hour',
  day: 'day',
  week: 'week',
  month: 'month',
  year: 'yr year',
  liter: 'l liter litre',
  milliliter: 'ml milliliter millilitre',
  dollar: '$ usd dollar buck',
  cent: 'cent',
  euro: 'eur euro',
  degree: 'deg degree',
  radian: 'rad radian',
  rupee: 'rupee rs inr',
  yen: 'yen',
  percent: 'percent pct percentage',
  unit: 'unit',
};

const canonical = new Map<string, string>();
for (const [name, words] of Object.entries(spellings)) for (const word of words.split(' ')) canonical.set(word, name);

/** Units of one letter, which may as well be variables. */
export const unitLetters: ReadonlySet<string> = new Set(['m', 'g', 's', 'h', 'L', 'l']);

/** Words and signs that stand before an amount of money. */
export const currencies: ReadonlySet<string> = new Set(['$', 'euro', 'pound', 'rupee', 'yen', 'usd', 'eur', 'rs']);

/** Words that scale the number before them: 5 million is not 5. */
export const scales: ReadonlyMap<string, bigint> = new Map([
  ['dozen', 12n],
  ['hundred', 100n],
  ['thousand', 1_000n],
  ['million', 1_000_000n],
  ['billion', 1_000_000_000n],
  ['trillion', 1_000_000_000_000n],
]);

/** Words that make arithmetic or a comparison of what looks like a unit: "5 less than ten" is not 5 of anything. */
const notUnits = new Set(
  (
    'times plus minus less more fewer than over under divided multiplied by half halves third thirds quarter squared ' +
    'cubed not or and to if zero one two three four five six seven eight nine ten eleven twelve twenty'
  ).split(' '),
);

/** Whether a word may begin or continue a unit; `first` when it stands directly after the number. */
export function isUnitWord(word: string, first: boolean): boolean {
  const lower = word.toLowerCase();
  return !notUnits.has(lower) || (!first && (lower === 'squared' || lower === 'cubed'));
}

const dimensions: Readonly<Record<string, string>> = { square: '^2', sq: '^2', cubic: '^3', cu: '^3' };

function canonicalWord(word: string): string {
  const lower = word.toLowerCase();
  const known = canonical.get(lower);
  if (known !== undefined) return known;
  const singular = lower.length > 3 && lower.endsWith('s') ? lower.slice(0, -1) : lower;
  return canonical.get(singular) ?? singular;
}

/** Whether a short word (two or three letters) is the abbreviation of a unit. */
export function isUnitAbbreviation(word: string): boolean {
  return canonical.has(word.toLowerCase()) || canonical.has(word.toLowerCase().replace(/s$/, ''));
}

/**
 * Canonical form of the words and signs that make up a unit, e.g. ["square", "inches"] and
 * ["inch", "^2"] are both "inch^2".
 */
export function canonicalUnit(parts: readonly string[]): string {
  let out = '';
  let pending = '';
  for (const part of parts) {
    const dimension = dimensions[part.toLowerCase()];
    if (part === '/' || part.toLowerCase() === 'per') out += '/';
    else if (part.startsWith('^')) out += part;
    else if (part.toLowerCase() === 'squared') out += '^2';
    else if (part.toLowerCase() === 'cubed') out += '^3';
    else if (dimension !== undefined) pending = dimension;
    else {
      out += (out === '' || out.endsWith('/') ? '' : ' ') + canonicalWord(part) + pending;
      pending = '';
    }
  }
  // "square units" and "units" name no unit at all; only the dimension, which the number has to have anyway.
  return out.replace(/^unit(?:\^\d)?$/, '') + pending;
}
