/**
 * The thread behind statistics.ts: takes a task, answers with what core/compare makes of it.
 */
import { parentPort } from 'node:worker_threads';
import { compareEvaluations, compareEveryPair } from '#core/compare/comparison.ts';
import { renderReport } from '#core/compare/report/report.ts';
import { budgetCurves } from '#core/compare/tokenBudget.ts';
import { toPlainError } from '#core/engine/messages.ts';
import type { StatisticsReply, StatisticsRequest, StatisticsTaskName, StatisticsTasks } from './statistics.ts';

const tasks: { [N in StatisticsTaskName]: (task: StatisticsTasks[N]['task']) => StatisticsTasks[N]['answer'] } = {
  compare: ({ evaluations, pairs, ...options }) => {
    const compare = pairs === 'every' ? compareEveryPair : compareEvaluations;
    const { evaluations: _, ...result } = compare(evaluations, options);
    return result;
  },
  budget: ({ evaluations, ...options }) => budgetCurves(evaluations, options),
  report: renderReport,
};

function answer<N extends StatisticsTaskName>({ id, name, task }: StatisticsRequest<N>): StatisticsReply {
  try {
    return { id, answer: tasks[name](task) };
  } catch (thrown) {
    return { id, error: toPlainError(thrown) };
  }
}

parentPort!.on('message', (request: StatisticsRequest) => parentPort!.postMessage(answer(request)));
