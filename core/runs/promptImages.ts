/**
 * The images of prompts, as the vision tower of a run's model takes them in.
 *
 * Owns: reading, decoding and processing an image when it is needed, keeping a bounded amount of what was
 * processed, and where in a prompt images stand that its text does not place. Where images lie is the caller's
 * business: it gives a function that reads one by its name.
 */
import type { ImageInput } from '#core/engine/api.ts';
import type { ChatMessage, ChatPart } from '#core/model/chatTemplate.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import { decodeImage } from '#core/model/vision/decodeImage.ts';
import { processImage, readImageProcessor } from '#core/model/vision/imageProcessor.ts';
import { AresError } from '#core/util/errors.ts';

/** Bytes of an image file by the name that problems have it under. */
export type ReadImage = (name: string) => Promise<Uint8Array>;

export interface PromptImages {
  /**
   * Images in order; the same name gives the same object, so that a message carries its pixels once.
   * @throws AresError 'bad-data' for a broken image, and as reading it does
   */
  inputs(names: readonly string[]): Promise<readonly ImageInput[]>;
}

/** Pixels kept for the next request; the engine itself keeps features, which are smaller. */
const KEPT_BYTES = 256 * 1024 * 1024;

/**
 * @returns null for a model that cannot see
 * @throws AresError 'not-found' or 'unsupported' for the image processor of a model that can
 */
export function openPromptImages({ folder, config }: ModelFolder, read: ReadImage): PromptImages | null {
  if (config.multimodal === null) return null;
  const { vision } = config.multimodal;
  const processor = readImageProcessor(folder, vision);
  /** In order of use, the latest last. */
  const kept = new Map<string, ImageInput>();
  let keptBytes = 0;

  async function input(name: string): Promise<ImageInput> {
    const known = kept.get(name);
    kept.delete(name);
    const image = known ?? {
      key: name,
      ...processImage(await decodeImage(await read(name), name), vision, processor),
    };
    if (known === undefined) keptBytes += image.pixels.byteLength;
    kept.set(name, image);
    for (const [oldest, { pixels }] of kept) {
      if (keptBytes <= KEPT_BYTES || oldest === name) break;
      kept.delete(oldest);
      keptBytes -= pixels.byteLength;
    }
    return image;
  }

  return {
    async inputs(names) {
      const images: ImageInput[] = [];
      for (const name of names) images.push(await input(name));
      return images;
    },
  };
}

/** Marks the place of an image in the text of a prompt, as EasyR1, verl and LLaMA-Factory write it. */
const MARK = '<image>';

/**
 * The chat of a prompt with its images as parts: where the text marks them, else before the first text of the user.
 * @throws AresError 'bad-data' when the text marks more or fewer places than there are images
 */
export function placeImages(messages: readonly ChatMessage[], images: number): readonly ChatMessage[] {
  const parts = messages.map(({ role, content }) => ({
    role,
    parts: typeof content === 'string' ? splitAtMarks(content) : [...content],
  }));
  const places = parts.reduce((sum, each) => sum + each.parts.filter(({ type }) => type === 'image').length, 0);
  if (places === images) return parts.map(({ role, parts }) => ({ role, content: parts }));
  if (places > 0) {
    throw new AresError('bad-data', `The prompt has places for ${places} images, but there are ${images}.`, {
      hint: `Write "${MARK}" once for every image, or nowhere.`,
    });
  }
  const first = Math.max(
    0,
    parts.findIndex(({ role }) => role === 'user'),
  );
  const front = Array.from({ length: images }, (): ChatPart => ({ type: 'image' }));
  return parts.map(({ role, parts }, i) => ({ role, content: i === first ? [...front, ...parts] : parts }));
}

function splitAtMarks(text: string): ChatPart[] {
  const parts = text
    .split(MARK)
    .flatMap((piece): ChatPart[] => [
      { type: 'image' },
      ...(piece === '' ? [] : [{ type: 'text' as const, text: piece }]),
    ]);
  return parts.slice(1);
}
