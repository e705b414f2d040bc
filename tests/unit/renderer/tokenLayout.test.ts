// Lines, levels and columns of a trace: nothing lost, nothing out of its place.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  layoutTokens,
  lineCount,
  shownText,
  textColumns,
  tokenAt,
  verticalNeighbour,
  visibleLines,
} from '#renderer/rooms/entropy/tokenLayout.ts';
import { LEVELS, NO_LEVEL, levelsOf, rangeEnd } from '#renderer/rooms/entropy/tokenMeasures.ts';
import { natsToY, reduceToColumns, tokenToX, xToToken, yToNats } from '#renderer/rooms/entropy/sparkline.ts';

describe('layout', () => {
  it('breaks before a token that does not fit, and after a line break', () => {
    const layout = layoutTokens(['abc', ' def', ' g', '.\n', 'next', ''], 8);
    expect([...layout.lineStarts]).toEqual([0, 2, 4, 6]);
    expect([...layout.columnOf]).toEqual([0, 3, 0, 2, 0, 4]);
  });

  it('begins a line with a token that opens with a line break and goes on', () => {
    expect([...layoutTokens(['a', '\nFirst', ' b', '\n', 'c'], 80).lineStarts]).toEqual([0, 1, 4, 5]);
  });

  it('gives a token that is wider than the view a line of its own', () => {
    expect([...layoutTokens(['a', 'x'.repeat(20), 'b'], 8).lineStarts]).toEqual([0, 1, 2, 3]);
  });

  it('counts East Asian characters and emoji twice, and shows what cannot be seen', () => {
    expect(textColumns('ab')).toBe(2);
    expect(textColumns('思考')).toBe(4);
    expect(textColumns('🙂')).toBe(2);
    expect([shownText('\n\n'), shownText('\ta'), shownText('')]).toEqual(['↵↵', '→a', '◦']);
  });

  it('keeps every token, in order, on lines no wider than asked for', () => {
    const piece = fc.oneof(fc.string({ maxLength: 6 }), fc.constant('\n'), fc.constant(''));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 80 }), fc.integer({ min: 6, max: 20 }), (pieces, columns) => {
        const layout = layoutTokens(pieces, columns);
        expect(layout.lineStarts.at(-1)).toBe(pieces.length);
        for (let line = 0; line < lineCount(layout); line++) {
          for (let t = layout.lineStarts[line]!; t < layout.lineStarts[line + 1]!; t++) {
            expect(layout.lineOf[t]).toBe(line);
            expect(layout.columnOf[t]! + layout.widths[t]!).toBeLessThanOrEqual(Math.max(columns, layout.widths[t]!));
            expect(tokenAt(layout, line, layout.columnOf[t]!)).toBe(t);
          }
        }
      }),
    );
  });

  it('moves up and down by column', () => {
    const layout = layoutTokens(['aaaa', 'bbbb', 'cc', 'dddddd', 'ee'], 8);
    expect([...layout.lineStarts]).toEqual([0, 2, 4, 5]);
    expect(verticalNeighbour(layout, 1, 1)).toBe(3);
    expect(verticalNeighbour(layout, 3, 1)).toBe(4);
    expect(verticalNeighbour(layout, 0, -1)).toBe(0);
  });

  it('draws the lines in view and a few more', () => {
    expect(visibleLines(1000, 200, 100, 20, 5)).toEqual({ first: 5, end: 20 });
    expect(visibleLines(8, 0, 1000, 20, 5)).toEqual({ first: 0, end: 8 });
    expect(visibleLines(0, 0, 100, 20, 5)).toEqual({ first: 0, end: 0 });
  });
});

describe('levels', () => {
  it('are quiet for low entropy and for high probability', () => {
    expect([...levelsOf('entropy', Float32Array.of(0, 1, 2, 5, NaN), 2)]).toEqual([
      0,
      LEVELS / 2,
      LEVELS - 1,
      LEVELS - 1,
      NO_LEVEL,
    ]);
    expect([...levelsOf('probability', Float32Array.of(1, 0.5, 0), 1)]).toEqual([0, LEVELS / 2, LEVELS - 1]);
  });

  it('span a round number of nats that nearly all tokens stay below', () => {
    expect(rangeEnd('entropy', Float32Array.of(0, 0.1, 1.3))).toBe(1.5);
    expect(rangeEnd('window', Float64Array.of(NaN))).toBe(0.1);
    expect(rangeEnd('probability', Float32Array.of(0.2))).toBe(1);
    expect(rangeEnd('window', Float64Array.of(0.1), 1.4)).toBe(1.5);
  });
});

describe('sparkline', () => {
  it('loses no peak, however many tokens share a column', () => {
    const values = new Float32Array(10_000);
    values[4321] = 3;
    const { low, high } = reduceToColumns(values, 300);
    expect(high.filter((value) => value === 3)).toHaveLength(1);
    expect(low.every((value) => value === 0)).toBe(true);
    expect(
      xToToken(tokenToX(4321, { widthPx: 300, heightPx: 1, tokens: 10_000, endNats: 1 }), {
        widthPx: 300,
        heightPx: 1,
        tokens: 10_000,
        endNats: 1,
      }),
    ).toBe(4321);
  });

  it('leaves columns without a value empty, and repeats a token that is wider than one', () => {
    const { high } = reduceToColumns(Float64Array.of(1, NaN), 4);
    expect([...high]).toEqual([1, 1, NaN, NaN]);
  });

  it('turns nats into pixels and back', () => {
    const scale = { widthPx: 100, heightPx: 50, tokens: 10, endNats: 2 };
    expect(natsToY(0, scale)).toBe(50);
    expect(natsToY(5, scale)).toBe(0);
    expect(yToNats(natsToY(1.2, scale), scale)).toBeCloseTo(1.2, 12);
  });
});
