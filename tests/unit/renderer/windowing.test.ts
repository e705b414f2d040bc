/** Long tables: which rows are in view, up to lengths that no browser can lay out. */
import { expect, it } from 'vitest';
import * as fc from 'fast-check';
import { MAX_EXTENT_PX, contentPx, scrollFor, windowAt } from '#renderer/kit/windowing.ts';

const small = { count: 1000, rowPx: 28, viewPx: 280 };
const million = { count: 1_000_000, rowPx: 28, viewPx: 560 };
const huge = { count: 50_000_000, rowPx: 28, viewPx: 560 };

it('draws what is in view and a little more', () => {
  expect(windowAt(small, 0, 4)).toEqual({ first: 0, end: 15, topPx: 0 });
  expect(windowAt(small, 2800, 4)).toEqual({ first: 96, end: 115, topPx: 2688 });
  expect(windowAt({ ...small, count: 3 }, 0, 4)).toEqual({ first: 0, end: 3, topPx: 0 });
  expect(windowAt({ ...small, count: 0 }, 0, 4)).toEqual({ first: 0, end: 0, topPx: 0 });
});

it('lays a million rows out as they are and longer tables as far as a browser can', () => {
  expect(contentPx(million)).toBe(28_000_000);
  expect(contentPx(huge)).toBe(MAX_EXTENT_PX);
});

it('reaches the last row of any table at the end of its scroll bar', () => {
  for (const extent of [small, million, huge]) {
    const { end, first, topPx } = windowAt(extent, contentPx(extent) - extent.viewPx, 0);
    expect(end).toBe(extent.count);
    // Its last row ends where the content ends.
    expect(Math.abs(topPx + (end - first) * extent.rowPx - contentPx(extent))).toBeLessThanOrEqual(1);
  }
});

it('brings any row into view, and moves nothing that is in view', () => {
  const extents = fc.constantFrom(small, million, huge);
  fc.assert(
    fc.property(extents, fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (extent, row, share) => {
      const index = row % extent.count;
      const before = share * (contentPx(extent) - extent.viewPx);
      const at = scrollFor(extent, before, index);
      const { first, end } = windowAt(extent, at, 1);
      expect(index).toBeGreaterThanOrEqual(first);
      expect(index).toBeLessThan(end);
      // A browser rounds what is scrolled to; being in view stays being in view.
      expect(Math.abs(scrollFor(extent, at, index) - at)).toBeLessThan(1e-6 * Math.max(1, at));
    }),
  );
});
