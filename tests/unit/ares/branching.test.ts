// Branching: what a plan may and may not do, and the advantage of shared tokens.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type TrajectoryNode,
  initialTrajectories,
  planForks,
  sharePrefixAdvantages,
  treeOf,
} from '#core/ares/branching.ts';
import { type BranchingOptions, type WindowOptions, defaultOptions } from '#core/ares/options.ts';
import { highEntropyRuns, windowMeans } from '#core/ares/windows.ts';

const window: WindowOptions = { size: 2, alignment: 'inclusive' };

function options(patch: Partial<BranchingOptions> = {}): BranchingOptions {
  return { ...defaultOptions.branching, enabled: true, ...patch };
}

function filled(length: number, value: number): Float32Array {
  return new Float32Array(length).fill(value);
}

function total(columns: readonly Float32Array[]): number {
  return columns.flatMap((column) => [...column]).reduce((a, b) => a + b);
}

const trajectory = fc.array(fc.float({ min: 0, max: 4, noNaN: true }), { maxLength: 24 });

describe('planForks', () => {
  it('forks at the first position of the windows with the largest excess', () => {
    const first = Float64Array.of(0, 2, 3, 0, 1.5, 0);
    const second = Float64Array.of(0, 0, 2.5, 0, 0, 0);
    const plan = planForks([first, second], 5, 1, window, options({ maxForksPerTrajectory: 1 }));
    expect(plan).toEqual({
      forks: [
        { parent: 0, forkPosition: 1, excessNats: 2 },
        { parent: 1, forkPosition: 2, excessNats: 1.5 },
      ],
      fresh: 1,
    });
    expect(planForks([first, second], 5, 1, window, options()).forks.map(({ forkPosition }) => forkPosition)).toEqual([
      1, 2, 4,
    ]);
    expect(planForks([first, second], 3, 1, window, options()).forks).toHaveLength(1);
  });

  it('fills the group, with bounded forks at valid positions, one per window', () => {
    fc.assert(
      fc.property(
        fc.array(trajectory, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 12 }),
        fc.float({ min: 0, max: 4, noNaN: true }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom('inclusive' as const, 'exclusive' as const),
        (entropies, groupSize, threshold, perTrajectory, alignment) => {
          const chosen = { size: 2, alignment };
          const means = entropies.map((values) => windowMeans(values, chosen));
          const { forks, fresh } = planForks(
            means,
            groupSize,
            threshold,
            chosen,
            options({ maxForksPerTrajectory: perTrajectory }),
          );
          expect(means.length + forks.length + fresh).toBe(Math.max(groupSize, means.length));
          expect(fresh).toBeGreaterThanOrEqual(0);
          for (const parent of means.keys()) {
            const own = forks.filter((fork) => fork.parent === parent);
            expect(own.length).toBeLessThanOrEqual(perTrajectory);
            const runs = highEntropyRuns(means[parent]!, threshold);
            const offset = alignment === 'inclusive' ? 0 : 1;
            const starts = own.map(({ forkPosition }) => forkPosition - offset);
            expect(new Set(starts).size).toBe(starts.length);
            expect(starts.every((start) => runs.some((run) => run.start === start))).toBe(true);
          }
          for (const { parent, forkPosition, excessNats } of forks) {
            expect(forkPosition).toBeGreaterThanOrEqual(1);
            expect(forkPosition).toBeLessThan(entropies[parent]!.length);
            expect(excessNats).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });

  it('does not fork when switched off or before there is a threshold', () => {
    const means = [Float64Array.of(9, 9, 9)];
    expect(planForks(means, 4, null, window, options())).toEqual({ forks: [], fresh: 3 });
    expect(planForks(means, 4, 0, window, options({ enabled: false }))).toEqual({ forks: [], fresh: 3 });
  });

  it('starts from a part of the group, at least one', () => {
    expect(initialTrajectories(8, options())).toBe(4);
    expect(initialTrajectories(8, options({ enabled: false }))).toBe(8);
    expect(initialTrajectories(8, options({ initialFraction: 0 }))).toBe(1);
    expect(initialTrajectories(1, options())).toBe(1);
  });
});

describe('treeOf', () => {
  it('lists roots, forks, and fresh roots with consecutive ids', () => {
    const plan = { forks: [{ parent: 1, forkPosition: 3, excessNats: 1 }], fresh: 1 };
    expect(treeOf(2, plan)).toEqual([
      { id: 0, parent: null, forkPosition: 0 },
      { id: 1, parent: null, forkPosition: 0 },
      { id: 2, parent: 1, forkPosition: 3 },
      { id: 3, parent: null, forkPosition: 0 },
    ]);
  });
});

describe('sharePrefixAdvantages', () => {
  it('averages shared tokens over everyone who has them, also through several forks', () => {
    const tree: TrajectoryNode[] = [
      { id: 0, parent: null, forkPosition: 0 },
      { id: 1, parent: 0, forkPosition: 2 },
      { id: 2, parent: 1, forkPosition: 3 },
    ];
    const shared = sharePrefixAdvantages(tree, [filled(4, 3), filled(4, 0), filled(5, -3)]);
    expect(shared.map((column) => [...column])).toEqual([
      [0, 0, 3, 3],
      [0, 0, -1.5, 0],
      [0, 0, -1.5, -3, -3],
    ]);
  });

  it('leaves independent trajectories alone', () => {
    const tree = treeOf(2, { forks: [], fresh: 0 });
    expect(sharePrefixAdvantages(tree, [filled(2, 1), filled(3, -1)])).toEqual([filled(2, 1), filled(3, -1)]);
  });

  it('makes shared tokens equal and keeps the total', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: -8, max: 8 }), (fork, value) => {
        const tree = treeOf(1, { forks: [{ parent: 0, forkPosition: fork, excessNats: 0 }], fresh: 0 });
        const columns = [filled(6, value), filled(7, 2)];
        const [parent, child] = sharePrefixAdvantages(tree, columns);
        for (let t = 0; t < fork; t++) expect(parent![t]).toBe(child![t]);
        expect(total([parent!, child!])).toBeCloseTo(total(columns), 4);
      }),
    );
  });
});
