/**
 * `ares data check`: duplicates in a dataset, and problems it shares with evaluations.
 *
 * Owns: the readable summary and the full lists as JSON. The check is host/datasetCheck.ts.
 */
import { careOperands, checkOptions, namesOf, watched } from '#core/cli/careOptions.ts';
import { defineCommand } from '#core/cli/command.ts';
import { countOf, oneLine } from '#core/compare/format.ts';
import { hasSameAnswer, promptText } from '#core/data/care/check.ts';
import { type CareSession, withCareSession } from '#core/host/careSession.ts';
import { checkDataset } from '#core/host/datasetCheck.ts';
import type { Check } from '#core/store/checks.ts';

/** Clusters and contaminated problems listed for a person; JSON has them all. */
const LISTED = 5;
const TEXT_CHARACTERS = 90;

interface ListedProblem {
  id: string;
  answer: string;
  text: string;
}

export interface CheckReport extends Pick<Check, 'settings' | 'summary'> {
  dataset: string;
  notes: string[];
  clusters: (ListedProblem & { similarity: number; sameAnswer: boolean })[][];
  contaminated: (ListedProblem & { matched: string; words: number; coverage: number; against: ListedProblem })[];
}

export const dataCheck = defineCommand({
  summary: 'Find duplicates in a dataset, and problems that it shares with evaluations.',
  options: checkOptions,
  operands: careOperands,
  async run({ options: { project, against, threshold }, operands: { data }, json, terminal }) {
    const report = await watched('check', terminal, (control) =>
      withCareSession({ data, project, against: namesOf(against) }, control, async (session) => {
        const { store, projectFolder, datasetId } = session;
        const settings = { threshold, against: session.against };
        const checkId = await checkDataset(store, { projectFolder, datasetId, settings }, control);
        return reportOf(session, store.checks.get(checkId)!);
      }),
    );
    if (json) terminal.json(report);
    else for (const line of checkSummaryLines(report)) terminal.print(line);
    return 0;
  },
});

function reportOf({ store, name, notes }: CareSession, { checkId, settings, summary }: Check): CheckReport {
  const listed = (problemId: number): ListedProblem => {
    const { id, answer, prompt } = store.problems.get(problemId)!;
    // Sound: the importer stored a text or a list of messages.
    return { id, answer, text: promptText(prompt as string) };
  };
  const clusters = new Map<number, CheckReport['clusters'][number]>();
  for (const { problemId, cluster, similarity, answer, clusterAnswer } of store.checks.members(checkId)) {
    const member = { ...listed(problemId), similarity, sameAnswer: hasSameAnswer(answer, clusterAnswer) };
    const members = clusters.get(cluster);
    if (members === undefined) clusters.set(cluster, [member]);
    else members.push(member);
  }
  const contaminated = store.checks
    .contamination(checkId)
    .map(({ problemId, againstId, matchedWords, coverage, start, end }) => {
      const problem = listed(problemId);
      return {
        ...problem,
        matched: problem.text.slice(start, end),
        words: matchedWords,
        coverage,
        against: listed(againstId),
      };
    });
  return { dataset: name, settings, summary, notes, clusters: [...clusters.values()], contaminated };
}

function short(text: string): string {
  const line = oneLine(text);
  return line.length > TEXT_CHARACTERS ? `${line.slice(0, TEXT_CHARACTERS)}…` : line;
}

export function checkSummaryLines({
  dataset,
  settings,
  summary,
  notes,
  clusters,
  contaminated,
}: CheckReport): string[] {
  const { exactDuplicates, nearDuplicates, contradictoryClusters, againstProblems, skippedComparisons } = summary;
  const lines = [
    `${oneLine(dataset)}: ${countOf(summary.problems, 'problem')}`,
    ...notes.map((note) => `  ${note}`),
    `duplicates: ${countOf(summary.clusters, 'cluster')}; beside the first of each ${exactDuplicates} with the same words and ` +
      `${nearDuplicates} nearly the same (similarity from ${settings.threshold})`,
    `clusters whose answers differ: ${contradictoryClusters}`,
    settings.against.length === 0
      ? 'contamination: not looked for; name evaluations with --against'
      : `contamination: ${countOf(summary.contaminated, 'problem')} with eight words in a row of one of ` +
        `${countOf(againstProblems, 'evaluation problem')} (${settings.against.map(({ name }) => oneLine(name)).join(', ')})`,
    ...(skippedComparisons === 0 ? [] : [`comparisons left out in very large buckets: ${skippedComparisons}`]),
    `SHA-256 of the problems: ${summary.problemsSha256}`,
  ];
  for (const members of clusters.slice(0, LISTED)) {
    lines.push('', `cluster of ${members.length}:`);
    for (const { id, similarity, sameAnswer, text, answer } of members.slice(0, LISTED)) {
      const note = sameAnswer ? '' : `  answer ${short(answer)}`;
      lines.push(`  ${similarity.toFixed(2)}  ${oneLine(id)}  ${short(text)}${note}`);
    }
  }
  for (const { id, matched, words, coverage, against } of contaminated.slice(0, LISTED)) {
    const share = `${(100 * coverage).toFixed(0)} % of ${oneLine(against.id)}`;
    lines.push('', `${oneLine(id)}: ${words} words, ${share}`, `  “${short(matched)}”`);
  }
  if (clusters.length > LISTED || contaminated.length > LISTED) lines.push('', 'and more; --json lists them all');
  return lines;
}
