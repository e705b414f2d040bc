/**
 * The thread behind runReport.ts: reads the project by a connection of its own and writes the report.
 */
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { machineFacts } from '#core/compare/run/facts.ts';
import { writeRunReport } from '#core/compare/runReport.ts';
import { toPlainError } from '#core/engine/messages.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import type { ReportAnswer, ReportTask } from './runReport.ts';
import { openProject } from './project.ts';

function write({ projectFolder, runId, model }: ReportTask): ReportAnswer {
  try {
    const store = openProject(projectFolder);
    try {
      const { folder } = store.runs.get(runId)!;
      const base = 'folder' in model ? openModelFolder(model.folder) : null;
      const modelName = 'folder' in model ? basename(model.folder) : model.address;
      return { report: writeRunReport(store, runId, folder, { ...machineFacts(), base, modelName }) };
    } finally {
      store.close();
    }
  } catch (thrown) {
    return { error: toPlainError(thrown) };
  }
}

parentPort!.postMessage(write(workerData as ReportTask));
