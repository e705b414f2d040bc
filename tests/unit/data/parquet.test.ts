/** Parquet pages that lie about their sizes and runs, and real files with damage. */
import { readFileSync } from 'node:fs';
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import type { ColumnMetaData, SchemaTree } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { collect } from '#core/data/dataset.ts';
import { readParquet } from '#core/data/parquet.ts';
import { ColumnReader } from '#core/data/parquetColumn.ts';
import {
  type ColumnShape,
  MAX_PAGE_BYTES,
  boundedCompressors,
  checkPage,
  readPageHead,
} from '#core/data/parquetPages.ts';
import { memorySource } from '#core/data/source.ts';
import { ThriftReader } from '#core/data/thrift.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varint(Math.floor(value / 0x80))];
}

/** A struct of 32-bit integers and structs, in the compact protocol. */
function struct(fields: Record<number, number | number[]>): number[] {
  let last = 0;
  const bytes = Object.entries(fields).flatMap(([id, value]) => {
    const delta = Number(id) - last;
    last = Number(id);
    return typeof value === 'number' ? [delta * 16 + 5, ...varint(value * 2)] : [delta * 16 + 12, ...value];
  });
  return [...bytes, 0];
}

const PLAIN = 0;
const RLE_DICTIONARY = 8;
const shape: ColumnShape = { codec: 'UNCOMPRESSED', isBoolean: false, maxRepetitionLevel: 0, maxDefinitionLevel: 0 };

/** A page of version 1 with its header. */
function page(
  count: number,
  encoding: number,
  body: number[],
  declared: { compressed?: number; uncompressed?: number } = {},
): number[] {
  const header = struct({
    1: 0,
    2: declared.uncompressed ?? body.length,
    3: declared.compressed ?? body.length,
    5: struct({ 1: count, 2: encoding, 3: 3, 4: 3 }),
  });
  return [...header, ...body];
}

function checkPages(bytes: Uint8Array, shape: ColumnShape): void {
  for (let at = 0; at < bytes.length - 1;) {
    const head = readPageHead(bytes, at);
    const start = at + head.headerBytes;
    checkPage(head, bytes.subarray(start, start + head.compressedBytes), shape);
    at = start + head.compressedBytes;
  }
}

function check(bytes: number[], changes: Partial<ColumnShape> = {}): void {
  checkPages(Uint8Array.from(bytes), { ...shape, ...changes });
}

/** A run of `count` equal values, one byte wide. */
const run = (count: number): number[] => [...varint(count * 2), 0];

