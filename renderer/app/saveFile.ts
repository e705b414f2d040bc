/**
 * Files that leave the window: pictures, reports, cards.
 *
 * Owns: handing bytes to the browser or the shell, which asks where they go, and the names files get.
 */

export function saveFile(fileName: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // The download has taken hold of the content by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}

/** A file name of letters, digits and hyphens. */
export function fileNameOf(title: string, extension: string): string {
  const stem = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 80);
  return `${stem}.${extension}`;
}
