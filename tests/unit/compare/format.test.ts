// Figures, durations, and text that must not act.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countOf,
  formatDuration,
  formatInterval,
  formatNumber,
  formatPercentChange,
  listOf,
  visible,
} from '#core/compare/format.ts';
import { element, escapeMarkup } from '#core/compare/markup.ts';

describe('formatNumber', () => {
  it('writes shares without the leading zero, differences with a sign, small p as a bound', () => {
    expect(formatNumber(0.9811, 'share')).toBe('.981');
    expect(formatNumber(1, 'share')).toBe('1.000');
    expect(formatNumber(-0.0421, 'shareDifference')).toBe('−.042');
    expect(formatNumber(0.5, 'shareDifference')).toBe('+.500');
    expect(formatNumber(-0.0001, 'shareDifference')).toBe('.000');
    expect(formatNumber(0.0004, 'p')).toBe('<.001');
    expect(formatNumber(0.0499, 'p')).toBe('.050');
    expect(formatNumber(-14.24, 'tokenDifference')).toBe('−14.2');
    expect(formatNumber(12_345.6, 'tokens')).toBe('12\u202f346');
    expect(formatNumber(99.94, 'tokens')).toBe('99.9');
    expect(formatNumber(99.96, 'tokens')).toBe('100');
    expect(formatNumber(5280.4, 'tokens')).toBe('5280');
    expect(formatNumber(NaN, 'tokens')).toBe('–');
  });

  it('gives an interval only where both ends are known', () => {
    expect(formatInterval(0.1, 0.25, 'share')).toBe('[.100,\u00a0.250]');
    expect(formatInterval(NaN, 0.25, 'share')).toBe('');
  });

  it('relates a change to its base', () => {
    expect(formatPercentChange(-14, 52)).toBe('−27\u00a0%');
    expect(formatPercentChange(1, 50)).toBe('+2.0\u00a0%');
    expect(formatPercentChange(1, 0)).toBe('–');
  });
});

describe('words', () => {
  it('counts, lists and times', () => {
    expect(countOf(1, 'problem')).toBe('1 problem');
    expect(countOf(0, 'problem')).toBe('0 problems');
    expect(listOf(['a', 'b', 'c'])).toBe('a, b and c');
    expect([850, 41_000, 59_700, 270_000, 7_500_000].map(formatDuration)).toEqual([
      '850 ms',
      '41 s',
      '1 min 00 s',
      '4 min 30 s',
      '2 h 05 min',
    ]);
  });
});

describe('escapeMarkup', () => {
  it('leaves nothing that could open a tag, an attribute or an entity', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeMarkup(text)).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
      }),
    );
    expect(element('a', { title: '"><script>', x: 1 / 3 }, 'b')).toBe(
      '<a title="&quot;&gt;&lt;script&gt;" x="0.33">b</a>',
    );
  });

  it('shows controls and direction overrides as a mark instead of obeying them', () => {
    expect(visible('a\u0000b\u001b[31mc\u202ed\ud800e\u0085')).toBe('a\ufffdb\ufffd[31mc\ufffdd\ufffde\ufffd');
    expect(visible('tab\tline\r\nnext\rlast')).toBe('tab\tline\nnext\nlast');
    expect(visible('tab\tline\n模型 é')).toBe('tab\tline\n模型 é');
  });
});
