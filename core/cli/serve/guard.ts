/**
 * Who may talk to the server.
 *
 * Owns: the token and the three questions asked of every request: was this very server meant (Host,
 * against names that are made to point here), did our own page ask (Origin, against other sites), and
 * does it hold the token (against other users of this machine). Pure; server.ts applies it.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Guard {
  /** 256 random bits, in the alphabet of URLs. */
  readonly token: string;
  /** Host names this machine itself; any port, since a tunnel may lead here from another one. */
  isOwnHost(host: string | undefined): boolean;
  /** There is no Origin, as in plain navigation, or it is our own page's. */
  isOwnOrigin(headers: IncomingHttpHeaders): boolean;
  holdsToken(headers: IncomingHttpHeaders): boolean;
  isToken(text: string): boolean;
  /** Header that makes a browser hold the token: scripts cannot read it and other sites cannot send it. */
  readonly cookie: string;
}

const OWN_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);
const TOKEN_BYTES = 32;

export function createGuard(): Guard {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  // Cookies are not kept apart by port: servers side by side need names of their own.
  const cookieName = `ares-${randomBytes(4).toString('hex')}`;
  const isToken = (text: string) => {
    const given = Buffer.from(text);
    const wanted = Buffer.from(token);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  };
  return {
    token,
    cookie: `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/`,
    isToken,
    isOwnHost(host) {
      const match = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i.exec(host ?? '');
      return match !== null && OWN_NAMES.has(match[1]!.toLowerCase());
    },
    isOwnOrigin: ({ origin, host }) => origin === undefined || origin === `http://${host}`,
    holdsToken({ cookie = '' }) {
      return cookie
        .split(';')
        .map((pair) => pair.trim())
        .some((pair) => pair.startsWith(`${cookieName}=`) && isToken(pair.slice(cookieName.length + 1)));
    },
  };
}
