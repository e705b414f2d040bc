/**
 * What a check of a dataset found, made ready to be listed and acted on.
 */
import type { ResponseOf } from '#core/contract/contract.ts';

export interface Member {
  problemId: number;
  similarity: number;
  sameAnswer: boolean;
}

export interface Cluster {
  /** Its first problem, which names it. */
  cluster: number;
  members: Member[];
  isContradictory: boolean;
}

/** Contradictory ones first, then the largest. */
export function clustersOf(columns: ResponseOf<'care.clusters'>): Cluster[] {
  const clusters = new Map<number, Cluster>();
  columns.cluster.forEach((cluster, i) => {
    const member: Member = {
      problemId: columns.problemId[i]!,
      similarity: columns.similarity[i]!,
      sameAnswer: columns.sameAnswer[i] === 1,
    };
    const known = clusters.get(cluster);
    if (known === undefined) clusters.set(cluster, { cluster, members: [member], isContradictory: !member.sameAnswer });
    else {
      known.members.push(member);
      known.isContradictory ||= !member.sameAnswer;
    }
  });
  return [...clusters.values()].sort(
    (a, b) =>
      Number(b.isContradictory) - Number(a.isContradictory) ||
      b.members.length - a.members.length ||
      a.cluster - b.cluster,
  );
}

/** Whether care keeps a member; as applyCare of core/data/care/check.ts decides. @param choice of a person */
export function isKept({ cluster }: Pick<Cluster, 'cluster'>, member: Member, choice: number | undefined): boolean {
  if (choice !== undefined) return member.problemId === choice;
  return member.problemId === cluster || !member.sameAnswer;
}

/** A text in three parts: before, within and after what matches. */
export function marked({ text, start, end }: { text: string; start: number; end: number }): [string, string, string] {
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}
