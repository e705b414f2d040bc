/** Which answers are the same answer and, more important, which are not; then the rules that hold for all. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equivalent } from '#core/grading/equivalence.ts';

/** Rows of one kind: everything in a row is the same answer. */
const same: Record<string, string[][]> = {
  numbers: [
    ['12', '12.0', '12.', '+12', '$12$', '\\(12\\)', '12.00'],
    ['58,500', '58500', '58{,}500', '58\\ 500', '58,\\!500', '58\\,500', '\\$58,500', '58500 dollars'],
    ['11,\\! 111,\\! 111,\\! 100', '11111111100'],
    ['.0000672', '6.72\\times 10^{-5}', '6.72e-5', '6.72 * 10^-5'],
    ['-5', '−5', '-\\$5', '- 5'],
    ['5 million', '5,000,000', '5 \\times 10^6'],
    ['0.\\overline{36}', '\\frac{4}{11}'],
    ['12345678901234567891', '12,345,678,901,234,567,891'],
  ],
  fractions: [
    ['\\frac{14}{3}', '\\dfrac{14}{3}', '\\tfrac{14}3', '14/3', '4\\frac{2}{3}', '4 2/3', '\\frac{28}{6}'],
    ['\\frac12', '0.5', '\\frac 12', '½', '.50', '1/2', '\\left(\\frac{1}{2}\\right)'],
    ['-\\frac{3}{8}', '\\frac{-3}{8}', '-0.375', '-3/8', '\\frac{3}{-8}'],
    ['\\frac59', '\\frac{5}{9}', '\\frac{5}9'],
  ],
  'roots and constants': [
    ['\\sqrt{66}', '\\sqrt66', 'sqrt(66)', '66^{1/2}', '√66', '\\sqrt[2]{66}'],
    ['\\frac{\\sqrt{3}}{3}', '\\frac{1}{\\sqrt{3}}', '\\sqrt{1/3}', '3^{-1/2}'],
    ['2\\sqrt{113}', '2\\sqrt{113} \\approx 21.26', '2√113 ≈ 21', '\\sqrt{452}', '2 \\cdot \\sqrt{113}'],
    ['\\frac{20000}{\\pi}', '20000/\\pi', '20000\\pi^{-1}'],
    ['-2', '\\sqrt[3]{-8}'],
    ['18+2\\pi', '2\\pi+18', '2(\\pi + 9)', '2π+18'],
    ['\\frac{1}{2}', '\\sin 30^\\circ', '\\cos\\frac{\\pi}{3}', '\\sin^2(\\pi/4)'],
    ['\\frac{\\pi}{6}', '\\arcsin\\frac12', '\\sin^{-1}(0.5)'],
    ['2', '\\log_2 4', '\\log 100', '\\ln e^2'],
  ],
  'complex numbers': [
    ['6+9i', '9i+6', '3(2+3i)', '6 + 9 i'],
    ['2i', '\\sqrt{-4}'],
  ],
  'sums and products': [
    ['x^3+3x-6', '3x - 6 + x^3', '-6+3x+x^{3}', 'x*x*x + 3*x - 6'],
    ['(a+5)(b+2)', 'ab + 2a + 5b + 10', '(b+2)(a+5)'],
    ['8n^2 + 4n + 1', '4n(2n+1)+1'],
    ['\\cot x', '\\frac{\\cos x}{\\sin x}', '1/\\tan(x)'],
    ['\\frac{11+9a}{20}', '0.55 + 0.45a'],
    ['720', '6!', '\\binom{10}{3}\\cdot 6'],
  ],
  'units, degrees, percent': [
    ['864 \\mbox{ inches}^2', '864', '864 \\text{ square inches}', '864\\text{ in}^2', '864 in^2'],
    ['5.4 \\text{ cents}', '5.4', '5.4¢'],
    ['30^\\circ', '30', '30°', '30 \\text{ degrees}', '30^{\\circ}', '30 degrees'],
    ['60 km/h', '60 \\text{ kilometers per hour}', '60\\text{ km/h}', '60'],
    ['3\\times 10^8 \\text{ m/s}', '300,000,000', '3 \\cdot 10^8 \\text{ meters per second}'],
    ['50\\%', '50', '50%', '50 percent'],
    ['50\\%', '0.5', '\\frac12'],
  ],
  'points, intervals, sets, lists': [
    ['\\left( 3, \\frac{\\pi}{2} \\right)', '(3,\\pi/2)', '(3, \\tfrac{1}{2}\\pi)'],
    ['(3,4)', '(x, y) = (3, 4)', '(x,y)=(3,4)'],
    ['(-\\infty, 2) \\cup (3, \\infty)', 'x < 2 \\text{ or } x > 3', '(3,\\infty)\\cup(-\\infty,2)', '(-∞,2)∪(3,∞)'],
    ['x \\in [-2,7]', '[-2,7]', '-2 \\le x \\le 7', '7 \\ge x \\ge -2'],
    ['(5,\\infty)', 'x > 5', '5 < x'],
    ['\\{1\\pm\\sqrt{5},-2\\}', '-2, 1-\\sqrt5, 1+\\sqrt5'],
    ['3 \\pm 2 \\sqrt{2}', '3+2\\sqrt2, 3-2\\sqrt2', 'x = 3 \\pm \\sqrt{8}'],
    ['1,-2', '-2, 1', '\\{-2, 1\\}', 'x=1 \\text{ or } x=-2', '1 and -2'],
    ['3, 5, 7', '7,5,3', '3, 5, and 7'],
  ],
  equations: [
    ['x=5', '5', 'x = 5.0', '5 = x'],
    ['y = 2x + 3', '2x - y + 3 = 0', '2x+3=y', '2y = 4x + 6', 'y - 3 = 2x'],
    ['5x - 7y + 11z + 4 = 0', '-5x + 7y - 11z = 4'],
    ['2x+3', 'y = 2x+3', 'f(x) = 2x + 3'],
    ['y = \\sqrt2 x', 'y - x\\sqrt{2} = 0'],
    ['9', '16-3-4=9', 'x = 4+5 = 9'],
    ['12', '\\text{Area} = 12', 'Area = 12'],
  ],
  matrices: [
    [
      '\\begin{pmatrix} 1/5 \\\\ -18/5 \\end{pmatrix}',
      '\\begin{bmatrix} 0.2 \\\\ -3.6 \\end{bmatrix}',
      '\\begin{pmatrix}\\frac15\\\\-\\frac{18}{5}\\\\\\end{pmatrix}',
    ],
  ],
  bases: [['2516_8', '2516_{8}', '2516_{(8)}', '2516₈']],
  words: [
    ['\\text{Evelyn}', 'evelyn', 'Evelyn.', '\\textbf{Evelyn}'],
    ['\\text{east}', 'the east'],
    ['\\text{odd}', 'odd', 'Odd'],
    ['5 feet 6 inches', '5 Feet 6 Inches'],
  ],
  choices: [
    ['\\text{(B)}', 'B', '(B)', 'B.', '\\textbf{B}', '\\mathrm{(B)}'],
    ['(B)', 'B) 12 cm', 'B. twelve', '(b) 12'],
  ],
};

