/**
 * Whether a server can be reached at all, told within a second.
 *
 * Owns: one connection that is opened and closed again, before work that would otherwise wait for the long time
 * limits of a network that swallows everything. What the server says is of no interest here.
 */
import { connect as connectTo, type Socket } from 'node:net';
import { AresError } from '#core/util/errors.ts';

/** Name and connection together; a person who waits for a sentence does not wait longer. */
const LIMIT_MS = 900;

interface Options {
  limitMs?: number;
  /** Replaced in tests: no address of this machine swallows a connection. */
  connect?: (where: { host: string; port: number }) => Socket;
}

/** @throws AresError 'network' */
export async function requireReachable(
  url: string,
  { limitMs = LIMIT_MS, connect = connectTo }: Options = {},
): Promise<void> {
  // Then it is the proxy that must be reached, and fetch knows where it is.
  if (process.env['NODE_USE_ENV_PROXY'] === '1') return;
  const { protocol, hostname, port, origin } = new URL(url);
  const socket = connect({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('nothing answers within a second')), limitMs);
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  } catch (thrown) {
    throw unreachable(origin, thrown);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** What is said of a server that cannot be reached, with the system's own reason. */
export function unreachable(where: string, thrown: unknown): AresError {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const reason = (cause instanceof Error ? cause.message : String(cause)) || 'the connection failed';
  return new AresError('network', `The hub cannot be reached: ${reason}.`, {
    where,
    hint: 'Check the connection, or copy the model folder here by other means and import it.',
    cause: thrown,
  });
}
