/**
 * A server on the loopback that speaks the part of the hub's protocol that a download uses: revisions, the tree
 * in pages, files by redirect to another address with ranges, and its ways to misbehave.
 */
import { createHash } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const COMMIT = 'c'.repeat(40);

export interface FakeHub {
  url: string;
  /** Requests as `METHOD path range`, in order. */
  requests: string[];
  /** Authorization headers that came, by path. */
  authorizations: Map<string, string | undefined>;
  /** Called for the body of a file; may send less, or other bytes. */
  deliver: (path: string, bytes: Buffer, response: ServerResponse) => void;
  /** Answers a request in place of the hub; false leaves it to the hub. */
  intercept: (path: string, request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

/** @param files by path; those above `lfsFrom` bytes are stored as large files */
export async function startFakeHub(
  name: string,
  files: ReadonlyMap<string, Buffer>,
  { lfsFrom = 1000, token = null as string | null } = {},
): Promise<FakeHub> {
  const server: Server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const hub: FakeHub = {
    url,
    requests: [],
    authorizations: new Map(),
    deliver: (_path, bytes, response) => void response.end(bytes),
    intercept: () => false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const tree = [...files].map(([path, bytes]) => ({
    type: 'file',
    path,
    size: bytes.length,
    oid: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
    ...(bytes.length < lfsFrom
      ? {}
      : { lfs: { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 130 } }),
  }));

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url!, url);
    const path = decodeURIComponent(pathname);
    hub.requests.push(`${request.method} ${path} ${request.headers.range ?? ''}`.trim());
    hub.authorizations.set(path, request.headers.authorization);
    if (hub.intercept(path, request, response)) return;
    if (token !== null && !path.startsWith('/cdn/') && request.headers.authorization !== `Bearer ${token}`) {
      json(response, 401, { error: 'Access to this model is restricted.' });
      return;
    }
    if (path.startsWith(`/api/models/${name}/revision/`)) {
      json(response, 200, { _id: '1', id: name, sha: COMMIT, private: false, likes: 0, downloads: 0, lastModified: 0 });
    } else if (path === `/api/models/${name}/tree/${COMMIT}`) {
      // In pages of four, to be followed.
      const page = Number(searchParams.get('page') ?? 0);
      if (4 * (page + 1) < tree.length) response.setHeader('Link', `<${url}${path}?page=${page + 1}>; rel="next"`);
      json(response, 200, tree.slice(4 * page, 4 * (page + 1)));
    } else if (path.startsWith(`/${name}/resolve/${COMMIT}/`)) {
      sendResolved(path.slice(`/${name}/resolve/${COMMIT}/`.length), request, response);
    } else if (path.startsWith('/cdn/')) {
      sendRange(path.slice('/cdn/'.length), request, response);
    } else {
      response.setHeader('X-Error-Code', 'RepoNotFound');
      json(response, 404, { error: 'Repository not found' });
    }
  }

  function sendResolved(file: string, request: IncomingMessage, response: ServerResponse): void {
    const entry = tree.find(({ path }) => path === file);
    if (entry === undefined) {
      response.setHeader('X-Error-Code', 'EntryNotFound');
      json(response, 404, { error: 'Entry not found' });
    } else if (entry.lfs === undefined) {
      response.setHeader('ETag', `"${entry.oid}"`);
      sendRange(file, request, response);
    } else {
      response.writeHead(302, {
        Location: `/cdn/${file}`,
        'X-Linked-ETag': `"${entry.lfs.oid}"`,
        'X-Linked-Size': entry.lfs.size,
      });
      response.end();
    }
  }

  function sendRange(file: string, request: IncomingMessage, response: ServerResponse): void {
    const bytes = files.get(file)!;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const start = range === null ? 0 : Number(range[1]);
    const end = range === null || range[2] === '' ? bytes.length - 1 : Math.min(Number(range[2]), bytes.length - 1);
    if (range !== null) response.setHeader('Content-Range', `bytes ${start}-${end}/${bytes.length}`);
    response.setHeader('ETag', `"${createHash('sha256').update(bytes).digest('hex')}"`);
    response.writeHead(range === null ? 200 : 206, { 'Content-Length': end + 1 - start });
    const part = bytes.subarray(start, end + 1);
    if (end > start) hub.deliver(file, part, response);
    else response.end(part);
  }

  return hub;
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}
