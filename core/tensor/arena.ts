/**
 * The runtime's allocator, in numbers: which memory an order of requests touches.
 *
 * Owns: the rules of onnxruntime's arena (best fit with coalescing, regions that double in size). Memory that was
 * touched stays with the process until the session is released, so what a graph needs is not only what is alive at
 * a time but how well that fits into what was freed before. It allocates nothing.
 */

/** Requests are rounded up to a multiple of this. */
const UNIT_BYTES = 256;
const BINS = 21;
const FIRST_REGION_BYTES = 2 ** 20;
const LARGEST_REGION_BYTES = 2 ** 30;
/** A free piece is divided only if this much, or as much as was asked for, would be left over. */
const LARGEST_WASTE_BYTES = 2 ** 27;

/** A stretch of a region, as it is handed out. */
export interface Piece {
  readonly region: Region;
  start: number;
  bytes: number;
  /** What was asked for; it may be less. */
  wantedBytes: number;
  isFree: boolean;
  previous: Piece | undefined;
  next: Piece | undefined;
}
interface Region {
  /** Order of creation. */
  order: number;
  /** Stretches that were written to, in order and apart. */
  touched: { start: number; end: number }[];
}

export class Arena {
  readonly #bins: Piece[][] = Array.from({ length: BINS }, () => []);
  #regions = 0;
  #nextRegionBytes = FIRST_REGION_BYTES;
  #touchedBytes = 0;
  #aliveBytes = 0;
  #mostAliveBytes = 0;

  /** Most that was handed out at a time. */
  get mostAliveBytes(): number {
    return this.#mostAliveBytes;
  }

  /** All that was ever handed out, which is what the system sees. */
  get touchedBytes(): number {
    return this.#touchedBytes;
  }

  allocate(wanted: number): Piece {
    const bytes = rounded(wanted);
    const piece = this.#takeFree(bytes) ?? this.#grow(bytes);
    if (piece.bytes >= 2 * bytes || piece.bytes - bytes >= LARGEST_WASTE_BYTES) this.#divide(piece, bytes);
    piece.isFree = false;
    piece.wantedBytes = wanted;
    this.#aliveBytes += bytes;
    this.#mostAliveBytes = Math.max(this.#mostAliveBytes, this.#aliveBytes);
    this.#touch(piece.region, piece.start, piece.start + bytes);
    return piece;
  }

  free(piece: Piece): void {
    this.#aliveBytes -= rounded(piece.wantedBytes);
    const { previous, next } = piece;
    if (next?.isFree === true) {
      this.#unbin(next);
      this.#absorb(piece, next);
    }
    if (previous?.isFree === true) {
      this.#unbin(previous);
      this.#absorb(previous, piece);
      this.#bin(previous);
    } else this.#bin(piece);
  }

  #absorb(piece: Piece, next: Piece): void {
    piece.bytes += next.bytes;
    piece.next = next.next;
    if (next.next !== undefined) next.next.previous = piece;
  }

  #takeFree(bytes: number): Piece | undefined {
    for (let bin = binOf(bytes); bin < BINS; bin++) {
      const found = this.#bins[bin]!.findIndex((piece) => piece.bytes >= bytes);
      if (found >= 0) return this.#bins[bin]!.splice(found, 1)[0]!;
    }
    return undefined;
  }

  #grow(bytes: number): Piece {
    const isEnough = bytes <= this.#nextRegionBytes;
    while (bytes > this.#nextRegionBytes) this.#nextRegionBytes *= 2;
    const region = { order: this.#regions++, touched: [] };
    const piece = pieceOf(region, 0, this.#nextRegionBytes);
    if (isEnough) this.#nextRegionBytes = Math.min(2 * this.#nextRegionBytes, LARGEST_REGION_BYTES);
    return piece;
  }

  #divide(piece: Piece, bytes: number): void {
    const rest = pieceOf(piece.region, piece.start + bytes, piece.bytes - bytes);
    rest.previous = piece;
    rest.next = piece.next;
    if (piece.next !== undefined) piece.next.previous = rest;
    piece.next = rest;
    piece.bytes = bytes;
    this.#bin(rest);
  }

  /** Into its bin, which is ordered by size and, among equals, by age. */
  #bin(piece: Piece): void {
    piece.isFree = true;
    const bin = this.#bins[binOf(piece.bytes)]!;
    const isAfter = (other: Piece) =>
      other.bytes - piece.bytes || other.region.order - piece.region.order || other.start - piece.start;
    const at = bin.findIndex((other) => isAfter(other) > 0);
    bin.splice(at < 0 ? bin.length : at, 0, piece);
  }

  #unbin(piece: Piece): void {
    const bin = this.#bins[binOf(piece.bytes)]!;
    bin.splice(bin.indexOf(piece), 1);
  }

  #touch({ touched }: Region, start: number, end: number): void {
    let merged = { start, end };
    let covered = 0;
    const apart = touched.filter((stretch) => {
      if (stretch.end < start || stretch.start > end) return true;
      merged = { start: Math.min(merged.start, stretch.start), end: Math.max(merged.end, stretch.end) };
      covered += stretch.end - stretch.start;
      return false;
    });
    this.#touchedBytes += merged.end - merged.start - covered;
    touched.splice(0, touched.length, ...apart, merged);
  }
}

function rounded(bytes: number): number {
  return Math.max(UNIT_BYTES, Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES);
}

function pieceOf(region: Region, start: number, bytes: number): Piece {
  return { region, start, bytes, wantedBytes: 0, isFree: true, previous: undefined, next: undefined };
}

function binOf(bytes: number): number {
  return Math.min(BINS - 1, Math.floor(Math.log2(bytes / UNIT_BYTES)));
}
