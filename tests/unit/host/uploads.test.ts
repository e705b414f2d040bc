/** Uploads: pieces in order, nothing beyond what was announced, names that cannot leave their folder. */
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUploads } from '#core/host/uploads.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-uploads-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('an upload', () => {
  it('is the file that was sent, under its own name', () => {
    const uploads = createUploads(folder);
    const id = uploads.begin('problems.jsonl', 5);
    expect(uploads.chunk(id, 0, Uint8Array.of(1, 2, 3))).toBe(3);
    expect(uploads.chunk(id, 3, Uint8Array.of(4, 5))).toBe(5);
    const path = uploads.finish(id);
    expect(path.endsWith('problems.jsonl')).toBe(true);
    expect([...readFileSync(path)]).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['...', 'file'],
    ['a\u0000b\n.csv', 'a_b_.csv'],
    ['C:evil?.csv', 'C_evil_.csv'],
    ['.hidden', 'hidden'],
  ])('named %j stays in its folder as %j', (name, expected) => {
    const uploads = createUploads(folder);
    const id = uploads.begin(name, 0);
    const path = uploads.finish(id);
    expect(path.slice(dirname(path).length + 1)).toBe(expected);
    expect(dirname(dirname(path))).toBe(folder);
  });

  it.each([
    ['a gap', 1, 1],
    ['more than was announced', 0, 9],
    ['a piece twice', -1, 1],
  ])('with %s is refused and removed', (_, offset, length) => {
    const uploads = createUploads(folder);
    const id = uploads.begin('a', 4);
    expect(() => uploads.chunk(id, offset, new Uint8Array(length))).toThrow('do not fit together');
    expect(readdirSync(folder)).toEqual([]);
    expect(() => uploads.chunk(id, 0, new Uint8Array(1))).toThrow('There is no upload');
  });

  it('that is incomplete cannot be finished', () => {
    const uploads = createUploads(folder);
    const id = uploads.begin('a', 4);
    uploads.chunk(id, 0, new Uint8Array(3));
    expect(() => uploads.finish(id)).toThrow('not arrived completely');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a size that is none is refused', () => {
    const uploads = createUploads(folder);
    for (const size of [-1, 0.5, NaN, Infinity, 2 ** 60])
      expect(() => uploads.begin('a', size)).toThrow('number of bytes');
  });
});

describe('uploads', () => {
  it('are refused beyond a number at once, and dropped when the program ends', () => {
    const uploads = createUploads(folder);
    for (let i = 0; i < 16; i++) uploads.begin('a', 1);
    expect(() => uploads.begin('a', 1)).toThrow('Too many');
    uploads.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of earlier weeks are cleared away', () => {
    const old = join(folder, 'old');
    const recent = join(folder, 'recent');
    for (const path of [old, recent]) {
      mkdirSync(path);
      writeFileSync(join(path, 'a'), '');
    }
    const now = statSync(recent).mtimeMs;
    utimesSync(old, new Date(now - 8 * 24 * 3600 * 1000), new Date(now - 8 * 24 * 3600 * 1000));
    createUploads(folder, () => now);
    expect([existsSync(old), existsSync(recent)]).toEqual([false, true]);
  });
});
