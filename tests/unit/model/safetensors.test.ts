/** safetensors: what is written is read back, and no bytes whatsoever break more than a typed error. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeSafetensors,
  readFloat32,
  readSafetensors,
  readSafetensorsHeader,
  readTensor,
  type TensorToWrite,
  writeSafetensors,
} from '#core/model/safetensors.ts';
import { AresError } from '#core/util/errors.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';
import { temporaryFolder } from './tinyModel.ts';

const everyType: TensorToWrite[] = [
  { name: 'bytes', shape: [3], data: Uint8Array.of(1, 2, 255) },
  { name: 'half', shape: [2, 2], data: Float32Array.of(0.5, -2, 65504, 0), dtype: 'F16' },
  { name: 'brain', shape: [3], data: Float32Array.of(1, -3.5, 1e38), dtype: 'BF16' },
  { name: 'single', shape: [1, 2], data: Float32Array.of(0.1, -Infinity) },
  { name: 'double', shape: [], data: Float64Array.of(0.1) },
  { name: 'long', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 5n) },
  { name: 'int', shape: [2], data: Int32Array.of(-7, 7) },
  { name: 'empty', shape: [0, 5], data: new Float32Array(0) },
];

/** Writes a file with any header text and any number of data bytes. */
function fileWith(header: string | Uint8Array, dataBytes = 0, claimedLength?: number): string {
  const path = join(temporaryFolder(), 'x.safetensors');
  const bytes = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(claimedLength ?? bytes.length), true);
  writeFileSync(path, Buffer.concat([prefix, bytes, new Uint8Array(dataBytes)]));
  return path;
}

function fileWithBytes(content: string): string {
  const path = join(temporaryFolder(), 'x.safetensors');
  writeFileSync(path, content);
  return path;
}

const entry = (dtype: string, shape: unknown, start: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [start, end],
});
const badFile = (message: RegExp) =>
  expect.objectContaining({ code: 'bad-file', message: expect.stringMatching(message), hint: expect.any(String) });

describe('round trip', () => {
  it('keeps names, types, shapes and values of every type', () => {
    const path = join(temporaryFolder(), 'all.safetensors');
    writeSafetensors(path, everyType);
    const read = readSafetensors(path);
    expect([...read.keys()].sort()).toEqual(everyType.map(({ name }) => name).sort());
    for (const { name, shape, data } of everyType) {
      const found = read.get(name)!;
      expect(found.shape).toEqual(shape);
      if (name === 'brain') expect(Math.abs(found.data[2] as number) / 1e38).toBeCloseTo(1, 2);
      else expect(found.data).toEqual(data);
    }
    expect(read.get('brain')!.dtype).toBe('BF16');
  });

  it('starts the data at a multiple of 8 and every tensor at a multiple of its element size', () => {
    const path = join(temporaryFolder(), 'all.safetensors');
    const sizes = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1, BOOL: 1 };
    for (let count = 1; count <= everyType.length; count++) {
      writeSafetensors(path, everyType.slice(0, count));
      const bytes = readFileSync(path);
      expect(Number(bytes.readBigUInt64LE(0)) % 8).toBe(0);
      for (const { start, dtype } of readSafetensorsHeader(path).tensors.values()) expect(start % sizes[dtype]).toBe(0);
    }
  });

  it('writes the metadata transformers asks for', () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    writeSafetensors(path, []);
    expect(readSafetensorsHeader(path).metadata).toEqual({ format: 'pt' });
  });

  it('reads half precision longer than one buffer', () => {
    const path = join(temporaryFolder(), 'long.safetensors');
    const length = 9_000_001;
    const data = new Float32Array(length);
    for (let i = 0; i < length; i++) data[i] = i % 251;
    writeSafetensors(path, [{ name: 'w', shape: [length], data, dtype: 'BF16' }]);
    const read = readFloat32(readSafetensorsHeader(path), 'w');
    expect(read.length).toBe(length);
    expect(read.findIndex((value, i) => value !== i % 251)).toBe(-1);
  });

  it('reads one tensor out of many, and float64 as float32 where floats are wanted', () => {
    const path = join(temporaryFolder(), 'all.safetensors');
    writeSafetensors(path, everyType);
    const header = readSafetensorsHeader(path);
    expect(readTensor(header, 'int').data).toEqual(Int32Array.of(-7, 7));
    expect(readFloat32(header, 'double')).toEqual(Float32Array.of(0.1));
    expect(() => readFloat32(header, 'int')).toThrow(expect.objectContaining({ code: 'unsupported' }));
    expect(() => readTensor(header, 'nope')).toThrow(badFile(/no tensor "nope"/));
  });

  it('refuses to write what does not add up', () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    const tensor = { name: 'a', shape: [3], data: new Float32Array(4) };
    expect(() => writeSafetensors(path, [tensor])).toThrow(AresError);
    const fitting = { ...tensor, shape: [4] };
    expect(() => writeSafetensors(path, [fitting, fitting])).toThrow(/named "a"/);
  });
});

