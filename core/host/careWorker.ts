/**
 * The thread behind datasetCheck.ts: reads a dataset by a connection of its own and looks through it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { DatasetCheck } from '#core/data/care/check.ts';
import { toPlainError } from '#core/engine/messages.ts';
import type { CheckedAgainst } from '#core/store/checks.ts';
import type { Problem, ProblemReads } from '#core/store/problems.ts';
import type { CareMessage, CareTask } from './datasetCheck.ts';
import { openProject } from './project.ts';

const PAGE = 1000;

function* problemsOf(problems: ProblemReads, { datasetId, split }: Omit<CheckedAgainst, 'name'>): Generator<Problem> {
  for (let afterProblemId = 0; ;) {
    const page = problems.pageOfAll({ datasetId, afterProblemId, limit: PAGE });
    yield* split === null ? page : page.filter((problem) => problem.split === split);
    if (page.length < PAGE) return;
    afterProblemId = page.at(-1)!.problemId;
  }
}

const send = (message: CareMessage) => parentPort!.postMessage(message);

function check({ projectFolder, datasetId, settings }: CareTask): void {
  const store = openProject(projectFolder);
  try {
    const { problems } = store;
    const made = new DatasetCheck(settings.threshold);
    const againstIds: number[] = [];
    for (const part of settings.against) {
      for (const { problemId, prompt } of problemsOf(problems, part)) {
        // Sound here and below: the importer stored a text or a list of messages.
        made.addAgainst({ prompt: prompt as string });
        againstIds.push(problemId);
      }
    }
    const evaluation = new Set(againstIds);
    const total = problems.ids(datasetId).length;
    const ids: number[] = [];
    for (const { problemId, prompt, answer, images } of problemsOf(problems, { datasetId, split: null })) {
      made.add({ prompt: prompt as string, answer, images }, evaluation.has(problemId));
      if (ids.push(problemId) % PAGE === 0) send({ progress: ids.length, total: 2 * total });
    }
    const { summary, members, contaminated } = made.finish((share) =>
      send({ progress: Math.round(total * (1 + share)), total: 2 * total }),
    );
    send({
      summary,
      members: members.map(({ problem, first, similarity }) => ({
        problemId: ids[problem]!,
        cluster: ids[first]!,
        similarity,
      })),
      contamination: contaminated.map(({ problem, against, ...match }) => ({
        problemId: ids[problem]!,
        againstId: againstIds[against]!,
        ...match,
      })),
    });
  } finally {
    store.close();
  }
}

try {
  check(workerData as CareTask);
} catch (thrown) {
  send({ error: toPlainError(thrown) });
}
