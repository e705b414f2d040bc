/**
 * Which rows of a long table are in view.
 *
 * Owns: the arithmetic between a scroll position and row numbers, for tables longer than a browser can
 * lay out. Pure, so that it is tested without one.
 */

/** Chromium lays out about 33.5 million px; beyond this the scroll position is stretched. */
export const MAX_EXTENT_PX = 30_000_000;

export interface Window {
  /** First and one past the last row to draw, overscan included. */
  first: number;
  end: number;
  /** Where the first row goes, in px from the top of the scrolled content. */
  topPx: number;
}

export interface Extent {
  count: number;
  rowPx: number;
  viewPx: number;
}

/** Height of the scrolled content. */
export function contentPx({ count, rowPx }: Extent): number {
  return Math.min(count * rowPx, MAX_EXTENT_PX);
}

/** Rows passed per px scrolled, times the row height: 1 unless the table is longer than can be laid out. */
function stretch(extent: Extent): number {
  const scrollable = contentPx(extent) - extent.viewPx;
  return scrollable <= 0 ? 1 : (extent.count * extent.rowPx - extent.viewPx) / scrollable;
}

export function windowAt(extent: Extent, scrollPx: number, overscan: number): Window {
  const { count, rowPx, viewPx } = extent;
  const truePx = scrollPx * stretch(extent);
  const top = Math.floor(truePx / rowPx);
  const first = Math.max(0, top - overscan);
  const end = Math.min(count, top + Math.ceil(viewPx / rowPx) + 1 + overscan);
  return { first, end: Math.max(first, end), topPx: Math.round(scrollPx + first * rowPx - truePx) };
}

/** The scroll position that brings a row into view with the least movement; the same one where it is in view. */
export function scrollFor(extent: Extent, scrollPx: number, index: number): number {
  const factor = stretch(extent);
  const truePx = scrollPx * factor;
  const rowTop = index * extent.rowPx;
  if (rowTop < truePx) return rowTop / factor;
  const past = rowTop + extent.rowPx - extent.viewPx;
  return past > truePx ? past / factor : scrollPx;
}
