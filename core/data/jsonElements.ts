/**
 * Where the elements of an array in a JSON document begin and end, in bytes that come in pieces.
 *
 * Owns: the one scan over brackets and quotes. It parses nothing: an element is cut out and parsed by itself, so
 * one that is broken costs no other, and no more than one element is ever held.
 */

/** Thrown for a document whose brackets and quotes make no sense; the message completes "not valid JSON:". */
export class ScanError extends Error {}

export interface ArrayFound {
  key: string;
  holdsObjects: boolean;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

const MAX_DEPTH = 100_000;
const MAX_KEY_BYTES = 4_096;
const MAX_ARRAYS = 1_000;

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

/** What changes the meaning of the bytes after it. */
interface Visitor {
  /** A bracket, a separator or a quote outside of texts; `depth` counts the brackets around it. */
  mark(byte: number, at: number, depth: number): void;
  /** The first byte of any other value, outside of texts. */
  plain(byte: number, at: number, depth: number): void;
}

/** Walks through pieces of a document and keeps only how deep it is and whether it is in a text. */
class BracketWalk {
  depth = 0;
  inText = false;
  #escaped = false;

  walk(bytes: Uint8Array, visitor: Visitor): void {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.inText = false;
          visitor.mark(byte, at, this.depth);
        }
      } else if (byte === QUOTE) {
        this.inText = true;
        visitor.mark(byte, at, this.depth);
      } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        visitor.mark(byte, at, this.depth);
        if (++this.depth > MAX_DEPTH) throw new ScanError('it is nested too deep');
      } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
        if (--this.depth < 0) throw new ScanError('a bracket is closed that was never opened');
        visitor.mark(byte, at, this.depth);
      } else if (byte === COMMA || byte === COLON) visitor.mark(byte, at, this.depth);
      else if (!isSpace(byte)) visitor.plain(byte, at, this.depth);
    }
  }
}

/** The arrays directly inside of a document that is an object; 'array' for one that is itself an array. */
export async function arraysOf(pieces: AsyncIterable<Uint8Array>): Promise<ArrayFound[] | 'array' | 'value'> {
  const walk = new BracketWalk();
  const keys = new KeyReader(walk);
  const found: ArrayFound[] = [];
  let current: ArrayFound | null = null;
  let kind: 'array' | 'value' | 'object' | null = null;
  const visitor: Visitor = {
    mark(byte, at, depth) {
      kind ??= byte === OPEN_ARRAY ? 'array' : byte === OPEN_OBJECT ? 'object' : 'value';
      keys.mark(byte, at, depth);
      if (depth === 1 && byte === OPEN_ARRAY && found.length < MAX_ARRAYS) {
        current = { key: keys.key, holdsObjects: false };
        found.push(current);
      } else if (depth === 2 && byte === OPEN_OBJECT && current !== null) current.holdsObjects = true;
      else if (depth === 1 && byte === CLOSE_ARRAY) current = null;
    },
    plain: () => void (kind ??= 'value'),
  };
  for await (const bytes of pieces) {
    keys.begin(bytes);
    walk.walk(bytes, visitor);
    keys.keep();
    if (kind === 'array' || kind === 'value') return kind;
  }
  if (walk.depth > 0 || walk.inText) throw new ScanError('it ends in the middle');
  return kind === null ? 'value' : found;
}

/** The key of the member that is being read, directly inside of the document. */
class KeyReader {
  key = '';
  readonly #walk: BracketWalk;
  #bytes: Uint8Array = new Uint8Array();
  #start = -1;
  #kept: number[] = [];
  #isKey = true;

  constructor(walk: BracketWalk) {
    this.#walk = walk;
  }

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    if (this.#start >= 0) this.#start = 0;
  }