const different: [string, string][] = [
  // METHOD §7.1 B18: graders that sort characters or keep letters only take these for equal.
  ['12', '21'],
  ['12', '1 2'],
  ['3 apples', '5 apples'],
  ['dog', 'god'],
  ['2 metres wide', '3 metres wide'],
  ['\\sqrt{2} metres wide', '2 metres wide'],
  // Off by a little.
  ['\\frac{1}{3}', '0.333333333334'],
  ['\\frac{1}{3}', '0.3333'],
  ['\\pi', '3.1415926535899'],
  ['\\sqrt{2}', '1.41421356238'],
  ['1', '0.9999999999'],
  ['14', '14,000'],
  ['10^{20}', '10^{20}+1'],
  ['10^{12}\\sqrt2', '(10^{12}+1)\\sqrt2'],
  ['e^{-40}', '0'],
  ['1+10^{12}i', '2+10^{12}i'],
  // What a tolerance that grows with the error would let through.
  ['\\tan\\frac{\\pi}{2}', '7'],
  ['\\frac{1}{0}', '\\frac{2}{0}'],
  // Scale, sign, unit.
  ['5', '5 million'],
  ['5', '-5'],
  ['5', '5 less than ten'],
  ['5 \\text{ cm}', '5 \\text{ m}'],
  ['\\$5', '5 cents'],
  ['50', '0.5'],
  ['30^\\circ', '\\frac{\\pi}{6}'],
  // Structure.
  ['(1,2)', '(2,1)'],
  ['[1,2]', '(1,2)'],
  ['(1,2]', '[1,2)'],
  ['(1,2)', '1,2'],
  ['1,-2', '1'],
  ['1,1,2', '1,2,2'],
  ['1 \\pm \\sqrt{19}', '1 + \\sqrt{19}'],
  ['x=5', 'x=6'],
  ['x=5', 'y=5'],
  ['y = 2x+3', 'y = 2x-3'],
  ['x > 5', 'x \\ge 5'],
  ['2x < 4', '2x > 4'],
  ['3+4=8', '8'],
  ['\\begin{pmatrix}1\\\\2\\end{pmatrix}', '\\begin{pmatrix}1&2\\end{pmatrix}'],
  ['2:3', '4:6'],
  ['52_8', '52'],
  ['1010_2', '1010_3'],
  ['|x|', 'x'],
  ['\\sqrt{x^2}', 'x'],
  ['x^2', '2x'],
  ['2^x', 'x^2'],
  ['x', 'y'],
  ['(B)', '(C)'],
  ['B', 'C) 12'],
  ['\\text{even}', '\\text{odd}'],
  ['\\text{yes}', 'no'],
  ['1\\frac{4}{5}', '\\frac{4}{5}'],
  ['2^{2^{100}}', '2^{2^{101}}'],
];

