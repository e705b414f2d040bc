// Trigger vocabularies: normal form, the files they come from, and the released list (METHOD §1.3).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadVocabulary, ownVocabularyFile } from '#core/ares/triggerFiles.ts';
import { normaliseToken, parseVocabulary, triggerFlags, triggerTable, vocabularyOf } from '#core/ares/triggers.ts';
import { AresError } from '#core/util/errors.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';

describe('normaliseToken', () => {
  it.each([
    ['Ġ Wait', 'wait'],
    ['▁But', 'but'],
    [' But,', 'but,'],
    ['\nHmm ', 'hmm'],
    ['ĠĠ', ''],
  ])('%j is %j', (text, expected) => expect(normaliseToken(text)).toBe(expected));
});

describe('parseVocabulary', () => {
  it('reads a list, or lists by family', () => {
    expect([...parseVocabulary('["Wait", "but", "wait"]', 'x').words]).toEqual(['wait', 'but']);
    const grouped = parseVocabulary('{"a": ["wait"], "b": ["thus", "hence"]}', 'x');
    expect(grouped.families).toEqual({ a: ['wait'], b: ['thus', 'hence'] });
    expect(grouped.words.size).toBe(3);
  });

  it.each(['', '[]', '{}', '[1]', '["  "]', '{"a": "wait"}', '{"a": []}', 'null', '"wait"'])('refuses %j', (json) => {
    expect(() => parseVocabulary(json, 'words.json')).toThrow(
      expect.objectContaining({ code: 'bad-file', where: 'words.json' }),
    );
  });

  it('takes a family called __proto__ as any other', () => {
    expect(parseVocabulary('{"__proto__": ["wait"]}', 'x').words.has('wait')).toBe(true);
  });
});

describe('loadVocabulary', () => {
  it('has its own list, normalised and without repetitions', () => {
    const { words, families } = loadVocabulary('own');
    const listed = Object.values(JSON.parse(readFileSync(ownVocabularyFile, 'utf8'))).flat();
    expect(Object.keys(families)).toEqual(['contrast', 'reflection', 'inference', 'hypothesis', 'planning']);
    expect(listed).toHaveLength(words.size);
    expect(listed.every((word) => typeof word === 'string' && words.has(word))).toBe(true);
    for (const word of ['wait', 'hmm', 'but', 'maybe', 'actually', 'alternatively']) expect(words).toContain(word);
  });

  it('takes words as they are, and says which file is missing', () => {
    expect(loadVocabulary(['Wait']).words).toEqual(new Set(['wait']));
    expect(() => loadVocabulary('/nowhere/words.json')).toThrow(AresError);
    expect(() => loadVocabulary('/nowhere/words.json')).toThrow(
      expect.objectContaining({ code: 'not-found', where: '/nowhere/words.json' }),
    );
  });
});

describe('triggerTable', () => {
  it('flags ids by the text they decode to', () => {
    const texts = ['the', ' Wait', 'Ġbut', 'but,'];
    const table = triggerTable(vocabularyOf(['wait', 'but']), texts.length, (id) => texts[id]!);
    expect([...table]).toEqual([0, 1, 1, 0]);
    expect([...triggerFlags(Int32Array.of(3, 2, 1, 0, 99), table)]).toEqual([0, 1, 1, 0, 0]);
  });
});

describeWithShared('the released list', () => {
  it('has 174 distinct lower-case single words and lacks what METHOD says it lacks', () => {
    const path = sharedPath('data', 'ares_trigger_words.json');
    const { words } = loadVocabulary(path);
    expect(words.size).toBe(174);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveLength(174);
    expect([...words].every((word) => /^[a-z]+$/.test(word))).toBe(true);
    for (const word of ['wait', 'conject', 'backtrack', 'denote', 'yet']) expect(words).toContain(word);
    for (const word of ['so', 'then', 'verify', 'check', 'constraint']) expect(words).not.toContain(word);
    const digest = createHash('sha256').update(readFileSync(path)).digest('hex');
    expect([digest.slice(0, 8), digest.slice(-4)]).toEqual(['f52880d3', '46c3']);
  });
});
