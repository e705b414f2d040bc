/**
 * app://ares/: the built front end as pages of a secure origin.
 *
 * Owns: the privileges of the scheme and answering its requests from the list of built files. A path is
 * looked up as it is written, never put together or decoded: whatever is not in the list is not there.
 */
import { readFile } from 'node:fs/promises';
import type { CustomScheme } from 'electron';
import { type RendererFile, type RendererFiles, securityHeaders } from '#core/host/rendererFiles.ts';
import { PAGE, SCHEME, isOwnUrl } from './origin.ts';

/** Registered before the app is ready. */
export const schemePrivileges: CustomScheme = {
  scheme: SCHEME,
  privileges: { standard: true, secure: true, supportFetchAPI: true, corsEnabled: false },
};

/** The file a URL names; undefined for other hosts, escapes, back-slashes and everything unknown. */
export function fileOf(url: string, files: RendererFiles): RendererFile | undefined {
  if (!isOwnUrl(url)) return undefined;
  const [path = ''] = url.slice(PAGE.length - 1).split(/[?#]/, 1);
  return files.get(path);
}

export function createProtocolHandler(files: RendererFiles): (request: Request) => Promise<Response> {
  return async ({ url, method }) => {
    const file = fileOf(url, files);
    if (method !== 'GET') return refusal(405, 'Only GET is answered.');
    if (file === undefined) return refusal(404, 'There is no such page.');
    return new Response(new Uint8Array(await readFile(file.path)), {
      headers: { ...securityHeaders, 'Content-Type': file.mediaType, 'Cache-Control': 'no-cache' },
    });
  };
}

function refusal(status: number, text: string): Response {
  return new Response(text, { status, headers: { ...securityHeaders, 'Content-Type': 'text/plain; charset=utf-8' } });
}
