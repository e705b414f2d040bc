/**
 * The one origin whose pages this shell shows and listens to.
 *
 * Owns: its name and telling it from all others. Pure, so that every check is the same.
 */

export const SCHEME = 'app';
export const HOST = 'ares';
export const PAGE = `${SCHEME}://${HOST}/`;

/** By the parsed URL: `app://ares.evil/` and `https://x/app://ares/` are others. */
export function isOwnUrl(url: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    parsed.protocol === `${SCHEME}:` &&
    parsed.hostname === HOST &&
    parsed.port === '' &&
    parsed.username === '' &&
    parsed.password === ''
  );
}

/** Addresses that may be handed to the system: its handlers of other schemes run programs. */
export function isWebUrl(url: string): boolean {
  const protocol = URL.parse(url)?.protocol;
  return protocol === 'http:' || protocol === 'https:';
}
