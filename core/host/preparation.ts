/**
 * Problems made ready for the model of a run, as many as fit.
 *
 * Owns: setting aside what is too long and limiting the responses to the positions that are left, with
 * the sentences that say so. It follows from model, recipe and problems alone, so a resumed run finds
 * the same.
 */
import { countOf } from '#core/compare/format.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import { longestResponse, roomFor, withinRoom } from '#core/runs/positions.ts';
import { type PreparedProblem, type RunProblem, prepareProblems } from '#core/runs/prompts.ts';
import type { Recipe } from '#core/runs/recipe.ts';
import { createBreather } from '#core/util/breather.ts';
import { AresError } from '#core/util/errors.ts';

export interface Preparation {
  /** With responses limited to the room there is. */
  recipe: Recipe;
  train: PreparedProblem[];
  heldout: PreparedProblem[];
  /** Longest prompt and response together, tokens. */
  longestSequence: number;
  notes: string[];
}

/** @throws AresError 'bad-data' when no problem to train on, or to evaluate on, is left of those there were */
export async function prepare(
  model: ModelFolder,
  recipe: Recipe,
  train: readonly RunProblem[],
  heldout: readonly RunProblem[],
): Promise<Preparation> {
  const positions = model.config.maxPositions;
  const wantedTokens = longestResponse(recipe);
  const prepared = { train: await encode(model, train), heldout: await encode(model, heldout) };
  const lengths = [...prepared.train, ...prepared.heldout].map(({ promptIds }) => promptIds.length);
  const room = roomFor(lengths, positions, wantedTokens);
  const fitting = (problems: readonly PreparedProblem[]) => {
    const kept = problems.filter(({ promptIds }) => promptIds.length <= room.maxPromptTokens);
    if (kept.length > 0 || problems.length === 0) return kept;
    throw new AresError('bad-data', `No prompt fits the ${positions} positions of this model.`, {
      where: model.folder,
      hint: 'Choose a model with more positions, or a dataset with shorter problems.',
    });
  };
  const kept = { train: fitting(prepared.train), heldout: fitting(prepared.heldout) };
  const setAside = lengths.length - kept.train.length - kept.heldout.length;
  const notes: string[] = [];
  if (setAside > 0) {
    notes.push(
      `Set aside: ${countOf(setAside, 'problem')} of ${lengths.length}, whose prompts leave too little of the model's ` +
        `${positions} positions for a response.`,
    );
  }
  if (room.maxResponseTokens < wantedTokens) {
    notes.push(
      `Responses are limited to ${room.maxResponseTokens} tokens instead of ${wantedTokens}: the longest prompt that ` +
        `is used has ${room.maxPromptTokens} tokens and the model ${positions} positions.`,
    );
  }
  const limited = withinRoom(recipe, room);
  return { recipe: limited, ...kept, longestSequence: room.maxPromptTokens + longestResponse(limited), notes };
}

/** Problems encoded in one go. */
const SLICE = 16;

async function encode(model: ModelFolder, problems: readonly RunProblem[]): Promise<PreparedProblem[]> {
  const breathe = createBreather();
  const prepared: PreparedProblem[] = [];
  for (let i = 0; i < problems.length; i += SLICE) {
    prepared.push(...prepareProblems(model, problems.slice(i, i + SLICE)));
    await breathe();
  }
  return prepared;
}
