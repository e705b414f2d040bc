/**
 * Charts as pictures.
 *
 * Owns: drawing an SVG into pixels. A picture has the light colours on white, whatever the window's theme: it is
 * for papers and slides.
 */
import { type Drawing, svgFile } from '#core/compare/charts/drawing.ts';

/** Pixels per CSS pixel. */
const SCALE = 2;

/** @throws Error when the picture cannot be drawn, which would be a bug of the drawing */
export async function pngOf(drawing: Drawing): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svgFile(drawing, 'light')], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth * SCALE;
    canvas.height = image.naturalHeight * SCALE;
    const context = canvas.getContext('2d')!;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
    if (blob === null) throw new Error('The chart is too large for a picture.');
    return blob;
  } finally {
    URL.revokeObjectURL(url);
  }
}
