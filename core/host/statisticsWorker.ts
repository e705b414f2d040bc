/**
 * The thread behind statistics.ts: takes a task, answers with what core/compare makes of it.
 */
import { parentPort } from 'node:worker_threads';
import { compareEvaluations, compareEveryPair } from '#core/compare/comparison.ts';
import { renderReport } from '#core/compare/report/report.ts';
import { budgetCurves } from '#core/compare/tokenBudget.ts';
import { toPlainError } from '#core/engine/messages.ts';
import type { StatisticsReply, StatisticsRequest, StatisticsTaskName, StatisticsTasks } from './statistics.ts';

/** Between two reports of progress. */
const REPORT_MS = 100;

type Task<N extends StatisticsTaskName> = (task: StatisticsTasks[N]['task']) => StatisticsTasks[N]['answer'];
const tasks: { [N in StatisticsTaskName]: Task<N> } = {
  compare: ({ evaluations, pairs, ...options }) => {
    const compare = pairs === 'every' ? compareEveryPair : compareEvaluations;
    let reportedMs = performance.now();
    const onProgress = (done: number, total: number) => {
      const nowMs = performance.now();
      if (nowMs - reportedMs < REPORT_MS) return;
      reportedMs = nowMs;
      send({ done, total });
    };
    const { evaluations: _, ...result } = compare(evaluations, { ...options, onProgress });
    return result;
  },
  budget: ({ evaluations, ...options }) => budgetCurves(evaluations, options),
  report: renderReport,
};

function answer<N extends StatisticsTaskName>({ name, task }: StatisticsRequest<N>): StatisticsReply {
  try {
    return { answer: tasks[name](task) };
  } catch (thrown) {
    return { error: toPlainError(thrown) };
  }
}

function send(reply: StatisticsReply): void {
  parentPort!.postMessage(reply);
}

parentPort!.on('message', (request: StatisticsRequest) => send(answer(request)));
