/**
 * The report of a run that reached its end, with the facts only the host knows.
 */
import { machineFacts } from '#core/compare/run/facts.ts';
import { type WrittenReport, writeRunReport } from '#core/compare/runReport.ts';
import type { RunContext } from '#core/runs/context.ts';
import { toAresError } from '#core/util/errors.ts';

/** @throws AresError 'disk' when the run's folder cannot be written */
export function reportRun({
  store,
  runId,
  folder,
  base,
}: Pick<RunContext, 'store' | 'runId' | 'folder' | 'base'>): WrittenReport {
  try {
    return writeRunReport(store, runId, folder, { ...machineFacts(), base });
  } catch (thrown) {
    throw toAresError(thrown);
  }
}
