/**
 * Paths of the host's machine, which may use other separators than this one.
 */

const separatorOf = (folder: string) => (/^[A-Za-z]:\\|^\\\\/.test(folder) ? '\\' : '/');

export function joinPath(folder: string, name: string): string {
  const separator = separatorOf(folder);
  return folder.endsWith(separator) ? folder + name : folder + separator + name;
}

/** A name that a folder can have anywhere. */
export function folderName(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/[^\p{L}\p{N}._ -]+/gu, ' ')
    .trim()
    .replaceAll(/\s+/g, '-')
    .replace(/^[.-]+/, '');
  return plain === '' ? 'untitled' : plain.slice(0, 80);
}