describe('equivalent', () => {
  for (const [kind, rows] of Object.entries(same)) {
    it(`sees the same answer in different notation: ${kind}`, () => {
      const missed = rows.flatMap((row) =>
        row.flatMap((a) =>
          row.filter((b) => (a === row[0] || b === row[0]) && !equivalent(a, b)).map((b) => `${a} | ${b}`),
        ),
      );
      expect(missed).toEqual([]);
    });
  }

  it('tells different answers apart, whichever is the gold', () => {
    const confused = different.filter(([a, b]) => equivalent(a, b) || equivalent(b, a));
    expect(confused).toEqual([]);
  });

  it('holds for an answer and itself, even one it cannot evaluate', () => {
    for (const answer of ['2^{2^{100}}', '\\tan\\frac{\\pi}{2}', '1000!', 'x^{y^z}!']) {
      expect(equivalent(answer, answer), answer).toBe(true);
    }
  });

  it('knows of what it does not understand only that it is the same text', () => {
    const answers = [
      '\\int_0^1 x dx',
      '\\int_0^2 x dx',
      '\\foo{3}',
      '\\foo{4}',
      '{{{',
      '(1,2',
      '3 5',
      '35',
      '12',
      '1 2',
      '???',
    ];
    for (const a of answers) for (const b of answers) expect(equivalent(a, b), `${a} | ${b}`).toBe(a === b);
    for (const nothing of ['', '   ']) expect(equivalent(nothing, nothing)).toBe(false);
  });
});

/** Formulas in every notation the grammar has, small enough to have a value. */
const formula: fc.Arbitrary<string> = fc.letrec<{ formula: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    fc.integer({ min: 0, max: 99 }).map(String),
    fc.tuple(fc.nat(99), fc.nat(99)).map(([a, b]) => `${a}.${b}`),
    fc.constantFrom('x', 'y', '\\pi', 'e', 'i', '\\theta', 'a_1'),
  ),
  formula: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('atom'),
    fc.tuple(tie('formula'), tie('formula')).map(([a, b]) => `\\frac{${a}}{${b}}`),
    fc
      .tuple(tie('formula'), fc.constantFrom('+', '-', '\\cdot '), tie('formula'))
      .map(([a, op, b]) => `(${a}${op}${b})`),
    tie('formula').map((a) => `\\sqrt{${a}}`),
    tie('formula').map((a) => `-(${a})`),
    fc.tuple(tie('formula'), fc.nat(3)).map(([a, n]) => `(${a})^{${n}}`),
  ),
})).formula;

