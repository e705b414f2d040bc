/** Duplicate keys, strict decoding, and errors that name the field. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fields, findDuplicateKey, parseJson, readJsonObject } from '#core/model/json.ts';
import { temporaryFolder } from './tinyModel.ts';

const parse = (text: string) => parseJson(new TextEncoder().encode(text), 'x.json');

describe('findDuplicateKey', () => {
  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"x":{"b":1 , "b" : 2}}', 'b'],
    ['[{"a":1},{"a":1,"c":[{"d":1,"d":1}]}]', 'd'],
    [String.raw`{"\u0061":1,"a":2}`, 'a'],
    [String.raw`{"q\"":1,"q\"":2}`, 'q"'],
    ['{"a":"a","b":["a","a"],"c":{"a":1}}', null],
    ['{"a":"\\"a\\":","b":"}{"}', null],
  ])('%s', (text, expected) => {
    expect(findDuplicateKey(text)).toBe(expected);
  });

  it('finds none in whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const normal = JSON.stringify(JSON.parse(text));
        expect(findDuplicateKey(normal)).toBeNull();
      }),
    );
  });
});

describe('parseJson', () => {
  it('refuses nesting that would overflow the stack of whoever walks over it', () => {
    expect(() => parse('{"a":'.repeat(65) + '1' + '}'.repeat(65))).toThrow(
      expect.objectContaining({ code: 'bad-file' }),
    );
    expect(() => parse('['.repeat(10_000_000))).toThrow(expect.objectContaining({ code: 'bad-file' }));
  });

  it('does not count brackets in strings, nor those closed again', () => {
    const text = JSON.stringify({
      ['[{'.repeat(100)]: `\\"${'['.repeat(100)}`,
      list: Array.from({ length: 100 }, () => [{}]),
    });
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it('refuses bytes that are no UTF-8', () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 'x.json')).toThrow(
      expect.objectContaining({ code: 'bad-file', where: 'x.json' }),
    );
  });
});

describe('readJsonObject', () => {
  it.each(['', '[1]', 'null', '{"a":', '<html>'])('refuses %j', (content) => {
    const path = join(temporaryFolder(), 'config.json');
    writeFileSync(path, content);
    expect(() => readJsonObject(path)).toThrow(expect.objectContaining({ code: 'bad-file', where: path }));
  });
});

describe('Fields', () => {
  const fields = new Fields({ n: 3, half: 0.5, text: 'x', none: null, huge: 2 ** 31 }, 'here');

  it('treats null as absent', () => {
    expect(fields.count('none', 7)).toBe(7);
  });

  it.each(['half', 'text', 'huge', 'none', 'gone'])('does not take %s for a count', (name) => {
    expect(() => fields.count(name)).toThrow(
      expect.objectContaining({ code: 'bad-file', where: 'here', message: expect.stringContaining(`"${name}"`) }),
    );
  });
});
