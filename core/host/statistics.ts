/**
 * Heavy statistics and the rendering of reports, away from the thread that answers the contract.
 *
 * Owns: the worker thread, started when it is first needed, the queue before it, and stopping. Requests are
 * served one after another. What is computed is core/compare.
 */
import { Worker } from 'node:worker_threads';
import type { BudgetCurve, BudgetOptions } from '#core/compare/tokenBudget.ts';
import type { Comparison, ComparisonOptions } from '#core/compare/comparison.ts';
import type { ReportData } from '#core/compare/report/data.ts';
import type { Evaluation } from '#core/compare/types.ts';
import { type PlainError, fromPlainError } from '#core/engine/messages.ts';
import { AresError } from '#core/util/errors.ts';
import type { JobControl } from './hostContext.ts';

export interface ComparisonTask extends Omit<ComparisonOptions, 'furtherPairs' | 'onProgress'> {
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
  name: N;
  task: StatisticsTasks[N]['task'];
}
export type StatisticsReply = { answer: unknown } | { error: PlainError } | { done: number; total: number };

/** Whoever waits for an answer: told how far it is, and how it lets the thread know that it waits no more. */
export type StatisticsControl = Pick<JobControl, 'signal' | 'progress'>;

export interface Statistics {
  /**
   * @throws AresError what the task throws, 'interrupted' when it was stopped, 'internal' when the thread ends
   *   without an answer
   */
  ask<N extends StatisticsTaskName>(
    name: N,
    task: StatisticsTasks[N]['task'],
    control: StatisticsControl,
  ): Promise<StatisticsTasks[N]['answer']>;
}

interface Asked {
  request: StatisticsRequest;
  control: StatisticsControl;
  resolve(answer: unknown): void;
  reject(error: AresError): void;
}

export function createStatistics(): Statistics {
  /** The first is being served. */
  const queue: Asked[] = [];
  let worker: Worker | null = null;

  const start = (): Worker => {
    const started = new Worker(new URL('./statisticsWorker.ts', import.meta.url));
    const failed = (reason: string) => {
      if (worker !== started) return;
      worker = null;
      end(({ reject }) =>
        reject(
          new AresError('internal', `The statistics could not be computed: ${reason}`, {
            hint: 'Ask again; if it happens twice, report it with what you compared.',
          }),
        ),
      );
    };
    started.on('message', (reply: StatisticsReply) => {
      // What a thread said before it was stopped is nobody's.
      if (worker !== started) return;
      if ('total' in reply) queue[0]!.control.progress(reply.done, reply.total);
      else
        end((asked) => ('answer' in reply ? asked.resolve(reply.answer) : asked.reject(fromPlainError(reply.error))));
    });
    started.on('error', (error) => failed(error instanceof Error ? error.message : String(error)));
    started.on('exit', () => failed('its thread ended.'));
    return started;
  };
  const serve = (): void => {
    const [next] = queue;
    if (next === undefined) {
      // An idle thread must not keep the program alive when the window and the server are gone.
      worker?.unref();
      return;
    }
    worker ??= start();
    worker.ref();
    worker.postMessage(next.request);
  };
  /** Ends the one being served and goes on with the next. */
  const end = (how: (asked: Asked) => void): void => {
    how(queue.shift()!);
    serve();
  };
  const stop = (asked: Asked): void => {
    const place = queue.indexOf(asked);
    if (place === -1) return;
    const reject = () => asked.reject(new AresError('interrupted', 'The computation was stopped.'));
    if (place > 0) {
      queue.splice(place, 1);
      reject();
      return;
    }
    // A thread that computes hears nothing: it is given up, and the next task gets a new one.
    const given = worker;
    worker = null;
    void given?.terminate();
    end(reject);
  };

  return {
    ask: (name, task, control) =>
      new Promise((resolve, reject) => {
        // Sound: the worker answers a request of this name with this answer (statisticsWorker.ts).
        const asked: Asked = { request: { name, task }, control, resolve: resolve as Asked['resolve'], reject };
        queue.push(asked);
        control.signal.addEventListener('abort', () => stop(asked), { once: true });
        if (queue.length === 1) serve();
      }),
  };
}
