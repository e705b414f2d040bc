// Labelling by hand: moving, ranges, selections and taking back.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buckets } from '#core/ares/options.ts';
import {
  moved,
  positionIn,
  rangeOf,
  remembered,
  toggled,
  withJudgements,
} from '../../../renderer/rooms/difficulty/judging.ts';

describe('the cursor', () => {
  it('stays within the list and draws a range only while it is extended', () => {
    let cursor = { at: 3, anchor: null as number | null };
    expect(rangeOf(cursor)).toEqual([]);
    cursor = moved(cursor, 2, 10, true);
    expect(rangeOf(cursor)).toEqual([3, 4, 5]);
    cursor = moved(cursor, -4, 10, true);
    expect(rangeOf(cursor)).toEqual([1, 2, 3]);
    cursor = moved(cursor, 99, 10, false);
    expect(cursor).toEqual({ at: 9, anchor: null });
    expect(moved(cursor, -99, 10, false).at).toBe(0);
  });
});

describe('a selection', () => {
  it('takes ids in, and out when all of them were in', () => {
    const some = toggled(new Set([1]), [1, 2]);
    expect([...some]).toEqual([1, 2]);
    expect([...toggled(some, [1, 2])]).toEqual([]);
  });
});

describe('judgements', () => {
  it('change their own problems and no other, and can be taken back', () => {
    const ids = Int32Array.of(5, 9, 12);
    const human = Uint8Array.of(0, 2, 3);
    const index = (bucket: (typeof buckets)[number]) => buckets.indexOf(bucket);
    const position = (id: number) => positionIn(ids, id);
    const changed = withJudgements(
      human,
      position,
      [
        { problemId: 5, bucket: 'hard' },
        { problemId: 9, bucket: null },
        { problemId: 77, bucket: 'easy' },
      ],
      index,
    );
    expect(changed).toEqual(Uint8Array.of(3, 0, 3));
    const back = withJudgements(
      changed,
      position,
      [
        { problemId: 5, bucket: null },
        { problemId: 9, bucket: 'medium' },
      ],
      index,
    );
    expect(back).toEqual(human);
  });

  it('are remembered, the latest hundred changes', () => {
    let history: ReturnType<typeof remembered> = [];
    for (let problemId = 0; problemId < 150; problemId++) history = remembered(history, [{ problemId, bucket: null }]);
    expect(history).toHaveLength(100);
    expect(history.at(-1)).toEqual([{ problemId: 149, bucket: null }]);
  });
});

describe('positionIn', () => {
  it('finds every id and no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 50 })), fc.nat({ max: 50 }), (values, wanted) => {
        const ids = Int32Array.from(values).sort();
        expect(positionIn(ids, wanted)).toBe(ids.indexOf(wanted));
      }),
    );
  });
});
