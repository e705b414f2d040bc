/** Files are the old version or the new one; nothing temporary is left behind. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic, writeFlushed, writeFolderAtomic } from '#core/util/atomicFiles.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('writeFileAtomic', () => {
  it('replaces the content and leaves nothing beside it', () => {
    const file = join(folder, 'a.txt');
    writeFileAtomic(file, 'old');
    writeFileAtomic(file, 'new ', new TextEncoder().encode('parts'));
    expect(readFileSync(file, 'utf8')).toBe('new parts');
    expect(readdirSync(folder)).toEqual(['a.txt']);
  });
  it('leaves nothing behind when the target cannot be replaced', () => {
    const target = join(folder, 'target');
    mkdirSync(target);
    expect(() => writeFileAtomic(target, 'text')).toThrow();
    expect(readdirSync(folder)).toEqual(['target']);
  });
});

it('writeFlushed writes parts in order', () => {
  const file = join(folder, 'b.bin');
  writeFlushed(file, [Uint8Array.of(1, 2), '', Uint8Array.of(3)]);
  expect([...readFileSync(file)]).toEqual([1, 2, 3]);
});

describe('writeFolderAtomic', () => {
  const target = () => join(folder, 'model');
  it('shows the folder only when it is full', () => {
    writeFolderAtomic(target(), (temporary) => {
      writeFileSync(join(temporary, 'x'), '1');
      expect(readdirSync(folder)).toEqual(['model.tmp']);
    });
    expect(readdirSync(folder)).toEqual(['model']);
    expect(readdirSync(target())).toEqual(['x']);
  });
  it('leaves nothing when filling fails', () => {
    const fail = () =>
      writeFolderAtomic(target(), (temporary) => {
        writeFileSync(join(temporary, 'x'), '1');
        throw new Error('in the middle');
      });
    expect(fail).toThrow('in the middle');
    expect(readdirSync(folder)).toEqual([]);
  });
  it('replaces what an interrupted attempt left', () => {
    mkdirSync(`${target()}.tmp`);
    writeFileSync(join(`${target()}.tmp`, 'stale'), '');
    writeFolderAtomic(target(), (temporary) => writeFileSync(join(temporary, 'x'), '1'));
    expect(readdirSync(target())).toEqual(['x']);
  });
});