describe('checkPages', () => {
  it('lets honest pages pass', () => {
    check(page(4, PLAIN, [1, 2, 3, 4]));
    check([...page(4, RLE_DICTIONARY, [1, ...run(4)]), ...page(2, RLE_DICTIONARY, [1, 3, 0xff])]);
    check(page(4, RLE_DICTIONARY, [2, 0, 0, 0, ...run(4), 1, ...run(3)]), { maxDefinitionLevel: 1 });
  });

  it('refuses a run of two billion in six bytes, in levels and in indices', () => {
    expect(() => check(page(4, RLE_DICTIONARY, [1, ...run(2 ** 29)]))).toThrow('a run declares');
    expect(() => check(page(4, PLAIN, [6, 0, 0, 0, ...run(2 ** 29)]), { maxDefinitionLevel: 1 })).toThrow(
      'a run declares',
    );
    // The length before the levels is not what decides how far they are read.
    expect(() => check(page(4, PLAIN, [0, 0, 0, 0, ...run(2 ** 29)]), { maxRepetitionLevel: 1 })).toThrow(
      'a run declares',
    );
    expect(() => check(page(4, RLE_DICTIONARY, [0, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toThrow('a count');
  });

  it('refuses pages beyond the limits on size, ratio and number of values', () => {
    expect(() => check(page(1, PLAIN, [1], { uncompressed: MAX_PAGE_BYTES + 1 }))).toThrow('a page declares');
    expect(() => check(page(1, PLAIN, [1], { uncompressed: MAX_PAGE_BYTES }))).toThrow('when decompressed');
    expect(() => check(page(2 ** 30, PLAIN, [1]))).toThrow('values');
  });

  it('refuses pages that do not fit into their column', async () => {
    const read = async (bytes: number[], values: number) => {
      const meta = {
        type: 'INT32',
        path_in_schema: ['a'],
        codec: 'UNCOMPRESSED',
        num_values: BigInt(values),
        data_page_offset: 0n,
        total_compressed_size: BigInt(bytes.length),
      } as unknown as ColumnMetaData;
      const node = (name: string) => ({
        children: [],
        count: 1,
        path: [name],
        element: { name, type: 'INT32', repetition_type: 'REQUIRED' },
      });
      const schemaPath = [node('root'), node('a')] as unknown as SchemaTree[];
      const reader = new ColumnReader(memorySource('a', Uint8Array.from(bytes)), { schemaPath, meta, shape });
      for (let rows = await reader.fill(); rows > 0; rows = await reader.fill()) reader.take(rows);
    };
    const number = [1, 0, 0, 0];
    await read([...page(1, PLAIN, number), ...page(2, PLAIN, [...number, ...number])], 3);
    await expect(read(page(1, PLAIN, number, { compressed: 5 }), 1)).rejects.toThrow('longer than its column');
    await expect(read([...page(1, PLAIN, number), ...page(1, PLAIN, number)], 1)).rejects.toThrow('more values than');
  });

  it('refuses encodings that do not suit the type, or whose sizes cannot be foreseen', () => {
    const RLE = 3;
    const DELTA_BYTE_ARRAY = 7;
    expect(() => check(page(1, RLE, [1, ...run(1)]))).toThrow('does not suit');
    expect(() => check(page(1, RLE_DICTIONARY, [1, ...run(1)]), { isBoolean: true })).toThrow('does not suit');
    expect(() => check(page(1, DELTA_BYTE_ARRAY, [1]))).toThrow('not supported');
  });

  it('never reads outside of a chunk, whatever its bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.nat(3),
        fc.nat(3),
        (bytes, maxRepetitionLevel, maxDefinitionLevel) => {
          try {
            checkPages(bytes, { ...shape, maxRepetitionLevel, maxDefinitionLevel });
          } catch (error) {
            expect(['ParquetRefusal', 'RangeError']).toContain((error as Error).constructor.name);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('decompression', () => {
  it('stops at the size a page declares', () => {
    const zeros = Buffer.alloc(2 ** 20);
    expect(() => boundedCompressors.GZIP!(gzipSync(zeros), 100)).toThrow(RangeError);
    expect(() => boundedCompressors.ZSTD!(zstdCompressSync(zeros), 100)).toThrow(RangeError);
    expect(boundedCompressors.GZIP!(gzipSync(zeros), 2 ** 20)).toHaveLength(2 ** 20);
    expect(boundedCompressors.ZSTD!(zstdCompressSync(zeros), 2 ** 20)).toHaveLength(2 ** 20);
  });
});

describe('ThriftReader', () => {
  it('refuses a list of more items than it may have, before they are made', () => {
    const million = [0x19, 0xfc, ...varint(1_000_000), ...Array.from({ length: 1_000_000 }, () => 0), 0];
    expect(() => new ThriftReader(Uint8Array.from(million), 0, 500_000).struct()).toThrow('too many values');
  });

  it('refuses structs within structs without end', () => {
    expect(() =>
      new ThriftReader(
        Uint8Array.from({ length: 1000 }, () => 0x1c),
        0,
        1e6,
      ).struct(),
    ).toThrow('nested too deep');
  });
});

async function outcomeOf(bytes: Uint8Array): Promise<string> {
  const outcome = await collect(readParquet(memorySource('data.parquet', bytes))).catch((error: unknown) => error);
  return outcome instanceof Error ? outcome.name : 'a table';
}

describeWithShared('damaged Parquet files', () => {
  const names = ['plain_snappy', 'plain_zstd', 'plain_gzip', 'verl_schema', 'images_hf'];
  const files = names.map((name) => readFileSync(sharedPath('fixtures', 'data', `${name}.parquet`)));

  it('cut off anywhere, they are refused', async () => {
    for (const bytes of files) {
      for (let length = 0; length < bytes.length; length += 97) {
        expect(await outcomeOf(bytes.subarray(0, length)), `${length} bytes`).toBe('AresError');
      }
    }
  });

  it('with bytes changed, cut out or repeated, they are an AresError or a table', async () => {
    const change = fc.record({ at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(change, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (file, changes, inFooter) => {
          const broken = Buffer.from(file);
          for (const { at, value } of changes) {
            // Half of the trials damage the metadata at the end, where the most depends on a byte.
            const start = inFooter ? Math.floor(file.length * 0.6) : 0;
            broken[start + Math.floor(at * (file.length - start))] = value;
          }
          expect(['AresError', 'a table']).toContain(await outcomeOf(broken));
        },
      ),
      { numRuns: 500 },
    );
  });
});

it('compressed bytes that end early are an error, not a short page', () => {
  expect(() => boundedCompressors.GZIP!(deflateRawSync(Buffer.alloc(100)), 100)).toThrow();
});
