/**
 * One spelling of a JSON value, so that equal values have equal hashes.
 *
 * Owns: the canonical text (keys sorted by code unit, no white space, numbers as JavaScript prints
 * them) and its SHA-256. Values that JSON cannot hold are refused instead of quietly becoming null.
 */
import { createHash } from 'node:crypto';
import { AresError } from '#core/util/errors.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** @throws AresError 'internal' naming the first value that JSON cannot hold (NaN, undefined, a class) */
export function canonicalJson(value: unknown): string {
  return print(value, '$');
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function print(value: unknown, path: string): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, i) => print(item, `${path}[${i}]`)).join(',')}]`;
  if (typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)) {
    const record = value as Record<string, unknown>;
    const fields = Object.keys(record)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${print(record[key], `${path}.${key}`)}`);
    return `{${fields.join(',')}}`;
  }
  throw new AresError('internal', `A value cannot be stored as JSON: ${path} is ${String(value)}.`);
}
