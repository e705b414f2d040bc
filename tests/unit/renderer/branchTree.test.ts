// The tree of a group: shared prefixes once, lanes that do not cross, windows nobody forked at.
import { describe, expect, it } from 'vitest';
import { branchTree, forkPoints, moveInTree } from '#renderer/rooms/entropy/branchTree.ts';

function member(
  sample: number,
  lengthTokens: number,
  parentSample: number | null = null,
  forkPosition: number | null = null,
) {
  return { sample, lengthTokens, parentSample, forkPosition };
}

describe('branchTree', () => {
  it('cuts a response where others fork from it', () => {
    const tree = branchTree([member(0, 50), member(1, 40, 0, 10), member(2, 45, 0, 30), member(3, 20)]);
    const shown = tree.segments.map(({ sample, from, to, parent, isEnd }) => [sample, from, to, parent, isEnd]);
    expect(shown).toEqual([
      [0, 0, 10, null, false],
      [0, 10, 30, 0, false],
      [0, 30, 50, 1, true],
      [2, 30, 45, 1, true],
      [1, 10, 40, 0, true],
      [3, 0, 20, null, true],
    ]);
    // The later fork lies nearer, so that the line down to the other one crosses nothing.
    expect(tree.laneSamples).toEqual([0, 2, 1, 3]);
    expect(tree.tokens).toBe(50);
  });

  it('hangs a fork within a shared prefix on the response that wrote it', () => {
    const tree = branchTree([member(0, 50), member(1, 40, 0, 20), member(2, 45, 1, 8), member(3, 44, 1, 30)]);
    const parentOf = (sample: number) => {
      const first = tree.segments.find((segment) => segment.sample === sample)!;
      return tree.segments[first.parent!]!;
    };
    expect(parentOf(2)).toMatchObject({ sample: 0, to: 8 });
    expect(parentOf(3)).toMatchObject({ sample: 1, from: 20, to: 30 });
  });

  it('shares a node between forks at the same place', () => {
    const tree = branchTree([member(0, 50), member(1, 40, 0, 10), member(2, 30, 0, 10)]);
    expect(tree.segments[0]!.children).toHaveLength(3);
  });

  it('covers every response from its first token to its last', () => {
    const members = [member(0, 50), member(1, 40, 0, 20), member(2, 45, 1, 30), member(3, 44, 0, 20), member(4, 9)];
    const tree = branchTree(members);
    for (const { sample, lengthTokens } of members) {
      let segment = tree.segments.find((each) => each.sample === sample && each.isEnd)!;
      expect(segment.to).toBe(lengthTokens);
      while (segment.parent !== null) {
        const parent = tree.segments[segment.parent]!;
        expect(parent.to).toBe(segment.from);
        segment = parent;
      }
      expect(segment.from).toBe(0);
    }
  });

  it('is walked by keys', () => {
    const tree = branchTree([member(0, 50), member(1, 40, 0, 10), member(3, 20)]);
    const go = (from: number, ...moves: Parameters<typeof moveInTree>[2][]) =>
      moves.reduce((at, move) => moveInTree(tree, at, move), from);
    expect(tree.segments[go(0, 'child')]).toMatchObject({ sample: 0, from: 10 });
    expect(tree.segments[go(0, 'child', 'next')]).toMatchObject({ sample: 1 });
    expect(tree.segments[go(0, 'next')]).toMatchObject({ sample: 3 });
    expect(go(0, 'child', 'next', 'parent')).toBe(0);
    expect(go(0, 'parent', 'previous')).toBe(0);
  });
});

describe('forkPoints', () => {
  it('names the windows that were forked and those that were not', () => {
    const members = [member(0, 8), member(1, 9, 0, 4)];
    const means = new Map([
      [0, Float64Array.of(0, 2, 0, 0, 1.5, 0, 0, NaN)],
      [1, Float64Array.of(0, 2, 0, 0, 0, 0, 3, 0, NaN)],
    ]);
    const window = { size: 1, alignment: 'inclusive' } as const;
    expect(forkPoints(members, means, 1, window)).toEqual([
      { sample: 0, position: 4, windowNats: 1.5, chosen: true },
      { sample: 0, position: 1, windowNats: 2, chosen: false },
      { sample: 1, position: 6, windowNats: 3, chosen: false },
    ]);
    expect(forkPoints(members, means, null, window)).toHaveLength(1);
  });
});
