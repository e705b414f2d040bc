/** The codec: everything the contract may hold comes back equal, and no bytes do more than end in its one error. */
import { deepStrictEqual } from 'node:assert';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireFormatError, decodeValue, encodeValue } from '#core/contract/wire.ts';

const numbers = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(NaN, Infinity, -Infinity, -0));
const arrays = fc.oneof(
  fc.int32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
);
const keys = fc.oneof(fc.string(), fc.constantFrom('$', 'value', 'n', 'constructor', 'toString', '7'));
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
    numbers,
    arrays,
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(
      keys.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 6, noNullPrototype: true },
    ),
  ),
})).value;

/** Bytes of a message whose header is this text, with a tail. */
function message(json: string, tail: readonly number[] = []): Uint8Array {
  const header = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + header.length + tail.length);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 8);
  bytes.set(tail, 8 + header.length);
  return bytes;
}

describe('values', () => {
  it('come back equal, typed arrays, NaN, infinities and −0 included', () => {
    fc.assert(fc.property(values, (value) => deepStrictEqual(decodeValue(encodeValue(value)), value)));
  });

  it('come back equal from bytes that lie at any offset of a buffer', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 15 }), (value, offset) => {
        const encoded = encodeValue(value);
        const buffer = new Uint8Array(offset + encoded.length);
        buffer.set(encoded, offset);
        deepStrictEqual(decodeValue(buffer.subarray(offset)), value);
      }),
    );
  });

  it('hold typed arrays at multiples of eight, so that a browser sees them without a copy', () => {
    const encoded = encodeValue({ a: Uint8Array.of(1, 2, 3), b: Float64Array.of(1.5), c: Int32Array.of(7) });
    const decoded = decodeValue(encoded) as Record<string, { buffer: ArrayBuffer; byteOffset: number }>;
    for (const array of Object.values(decoded)) {
      expect(array.buffer).toBe(encoded.buffer);
      expect(array.byteOffset % 8).toBe(0);
    }
  });

  it('leave out what is undefined, as JSON does', () => {
    expect(decodeValue(encodeValue({ a: 1, b: undefined }))).toStrictEqual({ a: 1 });
  });

  it.each([
    ['a function', () => 1],
    ['a big integer', { n: 1n }],
    ['a date', [new Date(0)]],
    ['a map', new Map()],
  ])('that are %s are refused', (_, value) => {
    expect(() => encodeValue(value)).toThrow(WireFormatError);
  });

  it('nested too deeply are refused in both directions', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 70; i++) deep = [deep];
    expect(() => encodeValue(deep)).toThrow(WireFormatError);
    expect(() => decodeValue(message('['.repeat(100_000) + ']'.repeat(100_000)))).toThrow(WireFormatError);
  });
});

describe('bytes', () => {
  it('of any kind decode or end in a WireFormatError', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.json(), fc.array(fc.nat(255))).map(([json, tail]) => message(json, tail)),
      // Valid messages with one byte changed.
      fc.tuple(values, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
        const bytes = encodeValue(value);
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        try {
          decodeValue(bytes);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(WireFormatError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('cannot reach a prototype', () => {
    for (const json of [
      '{"__proto__":{"isAdmin":true}}',
      '{"$":"object","value":{"__proto__":1}}',
      '[{"a":{"__proto__":[]}}]',
    ]) {
      expect(() => decodeValue(message(json))).toThrow(WireFormatError);
    }
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it.each([
    ['an array beyond the end', '{"$":"f64","n":1000000000}', []],
    ['a negative length', '{"$":"u8","n":-1}', []],
    ['a length that is no number', '{"$":"u8","n":"4"}', []],
    [
      'two arrays where there are bytes for one',
      '[{"$":"u8","n":8},{"$":"u8","n":8}]',
      Array.from({ length: 16 }, () => 0),
    ],
    ['bytes that belong to nothing', '1', [1, 2, 3]],
    ['a mark that stands for nothing', '{"$":"toString"}', []],
    ['a mark that is no text', '{"$":{"$":"nan"}}', []],
    ['a wrapped value that is no object', '{"$":"object","value":[]}', []],
    ['a header that is no JSON', '{"a":', []],
  ])('with %s are refused', (_, json, tail) => {
    expect(() => decodeValue(message(json, tail as number[]))).toThrow(WireFormatError);
  });

  it('whose header is longer than they are, or not UTF-8, are refused', () => {
    const long = message('1');
    new DataView(long.buffer).setUint32(0, 2 ** 31, true);
    expect(() => decodeValue(long)).toThrow(WireFormatError);
    const bytes = message('"a"');
    bytes[9] = 0xff;
    expect(() => decodeValue(bytes)).toThrow(WireFormatError);
    expect(() => decodeValue(new Uint8Array(3))).toThrow(WireFormatError);
  });
});
