/**
 * The calls `problems.*`: the table, one problem, changing it, its images.
 *
 * Owns: joining the index with a search, which goes through all texts in slices so that everything else is
 * answered meanwhile, and refusing to change what a run has used.
 */
import { setImmediate } from 'node:timers/promises';
import { bucketOf } from '#core/ares/difficulty.ts';
import { defaultOptions } from '#core/ares/options.ts';
import type { Handlers, ProblemRow } from '#core/contract/contract.ts';
import type { ChatMessage } from '#core/data/mapping.ts';
import { problemKey } from '#core/data/problems.ts';
import { problemUse } from '#core/host/dataUse.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { readStoredImage } from '#core/host/projectImages.ts';
import type { Label } from '#core/store/labels.ts';
import type { TableRow } from '#core/store/problemTable.ts';
import type { Problem } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';

type Subject = Pick<
  Handlers,
  'problems.index' | 'problems.sources' | 'problems.rows' | 'problems.get' | 'problems.update' | 'problems.image'
>;

/** What a row of the table shows of a prompt at most. */
const PROMPT_CHARACTERS = 600;
const ANSWER_CHARACTERS = 200;
/** Texts read without a pause; about ten milliseconds. */
const SLICE = 10_000;

/** Buckets of METHOD §3.2, the same for every table: a run may have its own, which its report shows. */
const buckets = defaultOptions.buckets;

export function problemHandlers(host: HostContext): Subject {
  return {
    'problems.index': async ({ search, ...filter }) => {
      const { store } = host.project();
      const words = search.split(/\s+/).filter((word) => word !== '');
      const problemId = store.problemTable.index(filter, buckets);
      if (words.length === 0) return { problemId };
      const found = await searchAll(store, filter.datasetId, words);
      return { problemId: problemId.filter((id) => found.has(id)) };
    },
    'problems.sources': ({ datasetId }) => host.project().store.problemTable.sources(datasetId).slice(0, 10_000),
    'problems.rows': ({ problemIds, modelId }) =>
      host.project().store.problemTable.rows(problemIds, modelId, PROMPT_CHARACTERS).map(toRow),
    'problems.get': ({ problemId }) => {
      const { store } = host.project();
      const problem = requireProblem(store, problemId);
      return {
        problemId,
        datasetId: problem.datasetId,
        id: problem.id,
        messages: messagesOf(problem).map(({ role, content }) => ({ role, content })),
        answer: problem.answer,
        source: problem.source,
        split: problem.split,
        images: problem.images.length,
        meta: problem.meta,
        labels: store.labels.history(problemId).slice(-10_000).map(withoutKeys),
        human: store.humanLabels.history(problemId).slice(-10_000),
        isUsed: problemUse(store, problem) !== null,
      };
    },
    'problems.update': ({ problemId, prompt, answer, source, split }) => {
      const { store } = host.project();
      const problem = requireProblem(store, problemId);
      const use = problemUse(store, problem);
      if (use !== null) {
        throw new AresError('usage', `This problem cannot be changed. ${use}`, {
          where: problem.id,
          hint: 'Import the corrected problem as a new one, and leave this one out with a pool.',
        });
      }
      for (const [what, text] of Object.entries({ prompt, answer, source, split })) {
        if (text.trim() === '') throw new AresError('usage', `The ${what} must not be empty.`, { where: problem.id });
      }
      const changed = withQuestion(problem, prompt);
      const key = problemKey(changed, problem.images);
      store.problems.update(problemId, { key, prompt: changed, answer, source, split });
      host.changes.announce('datasets');
      return {};
    },
    'problems.image': async ({ problemId, index }) => {
      const { store, folder } = host.project();
      return readStoredImage(folder, requireProblem(store, problemId).images[index] ?? '');
    },
  };
}

/** A label as the contract has it: the circumstances without the ids of the rows. */
function withoutKeys(label: Label) {
  const { modelId, runId, grader, samples, correct, temperature, maxNewTokens } = label;
  const { intervalLow, intervalHigh, meanLengthTokens, meanEntropyNats, entropyTopK, createdMs } = label;
  const entropy = { meanEntropyNats, entropyTopK };
  const measured = { samples, correct, intervalLow, intervalHigh, meanLengthTokens, ...entropy };
  return { modelId, runId, grader, temperature, maxNewTokens, createdMs, ...measured };
}

async function searchAll(store: Store, datasetId: number, words: readonly string[]): Promise<Set<number>> {
  const found = new Set<number>();
  let next: number | null = 0;
  while (next !== null) {
    const slice = store.problemTable.search({ datasetId, afterProblemId: next, problems: SLICE }, words);
    for (const id of slice.problemIds) found.add(id);
    next = slice.next;
    await setImmediate();
  }
  return found;
}

function toRow({ answer, ...row }: TableRow): ProblemRow {
  const { samples, correct } = row;
  return {
    ...row,
    answer: answer.slice(0, ANSWER_CHARACTERS),
    bucket: samples === null || correct === null ? null : bucketOf(correct, samples, buckets),
  };
}

function requireProblem(store: Pick<Store, 'problems'>, problemId: number): Problem {
  const problem = store.problems.get(problemId);
  if (problem !== undefined) return problem;
  throw new AresError('not-found', `There is no problem ${problemId} in this project.`, {
    hint: 'Its dataset was removed. Reload the list.',
  });
}

/** A plain text is one user message. */
function messagesOf({ prompt }: Problem): readonly ChatMessage[] {
  // Sound: the importer stored a text or a list of messages.
  const stored = prompt as string | ChatMessage[];
  return typeof stored === 'string' ? [{ role: 'user', content: stored }] : stored;
}

/** The prompt with its question changed: of a conversation the last turn of the user, the others stay. */
function withQuestion(problem: Problem, question: string): string | ChatMessage[] {
  if (typeof problem.prompt === 'string') return question;
  const messages = messagesOf(problem);
  const last = messages.findLastIndex(({ role }) => role === 'user');
  return messages.map((message, i) => (i === last ? { ...message, content: question } : message));
}
