/** Padding and its inverse: every response token is predicted from the position before it, exactly once. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sequence } from '#core/engine/api.ts';
import {
  MASKED,
  buildMicroBatch,
  causalMask,
  gatherColumn,
  planMicroBatches,
  responseOffsets,
  scatterColumn,
} from '#core/engine/microBatch.ts';
import { float32 } from '#core/tensor/types.ts';

const sequence = fc
  .record({
    prompt: fc.array(fc.nat(99), { minLength: 1, maxLength: 9 }),
    response: fc.array(fc.nat(99), { maxLength: 9 }),
  })
  .map(({ prompt, response }): Sequence => ({
    promptIds: Int32Array.from(prompt),
    responseIds: Int32Array.from(response),
  }));
const sequences = fc.array(sequence, { minLength: 1, maxLength: 12 });
const budget = fc.integer({ min: 1, max: 60 });

describe('planMicroBatches', () => {
  it('puts every sequence with a response into exactly one batch within the budget', () => {
    fc.assert(
      fc.property(sequences, budget, (all, tokenBudget) => {
        const groups = planMicroBatches(all, tokenBudget);
        const expected = all.flatMap(({ responseIds }, i) => (responseIds.length > 0 ? [i] : []));
        expect(groups.flat().toSorted((a, b) => a - b)).toEqual(expected);
        for (const group of groups) {
          const longest = Math.max(...group.map((i) => all[i]!.promptIds.length + all[i]!.responseIds.length - 1));
          expect(group.length === 1 || group.length * longest <= tokenBudget).toBe(true);
        }
      }),
    );
  });
});

describe('batches of sequences in order of length', () => {
  const lengths = Array.from({ length: 64 }, (_, i) => 8 + ((i * 37) % 64) * 4);
  const all = lengths.map((length) => ({
    promptIds: new Int32Array(4).fill(1),
    responseIds: new Int32Array(length).fill(1),
  }));

  it('are padded by less than a tenth where lengths differ thirtyfold', () => {
    const batches = planMicroBatches(all, 2048);
    const padded = batches.reduce(
      (sum, batch) => sum + batch.length * Math.max(...batch.map((i) => lengths[i]! + 3)),
      0,
    );
    const real = lengths.reduce((sum, length) => sum + length + 3, 0);
    expect(padded / real).toBeLessThan(1.1);
    // In the order given, eight at a time, more than two fifths would be padding.
    const unsorted = Array.from({ length: 8 }, (_, b) => 8 * Math.max(...lengths.slice(8 * b, 8 * b + 8)) + 24);
    expect(unsorted.reduce((sum, size) => sum + size, 0) / real).toBeGreaterThan(1.4);
  });
});

describe('buildMicroBatch', () => {
  it('targets each response token from the position before it', () => {
    fc.assert(
      fc.property(sequences, budget, (all, tokenBudget) => {
        const offsets = responseOffsets(all);
        const flat = all.flatMap(({ responseIds }) => [...responseIds]);
        const seen = new Uint8Array(flat.length);
        for (const group of planMicroBatches(all, tokenBudget)) {
          const { feeds, columnIndex, length } = buildMicroBatch(all, group, offsets, 60);
          const [ids, rows, targets] = [feeds['ids']!.data, feeds['rows']!.data, feeds['targets']!.data];
          columnIndex.forEach((column, r) => {
            seen[column]!++;
            expect(Number(targets[r])).toBe(flat[column]);
            const owner = all[group[Math.floor(Number(rows[r]) / length)]!]!;
            const whole = [...owner.promptIds, ...owner.responseIds];
            const position = Number(rows[r]) % length;
            expect(whole[position + 1]).toBe(flat[column]);
            expect(Number(ids[Number(rows[r])])).toBe(whole[position]);
          });
        }
        expect(seen.every((count) => count === 1)).toBe(true);
      }),
    );
  });

  it('gathers columns and scatters them back unchanged', () => {
    fc.assert(
      fc.property(sequences, budget, (all, tokenBudget) => {
        const offsets = responseOffsets(all);
        const column = Float32Array.from({ length: offsets.at(-1)! }, (_, i) => i + 0.5);
        const back = new Float32Array(column.length);
        for (const group of planMicroBatches(all, tokenBudget)) {
          const batch = buildMicroBatch(all, group, offsets, 60);
          scatterColumn(float32(gatherColumn(column, batch).data, [batch.columnIndex.length, 1]), batch, back);
        }
        expect(back).toEqual(column);
      }),
    );
  });
});

it('causalMask lets a position see itself and what is before it', () => {
  const { data } = causalMask(3, 1);
  expect([...data].map((value) => value === 0)).toEqual([true, false, false, true, true, false, true, true, true]);
  expect(data[1]).toBe(Math.fround(MASKED));
});
