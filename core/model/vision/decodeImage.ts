/**
 * PNG, JPEG and WebP files to RGB bytes, through sharp.
 *
 * Owns: which formats are taken, the limit on pixels, and turning sharp's failures into typed errors. An
 * image is untrusted: its header is read before anything is allocated for it.
 */
import sharp from 'sharp';
import { AresError } from '#core/util/errors.ts';
import type { DecodedImage } from './imageProcessor.ts';

const FORMATS: readonly string[] = ['png', 'jpeg', 'webp'];
/** Far more than any model looks at; a file that claims more is a bomb or a mistake. */
const MAX_PIXELS = 64 * 1024 * 1024;

/**
 * @param where what a person knows the image by
 * @throws AresError 'bad-data' for a broken image, another format, or too many pixels
 */
export async function decodeImage(bytes: Uint8Array, where: string): Promise<DecodedImage> {
  try {
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error', animated: false });
    const { format } = await image.metadata();
    if (!FORMATS.includes(format ?? '')) throw notAnImage(where, `it is ${format ?? 'of an unknown format'}`);
    // Transparency is dropped, not blended: that is what the image processor of transformers does.
    const { data, info } = await image.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const rgb = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { width: info.width, height: info.height, rgb: info.channels === 3 ? rgb : greyToRgb(rgb) };
  } catch (thrown) {
    if (thrown instanceof AresError) throw thrown;
    throw notAnImage(where, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function greyToRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  grey.forEach((value, i) => rgb.fill(value, i * 3, i * 3 + 3));
  return rgb;
}

function notAnImage(where: string, why: string): AresError {
  return new AresError('bad-data', `This image cannot be read: ${why}.`, {
    where,
    hint: 'Give a PNG, JPEG or WebP file of at most 64 million pixels.',
  });
}
