/** The frozen table of cases: one gold, one response and the verdict a person would give, by topic. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grade } from '#core/grading/grade.ts';
import type { Verdict } from '#core/grading/verdict.ts';

interface Case {
  topic: string;
  gold: string;
  response: string;
  verdict: Verdict;
}

const cases = readFileSync(new URL('./cases.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

describe('the table of cases', () => {
  for (const [topic, rows] of Map.groupBy(cases, (row) => row.topic)) {
    it(`${topic}: ${rows.length} cases`, () => {
      const missed = rows
        .map((row) => ({ ...row, got: grade(row).verdict }))
        .filter((row) => row.got !== row.verdict)
        .map((row) => `${row.gold} | ${row.response} | ${row.got}`);
      expect(missed).toEqual([]);
    });
  }

  it('never calls a wrong response correct when gold and answer change places', () => {
    // Boxed answers are symmetric: what is wrong one way must not be right the other way.
    const swapped = cases.flatMap(({ gold, response, verdict }) => {
      const answer = /^\\boxed\{(.*)\}$/s.exec(response)?.[1];
      if (answer === undefined || verdict !== 'wrong') return [];
      const got = grade({ gold: answer, response: `\\boxed{${gold}}` }).verdict;
      return got === 'correct' ? [`${gold} | ${answer}`] : [];
    });
    expect(swapped).toEqual([]);
  });
});
