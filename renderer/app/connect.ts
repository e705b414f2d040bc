/**
 * Which shell this window lives in, and the line to its host.
 *
 * Owns: the choice between the desktop shell's bridge and a WebSocket, made by what `window` offers.
 */
import { connectDesktop, desktopOf } from '#renderer/transport/electron.ts';
import { type ConnectionState, connectWebSocket, socketAddress } from '#renderer/transport/webSocket.ts';
import type { Transport } from '#core/contract/transport.ts';
import type { Connection } from './session.svelte.ts';

export function connect(): { transport: Transport; connection: Connection } {
  const desktop = desktopOf(window);
  if (desktop !== null) {
    return {
      transport: connectDesktop(desktop),
      // The line lives as long as the window.
      connection: {
        onConnected: () => () => undefined,
        pathOfFile: (file) => desktop.pathOfFile(file) || null,
        desktop,
      },
    };
  }
  const listeners = new Set<(isConnected: boolean) => void>();
  const report = (state: ConnectionState) => {
    for (const listener of listeners) listener(state === 'open');
  };
  return {
    transport: connectWebSocket(socketAddress(location), report),
    connection: {
      onConnected: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      pathOfFile: () => null,
      desktop: null,
    },
  };
}
