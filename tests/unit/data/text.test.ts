/** JSON lines, JSON documents and delimited tables: what is written comes back, and damage stays where it is. */
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordReader, readDelimited } from '#core/data/csv.ts';
import { collect, readDataset } from '#core/data/dataset.ts';
import { toJsonLines, writeJsonLines } from '#core/data/export.ts';
import { readJsonDocument, readJsonLines } from '#core/data/json.ts';
import { memorySource } from '#core/data/source.ts';
import { put, temporaryFolder, tinyPng } from './files.ts';

const folder = temporaryFolder();

function source(content: string | Uint8Array, name = 'table.csv') {
  return memorySource(name, Buffer.from(content));
}

const delimited = (content: string | Uint8Array) => collect(readDelimited(source(content)));
const jsonLines = (content: string | Uint8Array) => collect(readJsonLines(source(content, 't.jsonl')));

/** Tables of texts: unique column names, and rows that have all of them. */
const table = fc
  .uniqueArray(
    fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((name) => name.trim() === name && name !== '__proto__' && !name.includes('\uFFFD')),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: columns.length, maxLength: columns.length }),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
    }),
  );

function quote(field: string): string {
  return `"${field.replaceAll('"', '""')}"`;
}

function objects(columns: string[], rows: string[][]): Record<string, string>[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]!])));
}

function readIn(pieces: string[]): unknown[] {
  const reader = new RecordReader(',');
  return [...pieces.flatMap((piece) => [...reader.read(piece)]), ...reader.end()];
}

describe('delimited tables', () => {
  it('any table written as CSV or TSV is read as it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(',', '\t', ';'),
        fc.constantFrom('\n', '\r\n'),
        async ({ columns, rows }, delimiter, end) => {
          // One column has no delimiter by which its kind could be told.
          fc.pre(columns.length > 1 || delimiter === ',');
          const text = [columns, ...rows].map((row) => row.map(quote).join(delimiter)).join(end);
          const found = await delimited(`\uFEFF${text}${end}`);
          expect(found.rows.map((row) => ({ ...row }))).toEqual(objects(columns, rows));
          expect(found.bad).toEqual([]);
        },
      ),
    );
  });

  it('UTF-16, with or without a mark, is read like UTF-8', async () => {
    const text = 'problem\tanswer\n' + 'What is 1 + 1 — π?\t2\n'.repeat(50);
    const little = Buffer.from(text, 'utf16le');
    const big = Buffer.from(little).swap16();
    for (const bytes of [
      little,
      Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
      big,
      Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
    ]) {
      const { rows } = await delimited(bytes);
      expect(rows).toHaveLength(50);
      expect(rows[49]!['problem']).toBe('What is 1 + 1 — π?');
    }
  });

  it('reads the same wherever the text is cut into pieces', () => {
    const text = 'a,b\r\n"1\r\n""2""",x\r\n\r\ny,"z"\r\n"q"bad,w\nlast,row';
    const whole = readIn([text]);
    expect(whole).toHaveLength(5);
    for (let cut = 0; cut <= text.length; cut++) expect(readIn([text.slice(0, cut), text.slice(cut)])).toEqual(whole);
  });

  it('bad rows are listed with the line on which they begin, and the rest is read', async () => {
    const { rows, lines, bad } = await delimited(
      'a,b\n1,"x\ny"\n2\n3,4,5\n"q"z,6\n5" pipe,7\n\n\n8,9\n"open,10\n11,12',
    );
    expect(rows.map((row) => row['a'])).toEqual(['1', '5" pipe', '8']);
    expect(lines).toEqual([2, 7, 10]);
    expect(bad).toEqual([
      { line: 4, reason: 'the row has 1 fields, the header 2' },
      { line: 5, reason: 'the row has 3 fields, the header 2' },
      { line: 6, reason: 'a quoted field goes on after its closing quote' },
      { line: 11, reason: 'a quote is opened and never closed; the rest of the file is inside it' },
    ]);
  });

  it('a row beyond the limit and a row in another encoding do not cost the rows after them', async () => {
    const { rows, bad } = await delimited(
      Buffer.concat([
        Buffer.from(`a,b\n1,${'x'.repeat(17 * 2 ** 20)}\ncaf`),
        Buffer.from([0xe9]),
        Buffer.from(',2\n3,4'),
      ]),
    );
    expect(rows.map((row) => ({ ...row }))).toEqual([{ a: '3', b: '4' }]);
    expect(bad).toEqual([
      { line: 2, reason: 'the row is longer than 16 MiB' },
      { line: 3, reason: 'the row is not valid UTF-8' },
    ]);
  });

  it('columns without a name or with the same name can be told apart', async () => {
    const { rows } = await delimited('a,a,,__proto__\n1,2,3,4');
    expect(Object.entries(rows[0]!)).toEqual([
      ['a', '1'],
      ['a 2', '2'],
      ['column 3', '3'],
    ]);
  });
});

function withoutKey(value: object, dropped: string): object {
  return JSON.parse(JSON.stringify(value), (key, item: unknown) => (key === dropped ? undefined : item)) as object;
}

