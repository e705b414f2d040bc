/**
 * Building blocks of HTML and SVG text.
 *
 * Owns: escaping. Whatever comes from a model, a dataset or a person passes through `escapeMarkup`;
 * `element` does so for attributes, and takes children that are markup already.
 */
import { visible } from './format.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Foreign text as markup that shows exactly that text, in content and in quoted attributes. */
export function escapeMarkup(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character]!);
}

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/**
 * One element. Numbers become coordinates; undefined attributes are left out.
 * @param children markup, already escaped
 */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const written = Object.entries(attributes)
    .filter((entry): entry is [string, string | number] => entry[1] !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? coordinate(value) : escapeMarkup(value)}"`)
    .join('');
  return `<${name}${written}>${children.join('')}</${name}>`;
}

/** A pixel position with as many digits as can be seen. */
export function coordinate(pixels: number): string {
  return String(Math.round(pixels * 100) / 100);
}
