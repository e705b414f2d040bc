/**
 * Reading JSON documents that somebody else wrote.
 *
 * Owns: size caps, strict UTF-8, detection of duplicate keys, and typed access to fields with errors
 * that name file and field. It knows no particular document; config.ts, tokenizer.ts and
 * safetensorsHeader.ts do.
 */
import { readFileSync, statSync } from 'node:fs';
import { AresError } from '#core/util/errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The largest tokenizer.json in the wild is about 40 MB; anything far above is not one. */
const MAX_JSON_BYTES = 256 * 1024 * 1024;

/** No document read here nests deeper than ten; walking over a deep one would overflow the stack. */
const MAX_DEPTH = 64;

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = new TextEncoder().encode('"\\{}[]');

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Decodes and parses JSON bytes.
 * @param where the file, for errors
 * @throws AresError 'bad-file' for invalid UTF-8 or JSON, and for nesting deeper than MAX_DEPTH
 */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  if (exceedsDepth(bytes)) {
    throw new AresError('bad-file', `This JSON file is nested deeper than ${MAX_DEPTH} levels.`, {
      where,
      hint: 'Check that this is the right file.',
    });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AresError('bad-file', `This file is not valid JSON: ${reason}.`, {
      where,
      hint: 'Download or copy the file again; it may have been cut off or replaced by an error page.',
      cause: error,
    });
  }
}

/** Whether brackets outside of strings nest too deep. Works on bytes: a tokenizer.json has millions. */
function exceedsDepth(bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}

/** Reads a JSON file whose top level must be an object. */
export function readJsonObject(path: string): JsonObject {
  const { size } = statSync(path);
  if (size > MAX_JSON_BYTES) {
    throw new AresError('bad-file', `This JSON file has ${size} bytes; at most ${MAX_JSON_BYTES} are read.`, {
      where: path,
      hint: 'Check that this is the right file.',
    });
  }
  const value = parseJson(readFileSync(path), path);
  if (!isObject(value)) {
    throw new AresError('bad-file', 'This file must contain a JSON object.', {
      where: path,
      hint: 'Download or copy the file again.',
    });
  }
  return value;
}

/** The first key that an object of a valid JSON text repeats, or null. JSON.parse silently keeps the last. */
export function findDuplicateKey(text: string): string | null {
  const openObjects: (Set<string> | null)[] = []; // null stands for an array
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '{':
        openObjects.push(new Set());
        break;
      case '[':
        openObjects.push(null);
        break;
      case '}':
      case ']':
        openObjects.pop();
        break;
      case '"': {
        const start = i;
        for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
        const keys = openObjects.at(-1);
        if (keys && isKey(text, i + 1)) {
          const key = String(JSON.parse(text.slice(start, i + 1)));
          if (keys.has(key)) return key;
          keys.add(key);
        }
        break;
      }
      default:
    }
  }
  return null;
}

/** Whether a string that ended just before `index` is followed by a colon. */
function isKey(text: string, index: number): boolean {
  let next = index;
  while (next < text.length && ' \t\r\n'.includes(text[next]!)) next++;
  return text[next] === ':';
}

/** Typed access to the fields of an object; null counts as absent, as in transformers' configurations. */
export class Fields {
  readonly object: JsonObject;
  readonly where: string;

  constructor(object: JsonObject, where: string) {
    this.object = object;
    this.where = where;
  }

  has(name: string): boolean {
    return this.object[name] !== undefined && this.object[name] !== null;
  }

  /** A positive integer below 2^31. Required unless a fallback is given. */
  count(name: string, fallback?: number): number {
    const value = this.#value(name, fallback);
    if (Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31) return value as number;
    throw this.bad(name, 'a positive integer below 2^31');
  }

  /** A finite number above 0. Required unless a fallback is given. */
  positive(name: string, fallback?: number): number {
    const value = this.#value(name, fallback);
    if (Number.isFinite(value) && (value as number) > 0) return value as number;
    throw this.bad(name, 'a positive number');
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#value(name, fallback);
    if (typeof value === 'boolean') return value;
    throw this.bad(name, 'true or false');
  }

  text(name: string, fallback?: string): string {
    const value = this.#value(name, fallback);
    if (typeof value === 'string') return value;
    throw this.bad(name, 'a string');
  }

  bad(name: string, expected: string): AresError {
    const found = this.object[name];
    const sentence =
      found === undefined || found === null
        ? `The field "${name}" is missing; it must be ${expected}.`
        : `The field "${name}" must be ${expected}, but is ${shorten(found)}.`;
    return new AresError('bad-file', sentence, {
      where: this.where,
      hint: 'Correct the file, or download the model again.',
    });
  }

  #value(name: string, fallback: unknown): unknown {
    return this.has(name) ? this.object[name] : fallback;
  }
}

/** A value as it stands in the document, short enough for a sentence. */
export function shorten(value: unknown, maxLength = 80): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}
