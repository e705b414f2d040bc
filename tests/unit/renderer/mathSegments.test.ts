// Formulas in texts: what is one, what is a price, and that no text is lost or takes long.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mathSegments } from '../../../renderer/kit/mathSegments.ts';

const shown = (text: string) =>
  mathSegments(text).map(({ kind, content }) => (kind === 'text' ? content : `<${kind}:${content}>`));

describe('mathSegments', () => {
  it.each([
    ['Find $x$.', ['Find ', '<inline:x>', '.']],
    [String.raw`\(a\) and \[b\] and $$c$$`, ['<inline:a>', ' and ', '<display:b>', ' and ', '<display:c>']],
    ['costs $80,000 and then $50,000 more', ['costs $80,000 and then $50,000 more']],
    ['for $2 per egg', ['for $2 per egg']],
    ['between $5 and $6, so $x=5$', ['between $5 and $6, so ', '<inline:x=5>']],
    [String.raw`the price \$5 is $p$`, [String.raw`the price \$5 is `, '<inline:p>']],
    [String.raw`$\text{cost \$5}$`, [String.raw`<inline:\text{cost \$5}>`]],
    ['$ x $ is no formula', ['$ x $ is no formula']],
    ['$a\n\nb$', ['$a\n\nb$']],
    [String.raw`a line break \\[2pt] opens nothing`, [String.raw`a line break \\[2pt] opens nothing`]],
    ['$$ never closed', ['$$ never closed']],
    ['$$$$', ['$$$$']],
    ['', []],
  ])('reads %j', (text, expected) => {
    expect(shown(text)).toEqual(expected);
  });

  const spellings = {
    text: [['', '']],
    inline: [
      ['$', '$'],
      ['\\(', '\\)'],
    ],
    display: [
      ['$$', '$$'],
      ['\\[', '\\]'],
    ],
  } as const;

  it('loses nothing: text and formulas with their delimiters are the whole', () => {
    const piece = fc.constantFrom('$', '$$', '\\(', '\\)', '\\[', '\\]', '\\', 'a', ' ', '5', '\n', 'x^2');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        let at = 0;
        for (const { kind, content } of mathSegments(text)) {
          const spelt = spellings[kind].map(([open, close]) => open + content + close);
          const found = spelt.find((spelling) => text.startsWith(spelling, at));
          expect(found, `${kind} "${content}" at ${at} of ${text}`).toBeDefined();
          at += found!.length;
        }
        expect(at).toBe(text.length);
      }),
    );
  });

  it('reads a megabyte of opening delimiters in linear time', () => {
    expect(mathSegments('\\('.repeat(500_000))).toHaveLength(1);
    expect(mathSegments('$x '.repeat(5000))).toHaveLength(1);
  });
});