  /** At the end of a piece: what has come of a key so far. */
  keep(): void {
    if (this.#start >= 0) this.#take(this.#bytes.length);
  }

  mark(byte: number, at: number, depth: number): void {
    if (depth === 1 && byte === COMMA) this.#isKey = true;
    else if (depth === 1 && byte === COLON) this.#isKey = false;
    else if (depth === 1 && byte === QUOTE && this.#isKey) {
      if (this.#walk.inText) {
        this.#kept = [];
        this.#start = at;
      } else {
        this.#take(at + 1);
        this.#start = -1;
        this.key = decodeKey(Uint8Array.from(this.#kept));
      }
    }
  }

  #take(end: number): void {
    const room = MAX_KEY_BYTES - this.#kept.length;
    this.#kept.push(...this.#bytes.subarray(this.#start, Math.min(end, this.#start + room)));
  }
}

/** A key with its quotes as text; one that is broken is named by its bytes. */
function decodeKey(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  try {
    const key: unknown = JSON.parse(text);
    return typeof key === 'string' ? key : text;
  } catch {
    return text;
  }
}

/** Cuts the elements of one array out of a document. */
export class ElementScanner {
  readonly #wanted: string | null | undefined;
  readonly #maxBytes: number;
  readonly #walk = new BracketWalk();
  readonly #keys = new KeyReader(this.#walk);
  /** Depth of the commas between elements: 0 makes the document itself the only element. */
  readonly #level: number;
  #inArray: boolean;
  #hasEnded = false;
  /** Where the element being read begins in this piece; -1 between elements. */
  #start = -1;
  #parts: Uint8Array[] = [];
  #lengthBytes = 0;
  #found: (Uint8Array | null)[] = [];
  #bytes: Uint8Array = new Uint8Array();

  /**
   * @param wanted key of the array; null when the document is it, undefined when the document is the only element
   * @param maxBytes longer elements come as null
   */
  constructor(wanted: string | null | undefined, maxBytes: number) {
    this.#wanted = wanted;
    this.#maxBytes = maxBytes;
    this.#level = wanted === undefined ? 0 : wanted === null ? 1 : 2;
    this.#inArray = wanted === undefined;
  }

  /** Whether an element has begun and not ended. */
  get isInside(): boolean {
    return this.#start >= 0;
  }

  /** The elements that end in a piece. */
  read(bytes: Uint8Array): (Uint8Array | null)[] {
    this.#found = [];
    this.#bytes = bytes;
    if (this.#start >= 0) this.#start = 0;
    this.#keys.begin(bytes);
    this.#walk.walk(bytes, this);
    this.#keys.keep();
    if (this.#start >= 0) this.#keep(bytes.length);
    return this.#found;
  }

  /** @throws ScanError when the document is not complete */
  end(): void {
    if (this.#walk.depth > 0 || this.#walk.inText) throw new ScanError('it ends in the middle');
  }

  mark(byte: number, at: number, depth: number): void {
    if (this.#hasEnded && depth === 0 && byte !== CLOSE_OBJECT && byte !== CLOSE_ARRAY)
      throw new ScanError('something comes after its end');
    if (!this.#inArray) {
      this.#keys.mark(byte, at, depth);
      const isWanted = this.#wanted === null || (depth === 1 && this.#keys.key === this.#wanted);
      if (byte === OPEN_ARRAY && depth === this.#level - 1 && isWanted && !this.#hasEnded) this.#inArray = true;
      return;
    }
    if (depth === this.#level - 1 && byte === CLOSE_ARRAY) {
      this.#finish(at, false);
      this.#inArray = false;
      this.#hasEnded = true;
    } else if (depth === this.#level && byte === COMMA && this.#level > 0) this.#finish(at, true);
    else if (this.#start < 0) this.#start = at;
    if (this.#level === 0 && depth === 0 && byte === CLOSE_OBJECT) {
      this.#finish(at + 1, false);
      this.#inArray = false;
      this.#hasEnded = true;
    }
  }

  plain(_: number, at: number, depth: number): void {
    if (this.#hasEnded && depth === 0) throw new ScanError('something comes after its end');
    if (this.#inArray && this.#start < 0) this.#start = at;
  }

  /** @param isNeeded an element must stand here, because a comma follows it */
  #finish(end: number, isNeeded: boolean): void {
    if (this.#start < 0) {
      if (isNeeded) throw new ScanError('an element is missing before a comma');
      return;
    }
    this.#keep(end);
    this.#found.push(this.#lengthBytes > this.#maxBytes ? null : Buffer.concat(this.#parts));
    this.#start = -1;
    this.#parts = [];
    this.#lengthBytes = 0;
  }

  /** Keeps what this piece has of the element; what is beyond the cap is counted only. */
  #keep(end: number): void {
    this.#lengthBytes += end - this.#start;
    if (this.#lengthBytes <= this.#maxBytes) this.#parts.push(this.#bytes.subarray(this.#start, end));
  }
}
