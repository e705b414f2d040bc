/**
 * Finding what someone means from a few typed letters.
 *
 * Owns: whether and how well a text answers a search. Letters must occur in order; those at the
 * beginnings of words and those that stand together count most.
 */

export interface Match {
  score: number;
  /** Places of the matched letters, for drawing them strong. */
  places: number[];
}

/** Null when the text does not answer. An empty search is answered by everything, equally. */
export function matchText(search: string, text: string): Match | null {
  const wanted = search.toLowerCase().replaceAll(' ', '');
  const lower = text.toLowerCase();
  if (wanted === '') return { score: 0, places: [] };
  const whole = lower.indexOf(search.trim().toLowerCase());
  if (whole >= 0) {
    const isWord = whole === 0 || !isLetter(lower[whole - 1]);
    const places = Array.from({ length: search.trim().length }, (_, i) => whole + i);
    return { score: 1000 + (isWord ? 100 : 0) - text.length / 10, places };
  }
  const places: number[] = [];
  let score = 0;
  let from = 0;
  for (const letter of wanted) {
    const place = findLetter(lower, letter, from);
    if (place < 0) return null;
    score += place === from && from > 0 ? 3 : isStart(lower, place) ? 5 : 0;
    places.push(place);
    from = place + 1;
  }
  return { score: score - text.length / 10, places };
}

/** The next place of a letter, at the beginning of a word if there is one, so that "nw" finds "next window". */
function findLetter(text: string, letter: string, from: number): number {
  const next = text.indexOf(letter, from);
  if (next === from || next < 0) return next;
  for (let place = next; place >= 0; place = text.indexOf(letter, place + 1)) if (isStart(text, place)) return place;
  return next;
}

function isStart(text: string, place: number): boolean {
  return place === 0 || !isLetter(text[place - 1]);
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}

/** The best answers first; those that match equally keep their order. */
export function search<T>(
  items: readonly T[],
  textOf: (item: T) => string,
  wanted: string,
  limit: number,
): { item: T; match: Match }[] {
  return items
    .flatMap((item) => {
      const match = matchText(wanted, textOf(item));
      return match === null ? [] : [{ item, match }];
    })
    .sort((a, b) => b.match.score - a.match.score)
    .slice(0, limit);
}
