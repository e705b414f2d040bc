/**
 * The contract over the WebSocket of `ares serve`.
 *
 * Owns: the socket and opening it again when it breaks. The browser's cookie lets it in; this file
 * never sees the token.
 */
import type { Transport } from '#core/contract/transport.ts';
import { createFrameTransport } from './frameTransport.ts';

/** 'lost' until it is open again; a view says so and goes on showing what it has. */
export type ConnectionState = 'connecting' | 'open' | 'lost';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

/** Address of the socket that belongs to a page. */
export function socketAddress(page: Pick<Location, 'host' | 'protocol'>): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/socket`;
}

/** Connects, and connects again whenever the line breaks. */
export function connectWebSocket(address: string, onState: (state: ConnectionState) => void): Transport {
  const transport = createFrameTransport();
  let retryMs = FIRST_RETRY_MS;

  const connect = () => {
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      retryMs = FIRST_RETRY_MS;
      transport.opened((frame) => socket.send(frame));
      onState('open');
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => transport.received(new Uint8Array(data));
    // Also after a refusal: an error is always followed by it.
    socket.onclose = () => {
      transport.closed();
      onState('lost');
      setTimeout(connect, retryMs);
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
    };
  };
  onState('connecting');
  connect();
  return transport;
}
