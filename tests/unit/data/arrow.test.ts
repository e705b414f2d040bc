/** Arrow files written by Arrow's own library, read here; and files whose lengths lie. */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  LargeUtf8,
  List,
  Null,
  Struct,
  Table,
  TimestampMicrosecond,
  TimestampMillisecond,
  Uint32,
  Utf8,
  tableToIPC,
  vectorFromArray,
} from 'apache-arrow';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readArrow } from '#core/data/arrow.ts';
import { collect } from '#core/data/dataset.ts';
import { memorySource } from '#core/data/source.ts';
import { tinyPng } from './files.ts';

const person = new Struct([new Field('a', new Int32(), true), new Field('b', new Utf8(), true)]);

function listOf(type: DataType): List {
  return new List(new Field('item', type, true));
}

/** A column of each type that is read: its type, what is written, and what should come back where that differs. */
const columns: Record<string, [type: DataType, written: unknown[], expected?: unknown[]]> = {
  int8: [new Int8(), [1, -128, null]],
  int16: [new Int16(), [1, -32768, null]],
  int32: [new Int32(), [1, -(2 ** 31), null]],
  int64: [new Int64(), [1n, -(2n ** 60n), null], [1, String(-(2n ** 60n)), null]],
  uint32: [new Uint32(), [1, 2 ** 32 - 1, null]],
  float32: [new Float32(), [1.5, -0.25, null]],
  float64: [new Float64(), [0.1, 1e300, null]],
  bool: [new Bool(), [true, false, null]],
  text: [new Utf8(), ['x', 'é π', null]],
  largeText: [new LargeUtf8(), ['', 'y', null]],
  coded: [new Dictionary(new Utf8(), new Int32()), ['x', 'y', 'x']],
  image: [new Binary(), [tinyPng(1), tinyPng(2), null]],
  unmarkedText: [new Binary(), [Buffer.from('plain'), Buffer.from(''), null], ['plain', '', null]],
  nothing: [new Null(), [null, null, null]],
  moment: [
    new TimestampMillisecond(),
    [new Date(0), new Date(1e12), null],
    ['1970-01-01T00:00:00.000Z', '2001-09-09T01:46:40.000Z', null],
  ],
  fineMoment: [
    new TimestampMicrosecond(),
    [new Date(5), new Date(1e12), null],
    ['1970-01-01T00:00:00.005Z', '2001-09-09T01:46:40.000Z', null],
  ],
  day: [
    new DateDay(),
    [new Date(0), new Date(864e5 * 30), null],
    ['1970-01-01T00:00:00.000Z', '1970-01-31T00:00:00.000Z', null],
  ],
  texts: [listOf(new Utf8()), [['a', null], [], null]],
  persons: [
    listOf(person),
    [
      [
        { a: 1, b: 'x' },
        { a: 2, b: null },
      ],
      [],
      [{ a: 3, b: 'z' }],
    ],
  ],
  person: [person, [{ a: 1, b: 'x' }, null, { a: null, b: 'z' }]],
  pair: [new FixedSizeList(2, new Field('item', new Float64(), true)), [[1, 2], [3, 4], null]],
};

function written(names: readonly string[], kind: 'stream' | 'file' = 'stream'): Buffer {
  const vectors = names.map((name) => [name, vectorFromArray(columns[name]![1], columns[name]![0])]);
  return Buffer.from(tableToIPC(new Table(Object.fromEntries(vectors)), kind));
}

function read(bytes: Uint8Array) {
  return collect(readArrow(memorySource('data.arrow', bytes)));
}

describe('readArrow', () => {
  for (const kind of ['stream', 'file'] as const) {
    it(`reads every type it knows out of the ${kind} format`, async () => {
      const names = Object.keys(columns);
      const { rows } = await read(written(names, kind));
      expect(rows).toHaveLength(3);
      for (const name of names) {
        const [, values, expected = values] = columns[name]!;
        const found = rows.map((row) => row[name]);
        expect(JSON.stringify(found), name).toBe(JSON.stringify(expected));
      }
    });
  }

  it('reads many rows and several batches', async () => {
    const values = Array.from({ length: 5000 }, (_, i) => `text ${i}`);
    const bytes = tableToIPC(
      new Table({ text: vectorFromArray(values, new Utf8()) }).concat(
        new Table({ text: vectorFromArray(values, new Utf8()) }),
      ),
    );
    const { rows, lines } = await read(bytes);
    expect(rows.map((row) => row['text'])).toEqual([...values, ...values]);
    expect(lines.at(-1)).toBe(10_000);
  });

  it('a file that was cut off is refused wherever that happened', async () => {
    const bytes = written(['text', 'persons', 'coded']);
    // The last eight bytes only mark the end.
    for (let length = 1; length < bytes.length - 8; length += 7) {
      await expect(read(bytes.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({ name: 'AresError' });
    }
  });

  it('any damage is an AresError or a table, whose size does not grow with the damage', async () => {
    const bytes = written(Object.keys(columns));
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const broken = Buffer.from(bytes);
        for (const [at, value] of changes) broken[at] = value;
        const outcome = await read(broken).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome.name).toBe('AresError');
        else expect(JSON.stringify(outcome).length).toBeLessThan(100 * bytes.length);
      }),
      { numRuns: 1500 },
    );
  });
});
