/**
 * Problems made ready for a model: token ids of the prompt, and what is needed to grade.
 *
 * Owns: rendering through the chat template and encoding, images included. Where problems come from is data/'s,
 * what is done with the responses is responses.ts.
 */
import type { ImageInput } from '#core/engine/api.ts';
import { type ChatMessage, type ChatTemplate, plainChatTemplate, renderChat } from '#core/model/chatTemplate.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import { expandImageTokens } from '#core/model/vision/geometry.ts';
import type { Problem } from '#core/store/problems.ts';
import { AresError } from '#core/util/errors.ts';
import { type PromptImages, placeImages } from './promptImages.ts';

/** What a run needs to know about a problem. */
export interface RunProblem {
  /** Identity in the store. */
  problemId: number;
  /** Stable 32-bit identity: the prompt's coordinate of the random numbers. */
  key: number;
  id: string;
  prompt: string | readonly ChatMessage[];
  /** Gold answer, or a solution that marks it. */
  answer: string;
  /** The source s of AdaCS. */
  source: string;
  /** Names of its images, in order; absent for none. */
  images?: readonly string[];
}

export interface PreparedProblem extends RunProblem {
  /** Every image as many times its token as it takes. */
  promptIds: Int32Array;
  /** Reads its images for the engine; absent for a problem without. */
  imageInputs?: () => Promise<readonly ImageInput[]>;
}

/** What a run needs of a problem as the store keeps it. */
export function fromStored({ problemId, key, id, prompt, answer, source, images }: Problem): RunProblem {
  return {
    problemId,
    key,
    id,
    // Sound: the importer stored a text or a list of messages.
    prompt: prompt as RunProblem['prompt'],
    answer,
    source,
    ...(images.length > 0 ? { images } : {}),
  };
}

type Prompted = Pick<RunProblem, 'prompt' | 'images'>;

/**
 * Renders and encodes. Models without a chat template (base models) get the plain text of the prompt.
 * @param images null where no problem has any, or the model cannot see
 * @throws AresError 'unsupported' for a problem with images where there is no one to read them, 'bad-data' for
 *   images that are broken or do not fit their prompt
 */
export function prepareProblems<P extends Prompted>(
  model: ModelFolder,
  problems: readonly P[],
  images: PromptImages | null,
): Promise<(P & Pick<PreparedProblem, 'promptIds' | 'imageInputs'>)[]> {
  const template = model.chatTemplate ?? plainChatTemplate();
  return Promise.all(
    problems.map(async (problem) => ({ ...problem, ...(await encode(model, template, problem, images)) })),
  );
}

async function encode(
  model: ModelFolder,
  template: ChatTemplate,
  { prompt, images: names = [] }: Prompted,
  images: PromptImages | null,
): Promise<Pick<PreparedProblem, 'promptIds' | 'imageInputs'>> {
  const messages: readonly ChatMessage[] = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
  const encoded = (chat: readonly ChatMessage[]) =>
    model.tokenizer.encode(renderChat(template, chat, { addGenerationPrompt: true }));
  if (names.length === 0) return { promptIds: encoded(messages) };
  const { multimodal } = model.config;
  if (images === null || multimodal === null) {
    throw new AresError('unsupported', 'This model cannot see, but a problem has images.', {
      where: model.folder,
      hint: 'Choose a Qwen2.5-VL model, or problems without images.',
    });
  }
  const grids = (await images.inputs(names)).map(({ grid }) => grid);
  return {
    promptIds: expandImageTokens(encoded(placeImages(messages, names.length)), grids, multimodal),
    imageInputs: () => images.inputs(names),
  };
}

/**
 * The images of some problems for one request to the engine, each read once.
 * @returns what a job or a sequence of a problem carries beside its tokens
 */
export async function imagesFor(
  problems: Iterable<PreparedProblem>,
): Promise<(problem: PreparedProblem) => { images?: readonly ImageInput[] }> {
  const loaded = new Map<PreparedProblem, readonly ImageInput[]>();
  for (const problem of problems)
    if (problem.imageInputs !== undefined && !loaded.has(problem)) loaded.set(problem, await problem.imageInputs());
  return (problem) => {
    const images = loaded.get(problem);
    return images === undefined ? {} : { images };
  };
}
