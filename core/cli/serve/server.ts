/**
 * The server behind `ares serve`: the built front end and a WebSocket, on this machine only.
 *
 * Owns: HTTP, the exchange of the token in the address for a cookie, and moving frames between
 * WebSockets and sessions at the pace of the slower end. What frames mean is contract/session.ts; who
 * may talk at all is guard.ts.
 */
import { createReadStream } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Dispatcher } from '#core/contract/dispatch.ts';
import { maxFrameBytes } from '#core/contract/frames.ts';
import { createSession } from '#core/contract/session.ts';
import { type RendererFiles, securityHeaders } from '#core/host/rendererFiles.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { type Guard, createGuard } from './guard.ts';

export interface ServerOptions {
  dispatcher: Dispatcher;
  files: RendererFiles;
  /** 0 lets the system choose. */
  port: number;
}

export interface Server {
  /** With the token: whoever opens it once is let in. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const ADDRESS = '127.0.0.1';
const SOCKET_PATH = '/socket';
/** Windows of one person; each has one connection. */
const MAX_CONNECTIONS = 32;
/** A front end that has this much unread is not read from until it has caught up. */
const HIGH_WATER_BYTES = 16 * 1024 * 1024;
const PING_MS = 30_000;
const POLICY_VIOLATION = 1008;
const GOING_AWAY = 1001;

/** @throws AresError 'usage' when the port is taken, else as listening does */
export async function startServer({ dispatcher, files, port }: ServerOptions): Promise<Server> {
  const guard = createGuard();
  const http = createServer((request, response) => answer(request, response, guard, files));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false });
  sockets.on('connection', (socket) => serveSocket(socket, dispatcher));
  http.on('upgrade', (request, connection, head) => {
    const refusal = refusalOfUpgrade(request, guard, sockets.clients.size);
    if (refusal !== null) {
      refuseUpgrade(connection, refusal);
      return;
    }
    sockets.handleUpgrade(request, connection, head, (socket) => sockets.emit('connection', socket, request));
  });
  await new Promise<void>((resolve, reject) => {
    http.once('error', (thrown: NodeJS.ErrnoException) => reject(listenError(thrown, port)));
    http.listen(port, ADDRESS, resolve);
  });
  const own = (http.address() as AddressInfo).port;
  return {
    port: own,
    url: `http://${ADDRESS}:${own}/?token=${guard.token}`,
    async close() {
      for (const socket of sockets.clients) socket.close(GOING_AWAY);
      const closed = new Promise<void>((resolve) => void http.close(() => resolve()));
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      await closed;
    },
  };
}

function listenError(thrown: NodeJS.ErrnoException, port: number): AresError {
  if (thrown.code !== 'EADDRINUSE' && thrown.code !== 'EACCES') return toAresError(thrown);
  return new AresError('usage', `Port ${port} cannot be used: it is taken or not allowed.`, {
    hint: 'Choose another with --port, or leave it out.',
    cause: thrown,
  });
}

function answer(request: IncomingMessage, response: ServerResponse, guard: Guard, files: RendererFiles): void {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  response.setHeader('Cache-Control', 'no-store');
  const { headers, method, url = '/' } = request;
  if (!guard.isOwnHost(headers.host) || !guard.isOwnOrigin(headers)) {
    refuse(response, 403, 'This server answers its own page only.');
    return;
  }
  if (method !== 'GET' && method !== 'HEAD') {
    refuse(response, 405, 'Only GET and HEAD are answered.');
    return;
  }
  const [path = '/', query = ''] = url.split('?', 2);
  const given = new URLSearchParams(query).get('token');
  if (path === '/' && given !== null && guard.isToken(given)) {
    // A page that leads on, not a redirect: a strict cookie is not sent along when another site led here.
    response.setHeader('Set-Cookie', guard.cookie);
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(
      '<!doctype html><meta http-equiv="refresh" content="0; url=/"><title>ARES Workbench</title><link rel="icon" href="/icon.svg">',
    );
    return;
  }
  if (!guard.holdsToken(headers)) {
    refuse(response, 401, 'Open the address that "ares serve" printed, with its token.');
    return;
  }
  const file = files.get(path);
  if (file === undefined) {
    refuse(response, 404, 'There is no such page.');
    return;
  }
  response.setHeader('Content-Type', file.mediaType);
  if (file.isImmutable) response.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
  if (method === 'HEAD') {
    response.end();
    return;
  }
  const content = createReadStream(file.path);
  content.on('error', () => {
    // Rebuilt meanwhile: the page has to be loaded again.
    if (response.headersSent) response.destroy();
    else refuse(response, 404, 'This file is gone. Reload the page.');
  });
  content.pipe(response);
}

function refuse(response: ServerResponse, status: number, sentence: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${sentence}\n`);
}

/** The status line that refuses it; null when it is let in. A socket's Origin must be there: every browser sends it. */
function refusalOfUpgrade({ headers, url }: IncomingMessage, guard: Guard, connections: number): string | null {
  if (!guard.isOwnHost(headers.host) || headers.origin === undefined || !guard.isOwnOrigin(headers)) {
    return '403 Forbidden';
  }
  if (!guard.holdsToken(headers)) return '401 Unauthorized';
  if (url !== SOCKET_PATH) return '404 Not Found';
  return connections >= MAX_CONNECTIONS ? '503 Service Unavailable' : null;
}

function refuseUpgrade(connection: Duplex, status: string): void {
  connection.on('error', () => undefined);
  connection.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function serveSocket(socket: WebSocket, dispatcher: Dispatcher): void {
  const session = createSession({
    dispatcher,
    send(frame) {
      socket.send(frame, () => {
        if (socket.bufferedAmount < HIGH_WATER_BYTES) socket.resume();
      });
      if (socket.bufferedAmount >= HIGH_WATER_BYTES) socket.pause();
    },
    disconnect: (reason) => socket.close(POLICY_VIOLATION, reason),
  });
  let isAlive = true;
  const pings = setInterval(() => {
    if (!isAlive) {
      socket.terminate();
      return;
    }
    // A paused socket does not hear the answer; that it still drains is sign enough.
    isAlive = socket.isPaused;
    socket.ping();
  }, PING_MS);
  socket.on('pong', () => {
    isAlive = true;
  });
  socket.on('message', (data, isBinary) => {
    isAlive = true;
    if (isBinary) session.receive(data as Buffer);
    else socket.close(POLICY_VIOLATION, 'Messages are binary.');
  });
  // Too large or malformed a message ends the connection; 'close' follows.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(pings);
    session.close();
  });
}
