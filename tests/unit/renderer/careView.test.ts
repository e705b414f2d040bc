// What the Check view lists: clusters in the order in which they need a person, and what stays of each.
import { expect, it } from 'vitest';
import { clustersOf, isKept, marked } from '#renderer/rooms/data/careView.ts';
import { applyCare } from '#core/data/care/check.ts';

const columns = {
  problemId: Int32Array.of(1, 5, 2, 7, 8, 3, 9),
  cluster: Int32Array.of(1, 1, 2, 2, 2, 3, 3),
  similarity: Float32Array.of(1, 0.75, 1, 1, 0.5, 1, 1),
  sameAnswer: Uint8Array.of(1, 1, 1, 1, 1, 1, 0),
};

it('lists contradictory clusters first, then large ones', () => {
  const clusters = clustersOf(columns);
  expect(clusters.map(({ cluster, isContradictory }) => [cluster, isContradictory])).toEqual([
    [3, true],
    [2, false],
    [1, false],
  ]);
  expect(clusters[2]!.members).toEqual([
    { problemId: 1, similarity: 1, sameAnswer: true },
    { problemId: 5, similarity: 0.75, sameAnswer: true },
  ]);
});

it('says of every member what care will do with it', () => {
  const findings = {
    members: Array.from(columns.problemId, (problem, i) => ({
      problem,
      first: columns.cluster[i]!,
      similarity: columns.similarity[i]!,
      hasSameAnswer: columns.sameAnswer[i] === 1,
    })),
    contaminated: [],
  };
  for (const choices of [
    new Map<number, number>(),
    new Map([
      [3, 9],
      [2, 8],
    ]),
  ]) {
    const { kept } = applyCare(10, findings, { dropDuplicates: true, dropContaminated: true }, choices);
    for (const cluster of clustersOf(columns))
      for (const member of cluster.members)
        expect(isKept(cluster, member, choices.get(cluster.cluster))).toBe(kept[member.problemId] === 1);
  }
});

it('cuts a text around what is marked, losing nothing', () => {
  expect(marked({ text: 'abcdef', start: 2, end: 4 })).toEqual(['ab', 'cd', 'ef']);
});