const fraction = fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: 1, max: 999 }));

describe('rules that hold for all answers', () => {
  it('is symmetric and reflexive', () => {
    fc.assert(
      fc.property(formula, formula, (a, b) => {
        expect(equivalent(a, b)).toBe(equivalent(b, a));
        expect(equivalent(a, a)).toBe(true);
      }),
    );
  });

  it('is symmetric, and does not throw, for things that only look like answers', () => {
    const soup = fc
      .array(
        fc.constantFrom(...'1 2 x y + - * / ^ ( ) [ ] , = < \\pm \\frac { } \\sqrt \\{ \\} % cm ° A dog'.split(' ')),
        {
          minLength: 1,
          maxLength: 8,
        },
      )
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(soup, soup, (a, b) => {
        expect(equivalent(a, b)).toBe(equivalent(b, a));
      }),
      { numRuns: 3000 },
    );
  });

  it('does not depend on spaces, on \\left and \\right, on \\dfrac, or on a final full stop', () => {
    fc.assert(
      fc.property(formula, (a) => {
        const restyled = a.replaceAll('(', '\\left( ').replaceAll(')', ' \\right)').replaceAll('\\frac', '\\dfrac');
        expect(equivalent(a, ` $${restyled}$ .`)).toBe(true);
      }),
    );
  });

  it('takes \\frac{a}{b}, a/b, ka/kb and a mixed number for the same', () => {
    fc.assert(
      fc.property(fraction, fc.integer({ min: 1, max: 50 }), ([a, b], k) => {
        const gold = `\\frac{${a}}{${b}}`;
        expect(equivalent(gold, `${a}/${b}`)).toBe(true);
        expect(equivalent(gold, `${a * k}/${b * k}`)).toBe(true);
        const whole = Math.floor(Math.abs(a) / b);
        expect(equivalent(gold, `${a < 0 ? '-' : ''}(${whole}\\frac{${Math.abs(a) % b}}{${b}})`)).toBe(true);
      }),
    );
  });

  it('ignores trailing zeros and thousands separators, and nothing else', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.nat(5), (n, zeros) => {
        const grouped = n.toString().replace(/\B(?=(\d{3})+$)/g, ',');
        expect(equivalent(n.toString(), `${grouped}.${'0'.repeat(zeros)}`)).toBe(true);
        expect(equivalent(n.toString(), `${n + 1n}`)).toBe(false);
        expect(equivalent(n.toString(), `${n * 10n + 1n}`)).toBe(false);
      }),
    );
  });

  it('takes a fraction for wrong when numerator or denominator is off by one', () => {
    fc.assert(
      fc.property(fraction, ([a, b]) => {
        expect(equivalent(`\\frac{${a}}{${b}}`, `\\frac{${a + 1}}{${b}}`)).toBe(false);
        if (a !== 0) expect(equivalent(`${a}/${b}`, `${a}/${b + 1}`)).toBe(false);
      }),
    );
  });

  it('takes any formula plus one for wrong', () => {
    fc.assert(
      fc.property(formula, (a) => {
        // Where the formula has no value (0/0) its spelling decides, and that differs too.
        expect(equivalent(a, `${a}+1`)).toBe(false);
      }),
    );
  });

  it('compares sets in any order and points in theirs', () => {
    const items = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(items, (values) => {
        const reversed = values.toReversed();
        expect(equivalent(`\\{${values.join(', ')}\\}`, reversed.join(', '))).toBe(true);
        expect(equivalent(`(${values.join(',')})`, `(${reversed.join(',')})`)).toBe(false);
      }),
    );
  });
});
