// A message may lie anywhere in a larger buffer, as Node hands it over: its arrays come out whole all the same.
import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame } from '#core/contract/frames.ts';

test.each([0, 1, 2, 3, 4, 5, 6, 7])('arrays are read from a Buffer that begins at byte %i of its pool', (offset) => {
  const value = { name: 'pool', problemIds: Int32Array.of(7, 8, 9), rates: Float64Array.of(0.5, NaN) };
  const frame = encodeFrame('call', 1, 'pools.save', value);
  const pool = Buffer.alloc(frame.length + 16, 0xff);
  pool.set(frame, offset);
  expect(decodeFrame(pool.subarray(offset, offset + frame.length)).read()).toEqual(value);
});
