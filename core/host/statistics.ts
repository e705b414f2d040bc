/**
 * Heavy statistics and the rendering of reports, away from the thread that answers the contract.
 *
 * Owns: the worker thread, started when it is first needed, and who waits for which answer. Requests are
 * served one after another. What is computed is core/compare.
 */
import { Worker } from 'node:worker_threads';
import type { BudgetCurve, BudgetOptions } from '#core/compare/tokenBudget.ts';
import type { Comparison, ComparisonOptions } from '#core/compare/comparison.ts';
import type { ReportData } from '#core/compare/report/data.ts';
import type { Evaluation } from '#core/compare/types.ts';
import { type PlainError, fromPlainError } from '#core/engine/messages.ts';
import { AresError } from '#core/util/errors.ts';

export interface ComparisonTask extends Omit<ComparisonOptions, 'furtherPairs'> {
  evaluations: readonly Evaluation[];
  pairs: 'reference' | 'every';
}

/** What the worker can be asked, and what it answers. */
export interface StatisticsTasks {
  /** Without the evaluations, which the asker has. */
  compare: { task: ComparisonTask; answer: Omit<Comparison, 'evaluations'> };
  budget: { task: BudgetOptions & { evaluations: readonly Evaluation[] }; answer: BudgetCurve[] };
  /** A page as text. */
  report: { task: ReportData; answer: string };
}
export type StatisticsTaskName = keyof StatisticsTasks;

export interface StatisticsRequest<N extends StatisticsTaskName = StatisticsTaskName> {
  id: number;
  name: N;
  task: StatisticsTasks[N]['task'];
}
export type StatisticsReply = { id: number; answer: unknown } | { id: number; error: PlainError };

export interface Statistics {
  /** @throws AresError what the task throws, 'internal' when the thread ends without an answer */
  ask<N extends StatisticsTaskName>(name: N, task: StatisticsTasks[N]['task']): Promise<StatisticsTasks[N]['answer']>;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: AresError): void;
}

export function createStatistics(): Statistics {
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let worker: Worker | null = null;

  const failAll = (reason: string): void => {
    worker = null;
    const error = new AresError('internal', `The statistics could not be computed: ${reason}`, {
      hint: 'Ask again; if it happens twice, report it with what you compared.',
    });
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const start = (): Worker => {
    const started = new Worker(new URL('./statisticsWorker.ts', import.meta.url));
    started.on('message', (reply: StatisticsReply) => {
      const asker = waiting.get(reply.id);
      waiting.delete(reply.id);
      // An idle thread must not keep the program alive when the window and the server are gone.
      if (waiting.size === 0) started.unref();
      if ('answer' in reply) asker?.resolve(reply.answer);
      else asker?.reject(fromPlainError(reply.error));
    });
    started.on('error', (error) => failAll(error instanceof Error ? error.message : String(error)));
    started.on('exit', () => failAll('its thread ended.'));
    return started;
  };

  return {
    ask: (name, task) =>
      new Promise((resolve, reject) => {
        worker ??= start();
        worker.ref();
        const id = ++asked;
        // Sound: the worker answers a request of this name with this answer (statisticsWorker.ts).
        waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
        worker.postMessage({ id, name, task } satisfies StatisticsRequest);
      }),
  };
}
