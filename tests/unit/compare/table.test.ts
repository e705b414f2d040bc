// One table in the terminal, CSV, JSON and Markdown.
import * as fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { compareEvaluations } from '#core/compare/comparison.ts';
import { resultTable } from '#core/compare/resultTable.ts';
import { type Table, tableToCsv, tableToJson, tableToMarkdown } from '#core/compare/table.ts';
import { displayWidth, renderTable } from '#core/compare/terminalTable.ts';
import { answers, drawnEvaluation, evaluationOf } from './samples.ts';

const arms = [
  drawnEvaluation('base', [0.95, 0.6, 0.4], [50, 52, 55]),
  drawnEvaluation('grpo-1', [0.97, 0.9, 0.9], [60, 66, 72]),
  drawnEvaluation('aepo-12', [0.9, 0.85, 0.85], [38, 950, 12_000]),
];
const comparison = compareEvaluations(arms, { resamples: 400 });
const table = resultTable(comparison);

function tableOf(label: string, cells: Table['groups'][number]['rows'][number]['cells'] = {}): Table {
  return {
    title: label,
    columns: [
      { key: 'x', header: 'x', quantity: 'tokens', priority: 0 },
      { key: 'y', header: 'y', quantity: 'share', priority: 1 },
    ],
    groups: [{ key: 'g', label, rows: [{ label, cells }] }],
    notes: [label],
  };
}

/** The lines of data: those that begin with a label's indent. */
function dataLines(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('  ') && !line.includes('length (tokens)'));
}

describe('renderTable', () => {
  it('fits 80, 100 and 120 columns, dropping columns from the least important', () => {
    const headers = (width: number): string => renderTable(table, width).split('\n')[2]!;
    for (const width of [80, 100, 120]) {
      for (const line of renderTable(table, width).split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    }
    expect(headers(80)).toMatch(/accuracy +length \(tokens\)/);
    expect(headers(80)).not.toMatch(/Δ length/);
    expect(headers(120)).toMatch(/accuracy +length \(tokens\) +Δ accuracy +p +Δ length +p/);
    expect(renderTable(table, 80)).toContain('Not shown for want of width');
  });

  it('aligns figures and brackets of a column', () => {
    const lines = dataLines(renderTable(table, 120));
    expect(lines).toHaveLength(12);
    const firstBracket = lines.map((line) => line.indexOf(']'));
    expect(new Set(firstBracket).size).toBe(1);
    const firstPoint = lines.map((line) => line.indexOf('.'));
    expect(new Set(firstPoint).size).toBe(1);
    // Lengths from 38.0 to 12 000 have their units digit in one column.
    const beforeLengthBracket = lines.map((line) => line.indexOf('[', firstBracket[0]));
    expect(new Set(beforeLengthBracket).size).toBe(1);
  });

  it('leaves differences of the reference empty', () => {
    const [base, other] = dataLines(renderTable(table, 120));
    expect(base!.match(/\[/g)).toHaveLength(2);
    expect(other!.match(/\[/g)).toHaveLength(4);
  });

  it('writes – for what was not measured', () => {
    expect(renderTable(tableOf('a', { x: { value: NaN } }))).toContain('–');
  });

  it('neutralises control sequences in labels', () => {
    const text = renderTable(tableOf('\x1b[2Jgone\nforged line\u202e'));
    expect(text).not.toContain('\x1b');
    expect(text).not.toContain('\u202e');
    expect(text).not.toMatch(/^forged/m);
  });

  it('keeps its width with any labels', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (label) => {
        const cells = { x: { value: 12, low: 10, high: 14 }, y: { value: 0.5, deviation: 0.1 } };
        const lines = renderTable(tableOf(label, cells), 80).split('\n');
        const row = lines.find((line) => line.includes('12.0 [10.0, 14.0]'))!;
        expect(displayWidth(row)).toBeLessThanOrEqual(80);
        expect(row).toContain('.500 ± .100');
      }),
    );
  });

  it('counts wide characters twice and combining marks not at all', () => {
    expect(displayWidth('模型 a')).toBe(6);
    expect(displayWidth('e\u0301')).toBe(1);
  });
});

describe('CSV and JSON', () => {
  it('hold the numbers at full precision', () => {
    const records = parse(tableToCsv(table), { columns: true }) as Record<string, string>[];
    expect(records).toHaveLength(12);
    const { rows } = JSON.parse(tableToJson(table)) as { rows: Record<string, number | string | null>[] };
    comparison.summaries.forEach((summary, index) => {
      expect(Number(records[index]!['accuracy'])).toBe(summary.accuracy.value);
      expect(Number(records[index]!['length_low'])).toBe(summary.lengthTokens.low);
      expect(rows[index]!['length_high']).toBe(summary.lengthTokens.high);
      expect(rows[index]!['group']).toBe(summary.group);
    });
    // The reference has no difference from itself.
    expect(records[0]!['accuracy_difference']).toBe('');
    expect(rows[0]!['accuracy_difference']).toBeNull();
  });

  it('survive any label, but for what a spreadsheet would run', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (label) => {
        const csv = tableToCsv(tableOf(label, { x: { value: 1.5 } }));
        const [record] = parse(csv, { columns: true, record_delimiter: '\r\n' }) as Record<string, string>[];
        expect(record).toMatchObject({ group: 'g', row: /^[=+\-@\t\r]/.test(label) ? `'${label}` : label, x: '1.5' });
        expect(JSON.parse(tableToJson(tableOf(label)))).toMatchObject({ title: label, rows: [{ row: label }] });
      }),
    );
  });
});

describe('tableToMarkdown', () => {
  it('keeps a label from breaking out of its cell', () => {
    const lines = tableToMarkdown(tableOf('a|b\n<img src=x>', { x: { value: 1 } })).split('\n');
    expect(lines[4]).toBe(String.raw`| a\|b \<img src=x\> | a\|b \<img src=x\> | 1.0 |  |`);
  });
});

describe('resultTable', () => {
  it('names interval, test and family of tests', () => {
    const notes = table.notes.join(' ');
    expect(notes).toMatch(/bootstrap clustered by problem, 400 resamples, seed 0/);
    expect(notes).toMatch(/Holm-corrected over 16 tests\. The smallest p that 400 resamples can establish is \.080/);
    expect(notes).toMatch(/Sampled at temperature 1, at most 128 new tokens, seed 7/);
    expect(table.title).toContain('60 problems × 4 samples');
    expect(table.groups.map(({ label }) => label)[0]).toBe('easy · 20 problems');
  });

  it('owns up to unlike decoding, truncation and missing answers', () => {
    const odd = evaluationOf('odd', [
      { key: 'x', samples: [{ verdict: 'no_answer', truncated: true }, { verdict: 'ungradable' }] },
      { key: 'y', samples: answers('1') },
    ]);
    const plain = evaluationOf('plain', [
      { key: 'x', samples: answers('10') },
      { key: 'y', samples: answers('1') },
    ]);
    const hotter = { ...odd, decoding: { ...odd.decoding, temperature: 2 } };
    const { notes, title } = resultTable(compareEvaluations([plain, hotter], { resamples: 50 }));
    expect(title).toContain('2 problems, 3 and 3 samples');
    expect(notes.join(' ')).toMatch(/Cut off by the length limit: ODD 1 of 3 at 128/);
    expect(notes.join(' ')).toMatch(/No answer found \(counted as wrong\): ODD 1/);
    expect(notes.join(' ')).toMatch(/Could not be graded \(left out of accuracy\): ODD 1/);
    expect(notes.join(' ')).toMatch(/not sampled alike.* PLAIN at temperature 1.* ODD at temperature 2/);
  });
});
