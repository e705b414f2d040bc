/**
 * The built front end as the files that may be shown, and the headers they are shown with.
 *
 * Owns: the list of files (nothing else can be asked for, so no path is ever put together from a
 * request), their media types, and the content security policy, the same for `ares serve` and the
 * desktop window. It serves nothing itself.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AresError } from '#core/util/errors.ts';

export interface RendererFile {
  path: string;
  mediaType: string;
  /** Named by its content, so that it never changes. */
  isImmutable: boolean;
}

/** URL path, beginning with '/', to file; '/' is the page itself. */
export type RendererFiles = ReadonlyMap<string, RendererFile>;

const mediaTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff: 'font/woff',
  woff2: 'font/woff2',
  ttf: 'font/ttf',
  wasm: 'application/wasm',
};

/** @throws AresError 'not-found' when the front end was not built */
export function listRendererFiles(folder: string): RendererFiles {
  const files = new Map<string, RendererFile>();
  collect(folder, '/', files);
  const page = files.get('/index.html');
  if (page === undefined) {
    throw new AresError('not-found', 'The front end was not built: there is no index.html.', {
      where: folder,
      hint: 'Run "npm start" from the project folder; it builds what is missing.',
    });
  }
  files.set('/', page);
  return files;
}

function collect(folder: string, prefix: string, files: Map<string, RendererFile>): void {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    if (entry.isDirectory()) {
      collect(join(folder, entry.name), `${prefix}${entry.name}/`, files);
      continue;
    }
    const mediaType = mediaTypes[entry.name.split('.').at(-1)!];
    // No links: what they point to is not part of the build.
    if (!entry.isFile() || mediaType === undefined) continue;
    const path = join(folder, entry.name);
    files.set(`${prefix}${entry.name}`, { path, mediaType, isImmutable: prefix === '/assets/' });
  }
}

/**
 * Everything comes from the program itself; nothing is evaluated, embedded or sent elsewhere. Style
 * attributes are allowed because components set sizes and colours of measurements with them; style
 * sheets are not. Images from memory are a dataset's own.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "frame-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers of every answer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), clipboard-write=(self)',
};
