/**
 * The report of a run that reached its end, with the facts only the host knows.
 *
 * Owns: the thread it is written in. Thousands of resamples take seconds, during which this one has to
 * answer a front end.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { WrittenReport } from '#core/compare/runReport.ts';
import { AresError } from '#core/util/errors.ts';
import { type PlainError, fromPlainError } from '#core/engine/messages.ts';

export interface ReportTask {
  projectFolder: string;
  runId: number;
  /** The model the run started from: its folder, or where it answers. */
  model: { folder: string } | { address: string };
}
export type ReportAnswer = { report: WrittenReport } | { error: PlainError };

/** @throws AresError 'disk' when the run's folder cannot be written, 'internal' when the thread dies */
export async function reportRun(task: ReportTask): Promise<WrittenReport> {
  const worker = new Worker(new URL('./reportWorker.ts', import.meta.url), { workerData: task });
  // Both at once: a thread that ends without an answer says nothing more.
  const [answer] = (await Promise.race([once(worker, 'message'), once(worker, 'exit')])) as [ReportAnswer | number];
  if (typeof answer === 'number') {
    throw new AresError('internal', 'The report could not be written: its thread ended.', {
      hint: 'Resume the run; only the report is made again.',
    });
  }
  if ('error' in answer) throw fromPlainError(answer.error);
  return answer.report;
}
