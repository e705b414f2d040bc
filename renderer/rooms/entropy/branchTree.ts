/**
 * The responses of a group as a tree: segments between forks, laid out in lanes.
 *
 * Owns: which tokens are shared by which responses, the order of lanes (a later fork lies nearer to its
 * parent, so that no line crosses another), and the windows at which nothing was forked. Drawing is
 * BranchTree.svelte; the plan itself was the run's (core/ares/branching.ts).
 */
import { highEntropyRuns, windowOffset } from '#core/ares/windows.ts';
import type { RolloutInfo, Trace } from '#core/contract/contract.ts';

export interface Segment {
  /** Index in the list of segments. */
  id: number;
  /** The response that wrote it. */
  sample: number;
  /** Tokens from … to − 1 of that response. */
  from: number;
  to: number;
  parent: number | null;
  children: number[];
  lane: number;
  /** Whether the response ends with it. */
  isEnd: boolean;
}

export interface BranchTree {
  /** Parents before their children. */
  segments: Segment[];
  /** Response of each lane. */
  laneSamples: number[];
  /** Length of the longest response. */
  tokens: number;
}

type Member = Pick<RolloutInfo, 'sample' | 'parentSample' | 'forkPosition' | 'lengthTokens'>;

export function branchTree(members: readonly Member[]): BranchTree {
  const bySample = new Map(members.map((member) => [member.sample, member]));
  const forksOf = new Map<number | null, Member[]>();
  for (const member of members) {
    const origin = originOf(member, bySample);
    forksOf.set(origin, [...(forksOf.get(origin) ?? []), member]);
  }
  const segments: Segment[] = [];
  const laneSamples: number[] = [];

  function add(member: Member, parent: number | null): void {
    const lane = laneSamples.push(member.sample) - 1;
    const start = member.forkPosition ?? 0;
    const forks = (forksOf.get(member.sample) ?? []).toSorted(
      (a, b) => b.forkPosition! - a.forkPosition! || a.sample - b.sample,
    );
    const inside = forks
      .map(({ forkPosition }) => forkPosition!)
      .filter((at) => at > start && at < member.lengthTokens);
    const ends = [...new Set(inside), member.lengthTokens].toSorted((a, b) => a - b);
    const endingAt = new Map<number, number>();
    let from = start;
    let before = parent;
    for (const to of ends) {
      const id = segments.length;
      const isEnd = to === member.lengthTokens;
      segments.push({ id, sample: member.sample, from, to, parent: before, children: [], lane, isEnd });
      if (before !== null) segments[before]!.children.push(id);
      endingAt.set(to, id);
      before = id;
      from = to;
    }
    for (const fork of forks) add(fork, endingAt.get(fork.forkPosition!) ?? before);
  }

  for (const fresh of forksOf.get(null) ?? []) add(fresh, null);
  const tokens = members.reduce((most, { lengthTokens }) => Math.max(most, lengthTokens), 0);
  return { segments, laneSamples, tokens };
}

/** The response that wrote the token before a fork: the parent, or where the parent's own prefix comes from. */
function originOf({ parentSample, forkPosition }: Member, bySample: ReadonlyMap<number, Member>): number | null {
  let origin = parentSample === null ? undefined : bySample.get(parentSample);
  while (origin !== undefined && origin.parentSample !== null && forkPosition! <= origin.forkPosition!) {
    origin = bySample.get(origin.parentSample);
  }
  return origin?.sample ?? null;
}

export interface ForkPoint {
  sample: number;
  /** Number of tokens before it. */
  position: number;
  /** Mean entropy of the window it stands for. */
  windowNats: number;
  chosen: boolean;
}

/**
 * Where the responses could have been forked: at the first position of every window above the threshold,
 * and wherever they were.
 * @param windowMeansNats per sample, where the trace is known
 */
export function forkPoints(
  members: readonly Member[],
  windowMeansNats: ReadonlyMap<number, Float64Array>,
  thresholdNats: number | null,
  window: Trace['window'],
): ForkPoint[] {
  const offset = windowOffset(window);
  const bySample = new Map(members.map((member) => [member.sample, member]));
  const chosen = members.flatMap((member): ForkPoint[] => {
    const origin = originOf(member, bySample);
    if (origin === null || member.forkPosition === null) return [];
    const means = windowMeansNats.get(origin);
    const position = member.forkPosition;
    return [{ sample: origin, position, windowNats: means?.[position - offset] ?? NaN, chosen: true }];
  });
  if (thresholdNats === null) return chosen;
  const taken = new Set(chosen.map(({ sample, position }) => `${sample}:${position}`));
  const left = members.flatMap(({ sample, forkPosition }) =>
    highEntropyRuns(windowMeansNats.get(sample) ?? new Float64Array(0), thresholdNats)
      .map(({ start, excessNats }) => ({
        sample,
        position: start + offset,
        windowNats: thresholdNats + excessNats,
        chosen: false,
      }))
      // What lies in the shared prefix is the parent's.
      .filter(({ position }) => position >= 1 && position > (forkPosition ?? 0))
      .filter(({ position }) => !taken.has(`${sample}:${position}`)),
  );
  return [...chosen, ...left];
}

export type TreeMove = 'parent' | 'child' | 'next' | 'previous';

/** Where a key leads from a segment: to its parent or first child, or to the next one in drawing order. */
export function moveInTree({ segments }: BranchTree, from: number, move: TreeMove): number {
  const segment = segments[from]!;
  switch (move) {
    case 'parent':
      return segment.parent ?? from;
    case 'child':
      return segment.children[0] ?? from;
    case 'next':
    case 'previous': {
      const siblings =
        segment.parent === null
          ? segments.filter(({ parent }) => parent === null).map(({ id }) => id)
          : segments[segment.parent]!.children;
      const at = siblings.indexOf(from) + (move === 'next' ? 1 : -1);
      return siblings[at] ?? from;
    }
  }
}
