/**
 * Multiple choice: the options of a row, as part of its question, and its answer as the letter of one of them.
 *
 * Owns: the forms in which datasets hold options and name the right one. What is ambiguous is refused, not guessed.
 */
import { type Cell, isObject } from './cells.ts';

/** An option: its letter in the question, and what the dataset calls it, if anything. */
export interface Choice {
  letter: string;
  name: string | null;
  text: string;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/**
 * Options from a list of texts, an object from names to texts, {text: […], label: […]}, a list of such pairs, or a
 * list written as a text; null when the cell holds none.
 */
export function readChoices(cell: Cell): Choice[] | null {
  const named = namedTexts(typeof cell === 'string' ? parseList(cell) : cell);
  if (named === null || named.length < 2 || named.length > LETTERS.length) return null;
  return named.map(([name, text], i) => {
    // "B. four" says its letter itself.
    const marked = /^\(?([A-Z])[.):]\s*(.*)$/s.exec(text);
    return { letter: LETTERS[i]!, name, text: marked !== null && marked[1] === LETTERS[i] ? marked[2]! : text };
  });
}

function namedTexts(cell: Cell): [name: string | null, text: string][] | null {
  if (Array.isArray(cell)) {
    const pairs = cell.map((item): [string | null, string] | null => {
      if (isObject(item)) return pairOf(item['label'] ?? item['key'] ?? null, item['text'] ?? item['content'] ?? null);
      return pairOf(null, item);
    });
    return pairs.every((pair) => pair !== null) ? pairs : null;
  }
  if (!isObject(cell)) return null;
  const { text, label } = cell;
  if (Array.isArray(text)) {
    const labels = Array.isArray(label) && label.length === text.length ? label : text.map(() => null);
    return namedTexts(text.map((item, i) => ({ text: item, label: labels[i]! })));
  }
  const pairs = Object.entries(cell)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => pairOf(name, value));
  return pairs.every((pair) => pair !== null) ? pairs : null;
}

function pairOf(name: Cell, text: Cell): [string | null, string] | null {
  if (text === null || typeof text === 'object' || String(text).trim() === '') return null;
  return [name === null || typeof name === 'object' ? null : String(name).trim(), String(text)];
}

/** A list of texts as JSON or as Python prints it, which is how MMMU holds its options. */
function parseList(text: string): Cell {
  const inside = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1];
  if (inside === undefined || text.length > 20_000) return null;
  const items: string[] = [];
  const item = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(,|$)/sy;
  while (item.lastIndex < inside.length) {
    const found = item.exec(inside);
    if (found === null) return null;
    items.push((found[1] ?? found[2]!).replaceAll(/\\(["'\\])/g, '$1'));
    if (found[3] === '') break;
  }
  return items;
}

/** The question with its options below, unless it shows them already. */
export function withChoices(question: string, choices: readonly Choice[]): string {
  const shows = ({ letter, text }: Choice) => new RegExp(`\\b${letter}[.):]`).test(question) && question.includes(text);
  if (choices.every(shows)) return question;
  return `${question}\n\n${choices.map(({ letter, text }) => `${letter}. ${text}`).join('\n')}`;
}

/**
 * The letter of the right option: from its letter, the dataset's own name of it, its position from 0 (a whole
 * number, as MMLU has it), or its text; null when it is none of these.
 */
export function letterOf(answer: Cell, choices: readonly Choice[]): string | null {
  if (answer === null || typeof answer === 'object') return null;
  const text = String(answer).trim();
  const named = choices.find(({ name }) => name !== null && name.toLowerCase() === text.toLowerCase());
  if (named !== undefined) return named.letter;
  const marked = /^\(?([A-Za-z])(?:[.):].*)?$/s.exec(text)?.[1]?.toUpperCase();
  const same = choices.find((choice) => choice.text.trim() === text);
  if (same !== undefined) return same.letter;
  if (marked !== undefined) return choices.find(({ letter }) => letter === marked)?.letter ?? null;
  return /^\d{1,2}$/.test(text) ? (choices[Number(text)]?.letter ?? null) : null;
}
