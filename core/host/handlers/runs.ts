/**
 * Calls about runs: the list, one of them, what may be done with it, its log and its report.
 *
 * Owns: requests turned into calls of the queue and of createRun, and what is announced afterwards.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { REPORT_FILE } from '#core/compare/runReport.ts';
import type { Handlers, RunRequest } from '#core/contract/contract.ts';
import { createStoredRun } from '#core/host/createRun.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { preflight } from '#core/host/preflight.ts';
import { factsOf } from '#core/host/runFacts.ts';
import { readRunFile } from '#core/host/runFile.ts';
import { requireRun } from '#core/host/runList.ts';
import type { MachineLimits } from '#core/host/runPlan.ts';
import { describer, problemSetOf, runRows } from '#core/host/runRows.ts';
import { changeRunState } from '#core/runs/lifecycle.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import { AresError } from '#core/util/errors.ts';

type RunCalls =
  | 'runs.list'
  | 'runs.get'
  | 'runs.preflight'
  | 'runs.create'
  | 'runs.pause'
  | 'runs.resume'
  | 'runs.stop'
  | 'runs.log'
  | 'runs.report';

export function runHandlers(host: HostContext): Pick<Handlers, RunCalls> {
  const limits = (): MachineLimits => host.settings().engine;
  return {
    'runs.list': () => runRows(host.project().store, host.queue()),
    'runs.get': ({ runId }) => {
      const { store } = host.project();
      const run = requireRun(store, runId);
      const { recipe } = factsOf(store, run);
      const { baseModelId, train, heldout } = readRunFile(run.folder);
      return {
        run: describer(store, host.queue())(run),
        progress: host.queue().progress(runId),
        folder: run.folder,
        baseModelId,
        train: problemSetOf(train),
        heldout: problemSetOf(heldout),
        recipeYaml: stringify(recipe),
        recipe,
        checkpoints: store.checkpoints
          .list(runId)
          .map(({ stage, step, state, createdMs }) => ({ stage, step, state, createdMs })),
        hasReport: existsSync(join(run.folder, REPORT_FILE)),
      };
    },
    'runs.preflight': (request) => preflight(host.project(), request, limits(), host.endpoints()),
    'runs.create': async (request) => {
      const recipe = recipeOf(request);
      const { runId } = await createStoredRun(host.project(), { ...request, recipe }, limits(), host.endpoints());
      host.queue().wake();
      host.changes.announce('runs');
      return { runId };
    },
    'runs.pause': ({ runId }) => {
      // It may take minutes until the step at work is done; the run's progress says that it was asked.
      void host.queue().pause(runId);
      return {};
    },
    'runs.resume': ({ runId }) => {
      const { store } = host.project();
      changeRunState(store, runId, 'queued', Date.now());
      host.queue().wake();
      host.changes.announce('runs');
      return {};
    },
    'runs.stop': ({ runId }) => {
      void host.queue().stop(runId);
      return {};
    },
    'runs.log': ({ runId, afterEventId, limit }) => {
      const { store } = host.project();
      requireRun(store, runId);
      return store.events
        .page(runId, afterEventId, limit)
        .map(({ eventId, timeMs, level, message }) => ({ eventId, timeMs, level, message }));
    },
    'runs.report': ({ runId }) => {
      const file = join(requireRun(host.project().store, runId).folder, REPORT_FILE);
      if (!existsSync(file)) {
        throw new AresError('not-found', 'This run has no report yet.', {
          where: file,
          hint: 'A report is written when a run reaches its end.',
        });
      }
      return { html: readFileSync(file, 'utf8') };
    },
  };
}

/** @throws AresError 'bad-recipe' */
function recipeOf({ recipe }: Pick<RunRequest, 'recipe'>) {
  return parseRecipe(recipe, 'the recipe');
}
