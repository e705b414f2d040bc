/**
 * Forking rollouts where the policy hesitates (METHOD §3.3), and the tree this makes of a group.
 *
 * Owns: the plan (which trajectories fork where, and how many fresh ones fill the group), tree nodes
 * as plain data, and the advantage of tokens that several trajectories share. Sampling is the
 * engine's; a window needs look-ahead, so forks are planned after the first trajectories are complete
 * and resumed from their prefixes.
 *
 * The rule is METHOD's inference (the released code has no branching): consecutive qualifying
 * positions are one window, one fork per window at its first position, largest excess first, a
 * bounded number per trajectory, until the group is full.
 */
import type { BranchingOptions, WindowOptions } from './options.ts';
import { highEntropyRuns, windowOffset } from './windows.ts';

/** A trajectory of a group; `id` is its index there. */
export interface TrajectoryNode {
  id: number;
  /** The trajectory whose first `forkPosition` tokens it shares; null when sampled from the start. */
  parent: number | null;
  forkPosition: number;
}

export interface Fork {
  parent: number;
  /** Number of the parent's tokens that are kept; ≥ 1, below the parent's length. */
  forkPosition: number;
  /** Window mean minus threshold at the window's peak, nats. */
  excessNats: number;
}

export interface ForkPlan {
  forks: Fork[];
  /** Trajectories to sample from the start, so that the group is full. */
  fresh: number;
}

/** How many trajectories are sampled before any fork: all of them when branching is off. */
export function initialTrajectories(groupSize: number, options: BranchingOptions): number {
  if (!options.enabled) return groupSize;
  return Math.min(groupSize, Math.max(1, Math.round(groupSize * options.initialFraction)));
}

/**
 * Plans the rest of a group.
 * @param windowMeansNats per trajectory sampled so far, [tokens] each
 * @param thresholdNats from earlier batches; null (before the first) forks nothing
 */
export function planForks(
  windowMeansNats: readonly Float64Array[],
  groupSize: number,
  thresholdNats: number | null,
  window: WindowOptions,
  options: BranchingOptions,
): ForkPlan {
  const places = Math.max(0, groupSize - windowMeansNats.length);
  if (!options.enabled || thresholdNats === null) return { forks: [], fresh: places };

  const candidates: Fork[] = windowMeansNats.flatMap((means, parent) =>
    highEntropyRuns(means, thresholdNats)
      .map(({ start, excessNats }) => ({ parent, forkPosition: start + windowOffset(window), excessNats }))
      // A fork before the first token is just a fresh trajectory.
      .filter(({ forkPosition }) => forkPosition >= 1),
  );
  candidates.sort((a, b) => b.excessNats - a.excessNats || a.parent - b.parent || a.forkPosition - b.forkPosition);

  const forksOf = new Map<number, number>();
  const forks: Fork[] = [];
  for (const candidate of candidates) {
    if (forks.length === places) break;
    const used = forksOf.get(candidate.parent) ?? 0;
    if (used === options.maxForksPerTrajectory) continue;
    forksOf.set(candidate.parent, used + 1);
    forks.push(candidate);
  }
  return { forks, fresh: places - forks.length };
}

/** Nodes of a full group: first the initial trajectories, then the forks in plan order, then the fresh ones. */
export function treeOf(initial: number, plan: ForkPlan): TrajectoryNode[] {
  const root = { parent: null, forkPosition: 0 };
  return [
    ...Array.from({ length: initial }, () => root),
    ...plan.forks.map(({ parent, forkPosition }) => ({ parent, forkPosition })),
    ...Array.from({ length: plan.fresh }, () => root),
  ].map((node, id) => ({ id, ...node }));
}

/**
 * Replaces the advantage of every shared token by its mean over the trajectories that contain it
 * (`prefixAdvantage: 'mean'`, as in ARPO). Tokens of a single trajectory keep theirs.
 * @param advantages per trajectory, [tokens] each; not changed
 */
export function sharePrefixAdvantages(
  tree: readonly TrajectoryNode[],
  advantages: readonly Float32Array[],
): Float32Array[] {
  // A token is identified by the trajectory that sampled it and its position there.
  const sums = advantages.map((column) => new Float64Array(column.length));
  const sharers = advantages.map((column) => new Int32Array(column.length));
  const visit = (action: (origin: number, position: number, trajectory: number) => void): void => {
    for (const [trajectory, column] of advantages.entries()) {
      let origin = tree[trajectory]!;
      for (let t = column.length - 1; t >= 0; t--) {
        while (origin.parent !== null && t < origin.forkPosition) origin = tree[origin.parent]!;
        action(origin.id, t, trajectory);
      }
    }
  };
  visit((origin, t, trajectory) => {
    sums[origin]![t]! += advantages[trajectory]![t]!;
    sharers[origin]![t]!++;
  });
  const shared = advantages.map((column) => new Float32Array(column.length));
  visit((origin, t, trajectory) => {
    shared[trajectory]![t] = sums[origin]![t]! / sharers[origin]![t]!;
  });
  return shared;
}
