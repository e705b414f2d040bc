/**
 * Problems made ready for the model of a run, as many as fit.
 *
 * Owns: setting aside what is too long, what a model that cannot see has no use for and whose images cannot be
 * read, and limiting the responses to the positions that are left, with the sentences that say so. It follows
 * from model, recipe and problems alone, so a resumed run finds the same; images that are lost meanwhile end it.
 */
import { countOf } from '#core/compare/format.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import { longestResponse, roomFor, withinRoom } from '#core/runs/positions.ts';
import { type PromptImages, type ReadImage, openPromptImages } from '#core/runs/promptImages.ts';
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
  /** Problems whose images cannot be used, which a new run leaves out: their keys, and the sentence that says so. */
  lost: { keys: ReadonlySet<number>; note: string | null };
}

export interface ImageAccess {
  read: ReadImage;
  /** What an image that cannot be read does: leaves its problem out of a run to be, or ends a run that is. */
  ifUnreadable: 'set aside' | 'refuse';
}

/**
 * @throws AresError 'bad-data' when no problem to train on, or to evaluate on, is left of those there were;
 *   'unsupported' when all of them have images and the model cannot see
 */
export async function prepare(
  model: ModelFolder,
  recipe: Recipe,
  given: { train: readonly RunProblem[]; heldout: readonly RunProblem[] },
  access: ImageAccess,
): Promise<Preparation> {
  const positions = model.config.maxPositions;
  const wantedTokens = longestResponse(recipe);
  const hasImages = [...given.train, ...given.heldout].some(({ images }) => images !== undefined);
  const images = hasImages ? openPromptImages(model, access.read) : null;
  const notes: string[] = [];
  const lost: LostImage[] = [];
  const ready = async (problems: readonly RunProblem[]) =>
    encode(model, images === null ? textOnly(problems, model, notes) : problems, images, access, lost);
  const prepared = { train: await ready(given.train), heldout: await ready(given.heldout) };
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
  return {
    recipe: limited,
    ...kept,
    longestSequence: room.maxPromptTokens + longestResponse(limited),
    notes,
    lost: { keys: new Set(lost.map(({ problem }) => problem.key)), note: lostNote(lost) },
  };
}

/** What a model that cannot see is given. */
function textOnly(problems: readonly RunProblem[], model: ModelFolder, notes: string[]): readonly RunProblem[] {
  const kept = problems.filter(({ images }) => images === undefined);
  if (kept.length === problems.length) return problems;
  if (kept.length === 0) {
    throw new AresError('unsupported', 'Every problem has images, which this model cannot see.', {
      where: model.folder,
      hint: 'Choose a Qwen2.5-VL model, or problems without images.',
    });
  }
  notes.push(
    `Set aside: ${countOf(problems.length - kept.length, 'problem')} with images, which this model cannot see.`,
  );
  return kept;
}

interface LostImage {
  problem: RunProblem;
  error: AresError;
}

function lostNote(lost: readonly LostImage[]): string | null {
  if (lost[0] === undefined) return null;
  const { problem, error } = lost[0];
  return `Set aside: ${countOf(lost.length, 'problem')} whose images cannot be used (${problem.id}: ${error.message}).`;
}

/** Problems encoded in one go. */
const SLICE = 16;

/** @param lost gets the problems whose images cannot be read */
async function encode(
  model: ModelFolder,
  problems: readonly RunProblem[],
  images: PromptImages | null,
  { ifUnreadable }: ImageAccess,
  lost: LostImage[],
): Promise<PreparedProblem[]> {
  const breathe = createBreather();
  const prepared: PreparedProblem[] = [];
  for (let i = 0; i < problems.length;) {
    // Problems with images one by one: what is wrong with one of them is wrong with that one.
    const slice = problems[i]!.images === undefined ? textSlice(problems, i) : [problems[i]!];
    try {
      prepared.push(...(await prepareProblems(model, slice, images)));
    } catch (thrown) {
      const isLost = thrown instanceof AresError && ['bad-data', 'not-found', 'disk'].includes(thrown.code);
      if (slice[0]!.images === undefined || !isLost || ifUnreadable === 'refuse') throw thrown;
      lost.push({ problem: slice[0]!, error: thrown });
    }
    i += slice.length;
    await breathe();
  }
  if (prepared.length > 0 || problems.length === 0) return prepared;
  throw new AresError('bad-data', `No problem has images that can be used. ${lost[0]!.error.message}`, {
    where: lost[0]!.error.where ?? lost[0]!.problem.id,
    hint: 'Check the image files of the dataset.',
  });
}

function textSlice(problems: readonly RunProblem[], from: number): readonly RunProblem[] {
  const slice = problems.slice(from, from + SLICE);
  const end = slice.findIndex(({ images }) => images !== undefined);
  return end < 0 ? slice : slice.slice(0, end);
}
