/**
 * The sample project in the terminal: label, AdaCS, AEPO, compare.
 *
 * Owns: which files make up the sample run, where its project goes, and that a run left unfinished is
 * taken up again instead of starting another. The run itself is as any other's.
 */
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { startRun, watchRun } from '#core/cli/runSession.ts';
import type { Terminal } from '#core/cli/terminal.ts';
import { resumeRun } from '#core/host/executeRun.ts';
import { listRuns } from '#core/host/runList.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';

const sample = (...parts: string[]) => join(resourcesFolder, 'sample', ...parts);

/** @returns the exit code */
export async function runSample(out: string, json: boolean, terminal: Terminal): Promise<number> {
  const folder = resolve(out);
  const unfinished = existsSync(folder)
    ? listRuns(folder).find(({ state }) => state === 'paused' || state === 'interrupted')
    : undefined;
  if (unfinished !== undefined) {
    terminal.note(`Going on with run ${unfinished.runId}, which was ${unfinished.state}.`);
    return watchRun(resumeRun, folder, unfinished.runId, json, terminal);
  }
  terminal.note('ARES Workbench: the sample project, from label to report. Ctrl-C pauses; the same command goes on.');
  const code = await startRun(
    'pipeline',
    {
      data: sample('problems-train.jsonl'),
      heldout: sample('problems-heldout.jsonl'),
      model: sample('base'),
      recipe: sample('recipe.yaml'),
      seed: undefined,
      out: folder,
    },
    json,
    terminal,
  );
  if (code === 0) {
    terminal.note(`Project: ${relative(process.cwd(), folder) || '.'}`);
    terminal.note(
      'Next: open the report in a browser, or run the method on your own data (README, "What to do next").',
    );
  }
  return code;
}