it('reads truth values as bytes', () => {
  const header = JSON.stringify({ flags: entry('BOOL', [2, 1], 0, 2) });
  expect(readSafetensors(fileWith(header, 2)).get('flags')).toEqual({
    dtype: 'BOOL',
    shape: [2, 1],
    data: new Uint8Array(2),
  });
});

describe('corrupt files', () => {
  const one = { a: entry('F32', [2], 0, 8) };
  const cases: [string, () => string, RegExp][] = [
    ['an empty file', () => fileWithBytes(''), /0 bytes/],
    ['seven bytes', () => fileWithBytes('1234567'), /7 bytes/],
    ['a header longer than the file', () => fileWith('{}', 0, 1000), /claims 1000 bytes/],
    ['a header of exabytes', () => fileWith('{}', 0, 2 ** 60), /at most/],
    ['garbage', () => fileWith('garbage!'), /does not start/],
    ['half of a JSON document', () => fileWith('{"a":'), /not valid JSON/],
    ['a header that is no UTF-8', () => fileWith(Uint8Array.of(0x7b, 0xff, 0x7d)), /not valid JSON/],
    ['a truncated file', () => fileWith(JSON.stringify(one), 7), /truncated/],
    ['bytes nobody owns', () => fileWith(JSON.stringify(one), 9), /last tensor ends at byte/],
    [
      'a length that does not fit the shape',
      () => fileWith('{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', 8),
      /needs 12/,
    ],
    ['overlapping tensors', () => fileWith(JSON.stringify({ ...one, b: entry('F32', [1], 4, 8) }), 8), /overlaps/],
    ['a gap', () => fileWith(JSON.stringify({ ...one, b: entry('F32', [1], 12, 16) }), 16), /gap/],
    [
      'an overflowing shape',
      () => fileWith(JSON.stringify({ a: entry('U8', [2 ** 40, 2 ** 40], 0, 0) })),
      /impossible shape/,
    ],
    [
      'a shape that overflows to the right length',
      () => fileWith(JSON.stringify({ a: entry('F64', [2 ** 32, 2 ** 32], 0, 0) })),
      /impossible shape/,
    ],
    ['a negative size', () => fileWith(JSON.stringify({ a: entry('U8', [-1], 0, 0) })), /impossible shape/],
    ['a shape that is no list', () => fileWith(JSON.stringify({ a: entry('U8', 4, 0, 4) }), 4), /impossible shape/],
    ['offsets backwards', () => fileWith(JSON.stringify({ a: entry('U8', [1], 4, 3) }), 4), /data_offsets/],
    ['fractional offsets', () => fileWith(JSON.stringify({ a: entry('U8', [1], 0.5, 1.5) }), 4), /data_offsets/],
    [
      'a tensor twice',
      () =>
        fileWith(
          '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
          1,
        ),
      /"a" twice/,
    ],
    [
      'a field twice',
      () => fileWith('{"a":{"dtype":"U8","dtype":"I64","shape":[1],"data_offsets":[0,8]}}', 8),
      /"dtype" twice/,
    ],
    [
      'a very long name',
      () => fileWith(JSON.stringify({ ['n'.repeat(2000)]: entry('U8', [0], 0, 0) })),
      /2000 characters/,
    ],
    [
      'a hundred thousand and one tensors',
      () => fileWith(`{${Array.from({ length: 100_001 }, (_, i) => `"${i}":0`).join()}}`),
      /100001 tensors/,
    ],
    ['deep nesting', () => fileWith(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`), /nested/],
    ['an entry that is no object', () => fileWith('{"a":5}'), /not an object/],
    ['no dtype', () => fileWith('{"a":{"shape":[0],"data_offsets":[0,0]}}'), /no dtype/],
    ['metadata that are no strings', () => fileWith('{"__metadata__":{"a":1}}'), /__metadata__/],
    ['a list', () => fileWith('[]'), /does not start/],
  ];

  it.each(cases)('%s', (_, make, message) => {
    const path = make();
    expect(() => readSafetensors(path)).toThrow(badFile(message));
    expect(() => readSafetensors(path)).toThrow(expect.objectContaining({ where: path }));
  });

  it.each(['F8_E4M3', 'U64', 'hasOwnProperty'])('element type %s is named as unsupported', (dtype) => {
    expect(() => readSafetensorsHeader(fileWith(JSON.stringify({ a: entry(dtype, [0], 0, 0) })))).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining(dtype) }),
    );
  });

  it('accepts headers in any order and padded, as the format allows', () => {
    const header = `${JSON.stringify({ b: entry('U8', [1], 1, 2), a: entry('U8', [1], 0, 1), ['__proto__x']: entry('U8', [0], 2, 2) })}    `;
    expect([...readSafetensors(fileWith(header, 2)).keys()]).toEqual(['a', 'b', '__proto__x']);
  });

  it('a file that shrinks between header and data is reported, not half read', () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    writeSafetensors(path, [{ name: 'a', shape: [1000], data: new Float32Array(1000) }]);
    const header = readSafetensorsHeader(path);
    truncateSync(path, 500);
    expect(() => readTensor(header, 'a')).toThrow(badFile(/ended/));
  });
});

describe('mutations', () => {
  const original = Buffer.concat(encodeSafetensors(everyType, { format: 'pt' }));
  it('any change of the header gives the same tensors, other well-formed ones, or an AresError', () => {
    const path = join(temporaryFolder(), 'mutated.safetensors');
    writeFileSync(path, original);
    const expected = readSafetensors(path);
    const headerEnd = 8 + Number(original.readBigUInt64LE(0));
    const edit = fc.record({ at: fc.nat(headerEnd - 1), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 4 }), fc.option(fc.nat(original.length)), (edits, cut) => {
        const bytes = Buffer.from(original);
        for (const { at, byte } of edits) bytes[at] = byte;
        writeFileSync(path, cut === null ? bytes : bytes.subarray(0, cut));
        try {
          const read = readSafetensors(path);
          if (bytes.equals(original)) expect(read).toEqual(expected);
          for (const { shape, data } of read.values()) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(AresError);
          expect(['bad-file', 'unsupported']).toContain((error as AresError).code);
        }
      }),
      { numRuns: 800 },
    );
  });

  it('any bytes at all give an AresError or tensors', () => {
    const path = join(temporaryFolder(), 'random.safetensors');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.json({ maxDepth: 3 }), (tail, json) => {
        const header = new TextEncoder().encode(json);
        const prefix = new Uint8Array(8);
        prefix[0] = header.length;
        prefix[1] = header.length >> 8;
        writeFileSync(path, Buffer.concat([prefix, header, tail]));
        try {
          readSafetensors(path);
        } catch (error) {
          expect(error).toBeInstanceOf(AresError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describeWithShared('files written by the reference', () => {
  it('reads them', () => {
    const tensors = readSafetensors(sharedPath('fixtures', 'hf', 'qwen2-tiny', 'model.safetensors'));
    expect(tensors.get('model.embed_tokens.weight')).toMatchObject({ dtype: 'F32', shape: [384, 48] });
    expect(tensors.size).toBe(26);
  });
});
