/**
 * Working on a run that labels with a model on a server.
 *
 * Owns: the client with its key, read when the work begins and held no longer than it lasts, and the sentences
 * in the log about what this server cannot do. The stage is runs/labelStage.ts.
 */
import { RandomStep, type RunListener, type StageEnd } from '#core/runs/context.ts';
import { runServedLabelling } from '#core/runs/pipeline.ts';
import { type Recipe, parseRecipe } from '#core/runs/recipe.ts';
import { createClient } from '#core/remote/client.ts';
import type { Capabilities, ServedModel } from '#core/remote/endpoint.ts';
import { type Keys, createKeys } from '#core/remote/keys.ts';
import { servedResponses } from '#core/remote/servedResponses.ts';
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { readSplit } from './datasets.ts';
import type { RunFile } from './runFile.ts';

/**
 * @throws AresError 'endpoint' when the server does not answer as it should, or its key is not there
 */
export async function labelServed(
  store: Store,
  run: Run,
  file: RunFile,
  { keys = createKeys(), stopRequested }: { keys?: Keys; stopRequested(): boolean },
  listener: RunListener,
): Promise<StageEnd> {
  const { endpoint, model, capabilities } = file.served!;
  const recipe = parseRecipe(run.recipe, `the recipe of run ${run.runId}`);
  const key = await keyOf(keys, endpoint);
  for (const note of servedNotes(capabilities, recipe)) listener.message('info', note);
  const client = createClient({
    endpoint,
    key,
    onSlowDown: (limit, pauseMs) =>
      listener.message(
        'info',
        `The server asked to slow down: nothing for ${Math.ceil(pauseMs / 1000)} s, then at most ${limit} at once.`,
      ),
  });
  const source = servedResponses({
    client,
    key,
    model,
    capabilities,
    decoding: recipe.label,
    seed: recipe.seed,
    randomStep: RandomStep.labelling,
  });
  const { folder } = store.models.get(file.baseModelId)!;
  const train = readSplit(store, file.train);
  const context = { store, runId: run.runId, recipe, base: { folder }, baseModelId: file.baseModelId, train };
  return runServedLabelling({ ...context, listener, stopRequested }, source);
}

/** @throws AresError 'endpoint' where a variable that should hold the key does not */
export async function keyOf(keys: Keys, endpoint: ServedModel['endpoint']): Promise<string | null> {
  const key = await keys.read(endpoint);
  if (key !== null || endpoint.keyVariable === null) return key;
  throw new AresError('endpoint', `The environment variable ${endpoint.keyVariable} is not set.`, {
    where: endpoint.name,
    hint: 'Set it to the key of this endpoint before the workbench is started.',
  });
}

/** What labels by this server mean less by. */
export function servedNotes(
  { topLogprobs, logprobsAt, temperature, countsTokens, seed }: Capabilities,
  { label }: Recipe,
): string[] {
  return [
    ...(topLogprobs === 0
      ? ['This model gives no log-probs: its labels say nothing about entropy.']
      : [`Entropies are lower bounds from the log-probs of up to ${topLogprobs} tokens each.`]),
    ...(logprobsAt === 'before' && label.temperature !== 1
      ? [
          `Log-probs of this server are those of temperature 1, and so are the entropies, though responses are drawn at ${label.temperature}.`,
        ]
      : []),
    ...(temperature
      ? []
      : [`This model takes no temperature: ${label.temperature} is what the recipe asks for, not what it does.`]),
    ...(countsTokens || topLogprobs > 0
      ? []
      : ['This server counts no tokens: lengths are estimated at four characters each.']),
    ...(seed === 'repeats'
      ? []
      : ['Responses of this server cannot be drawn again: it does not repeat them by a seed.']),
  ];
}
