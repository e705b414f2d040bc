/**
 * The calls `curation.*`: what AdaCS would choose from the traces of a run that labelled, and sets of traces as files.
 *
 * Owns: asking the very code that a cold start uses, with other settings. Nothing is stored.
 */
import { existsSync } from 'node:fs';
import type { Handlers } from '#core/contract/contract.ts';
import { readLabelling } from '#core/compare/run/labelling.ts';
import { readRun } from '#core/compare/run/record.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { writeTraceSets } from '#core/host/traceSets.ts';
import { curateFromStore } from '#core/runs/coldStartStage.ts';
import { AresError } from '#core/util/errors.ts';

type Subject = Pick<Handlers, 'curation.view' | 'curation.export'>;

export function curationHandlers(host: HostContext): Subject {
  return {
    'curation.export': (request) => {
      const { store, folder } = host.project();
      if (existsSync(request.target)) {
        throw new AresError('usage', 'This folder already exists.', {
          where: request.target,
          hint: 'Choose another name.',
        });
      }
      const about = { kind: 'export' as const, title: 'Write traces and control', unit: 'problems' };
      return { jobId: host.jobs.start(about, (control) => writeTraceSets(store, folder, request, control)) };
    },
    'curation.view': ({ runId, selection, easyQuantile, hardQuantile, perBracket }) => {
      const { store } = host.project();
      if (![easyQuantile, hardQuantile].every((value) => value >= 0 && value <= 1)) {
        throw new AresError('usage', 'A quantile must lie between 0 and 1.');
      }
      const record = readRun(store, runId);
      const labelling = readLabelling(record, { folder: '' });
      if (labelling === null) {
        throw new AresError('not-found', `Run ${runId} has no labelled responses to choose from.`, {
          hint: 'Choose a run that labels, or start one.',
        });
      }
      const { run, stage } = labelling;
      const curated = { ...run.recipe.coldStart.curation, selection, easyQuantile, hardQuantile, perBracket };
      const recipe = { ...run.recipe, coldStart: { ...run.recipe.coldStart, curation: curated } };
      const { curation, candidates } = curateFromStore({ ...run, recipe }, stage);
      const sourceNames = [...new Set(candidates.map(({ source }) => source))];
      const sourceIndex = new Map(sourceNames.map((name, index) => [name, index]));
      const chosen = new Uint8Array(candidates.length);
      for (const { index } of curation.chosen) chosen[index] = 1;
      return {
        brackets: curated.brackets,
        sources: curation.sources,
        sourceNames,
        rolloutId: Int32Array.from(candidates, ({ rolloutId }) => rolloutId),
        source: Int32Array.from(candidates, ({ source }) => sourceIndex.get(source)!),
        passRate: Float32Array.from(
          candidates,
          ({ problemCorrect, problemSamples }) => problemCorrect / problemSamples,
        ),
        lengthTokens: Int32Array.from(candidates, ({ lengthTokens }) => lengthTokens),
        correct: Uint8Array.from(candidates, ({ correct }) => Number(correct)),
        chosen,
        availablePerBracket: curation.availablePerBracket,
        chosenPerBracket: curation.chosenPerBracket,
        warnings: curation.warnings,
      };
    },
  };
}
