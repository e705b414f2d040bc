/** The committed sample data are exactly what the generator makes, balanced, and the splits share no chain. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chainKey, parseQuestion } from '#core/sample/problems.ts';
import {
  heldoutChains,
  heldoutProblems,
  sampleDatasetFiles,
  sampleProject,
  trainProblems,
} from '#core/sample/project.ts';
import { promptIds, responseIds, sampleModelConfig } from '#core/sample/tokenizer.ts';
import { renderTrace } from '#core/sample/traces.ts';
import { splitPieces } from '#core/sample/vocabulary.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'resources', 'sample');

describe('sample project', () => {
  it('commits exactly the files the generator makes', () => {
    const files = sampleDatasetFiles();
    expect(Object.keys(files).toSorted()).toEqual(
      sampleProject()
        .datasets.map(({ file }) => file)
        .toSorted(),
    );
    for (const [name, content] of Object.entries(files)) expect(readFileSync(join(folder, name), 'utf8')).toBe(content);
  });

  it('says how many problems each file has', () => {
    const files = sampleDatasetFiles();
    for (const { file, problems } of sampleProject().datasets) {
      expect(files[file]!.trimEnd().split('\n')).toHaveLength(problems);
    }
  });

  it('holds out 80 problems per grade and shares no chain with training', () => {
    const grades = heldoutProblems().map(({ grade }) => grade);
    expect(['easy', 'medium', 'hard'].map((grade) => grades.filter((g) => g === grade).length)).toEqual([80, 80, 80]);
    const heldout = heldoutChains();
    expect(heldout.size).toBe(240);
    const shared = trainProblems().filter(({ question }) => heldout.has(chainKey(parseQuestion(question)!)));
    expect(shared).toEqual([]);
  });

  it('leaves room for the longest response of its problems, and for longer ones', () => {
    const random = new RandomSequence(1, Stream.problems);
    const lengths = [...trainProblems(), ...heldoutProblems()].map(({ question }) => {
      const chain = parseQuestion(question)!;
      const slow = chain.operations.map(() => 'slow' as const);
      return {
        prompt: promptIds(splitPieces(`\n${question}`)).length,
        response: responseIds(renderTrace(chain, slow, random)).length,
      };
    });
    const longest = Math.max(...lengths.map(({ response }) => response));
    expect(longest).toBe(114);
    expect(sampleProject().maxNewTokens).toBeGreaterThan(longest);
    const longestPrompt = Math.max(...lengths.map(({ prompt }) => prompt));
    expect(longestPrompt + sampleProject().maxNewTokens).toBeLessThanOrEqual(sampleModelConfig.max_position_embeddings);
  });
});