describe('JSON lines', () => {
  it('any rows written as JSON lines are read as they were', async () => {
    const row = fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
      fc.jsonValue({ maxDepth: 4 }),
      {
        minKeys: 1,
        noNullPrototype: true,
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (generated) => {
        // The one key that is dropped on purpose, at any depth.
        const rows = generated.map((each) => withoutKey(each, '__proto__'));
        const found = await jsonLines(toJsonLines(rows));
        expect(JSON.parse(JSON.stringify(found.rows))).toEqual(JSON.parse(JSON.stringify(rows)));
        expect(found.lines).toEqual(rows.map((_, i) => i + 1));
      }),
    );
  });

  it('images in rows survive the way out and in', async () => {
    const path = `${folder}/images.jsonl`;
    writeJsonLines(path, [{ image: tinyPng(7), problem: 'p', answer: '1' }]);
    const { images, rows } = await readDataset(path);
    expect(images).toEqual(['image']);
    expect(rows[0]!['image']).toBe(`data:image/png;base64,${Buffer.from(tinyPng(7)).toString('base64')}`);
  });

  it('keys that mean something to JavaScript mean nothing here', async () => {
    const line =
      '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "toString": "x", "a": [{"__proto__": {"polluted": 1}}]}';
    const { rows } = await jsonLines(line);
    expect(Object.getPrototypeOf(rows[0])).toBeNull();
    expect(Object.keys(rows[0]!)).toEqual(['constructor', 'toString', 'a']);
    const copy: Record<string, unknown> = {};
    Object.assign(copy, rows[0], (rows[0]!['a'] as object[])[0]);
    expect(copy['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('a line that is too deep, too long or not text is a bad row', async () => {
    const deep = `{"a": ${'['.repeat(50)}${']'.repeat(50)}}`;
    const long = `{"a": "${'x'.repeat(17 * 2 ** 20)}"}`;
    const bytes = Buffer.concat([
      Buffer.from(`${deep}\n${long}\n`),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from('{}\n{"a": 1}'),
    ]);
    const { rows, lines, bad } = await jsonLines(bytes);
    expect([rows.length, lines]).toEqual([1, [5]]);
    expect(bad.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      '1: values are nested more than 32 levels deep',
      '2: the line is longer than 16 MiB',
      '3: the line is not valid UTF-8',
      '4: the row has no fields',
    ]);
  });
});

function read(text: string) {
  return collect(readJsonDocument(source(text, 't.json')));
}

describe('JSON documents', () => {
  it('rows may be the document, or the one array of objects in it', async () => {
    for (const text of [
      '[{"a": 1}, {"a": 2}]',
      '{"data": [{"a": 1}, {"a": 2}]}',
      '{"tags": ["x"], "rows": [{"a": 1}, {"a": 2}]}',
    ]) {
      expect((await read(text)).rows.map((row) => row['a'])).toEqual([1, 2]);
    }
    expect((await read('{"a": 1}')).rows).toHaveLength(1);
  });

  it('elements that are no rows are listed by their number', async () => {
    expect((await read('[{"a": 1}, 5, null]')).bad).toEqual([
      { line: 2, reason: 'this is a number, not a row with named fields' },
      { line: 3, reason: 'this is null, not a row with named fields' },
    ]);
  });

  it('says what is wrong with a document it cannot use', async () => {
    for (const text of ['[{"a": 1}', '5', '[]', '{"x": [{"a": 1}], "y": [{"b": 1}]}', `${'['.repeat(100_000)}`]) {
      await expect(read(text), text.slice(0, 20)).rejects.toMatchObject({ name: 'AresError', code: 'bad-data' });
    }
  });
});

describe('the kind of a file', () => {
  const cases: [name: string, content: string | Uint8Array, format: string][] = [
    // The content decides, whatever the extension says.
    ['a.txt', '{"a": 1}\n{"a": 2}\n', 'jsonl'],
    ['b.json', '{"a": 1}\n{"a": 2}\n', 'jsonl'],
    ['c.csv', '[{"a": 1}]', 'json'],
    ['d.json', '{"a": 1}', 'json'],
    ['e.jsonl', '[1]\n{"a": 1}', 'jsonl'],
    ['f.csv', 'a\tb\n1\t2', 'tsv'],
    ['g.tsv', 'a,b\n1,2', 'csv'],
    ['h.jsonl.gz', gzipSync('{"a": 1}\n'), 'jsonl'],
  ];

  it('is told from its content first', async () => {
    for (const [name, content, format] of cases)
      expect((await readDataset(put(folder, name, content))).format, name).toBe(format);
  });

  it('what is no dataset is refused with a way out', async () => {
    const refused: [name: string, content: Uint8Array, code: string][] = [
      ['empty.jsonl', Buffer.from(''), 'bad-data'],
      ['model.pt', Buffer.from('\x80\x02}q', 'latin1'), 'unsupported'],
      ['paper.pdf', Buffer.from('%PDF-1.7'), 'unsupported'],
      ['picture.png', tinyPng(), 'unsupported'],
      ['noise.csv', Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 7919) % 256)), 'unsupported'],
      ['bomb.jsonl.gz', gzipSync(Buffer.alloc(64 * 2 ** 20, '{"a": 1}\n'.padEnd(64))), 'bad-data'],
      ['cut.jsonl.gz', gzipSync('{"a": 1}\n'.repeat(100)).subarray(0, 30), 'bad-data'],
    ];
    for (const [name, content, code] of refused) {
      await expect(readDataset(put(folder, name, content)), name).rejects.toMatchObject({
        name: 'AresError',
        code,
        hint: expect.any(String) as string,
      });
    }
    await expect(readDataset(`${folder}/nowhere.csv`)).rejects.toMatchObject({ code: 'not-found' });
  });
});
