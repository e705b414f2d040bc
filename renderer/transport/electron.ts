/**
 * The contract over Electron's IPC, by what preload.ts put into the window.
 */
import type { Desktop } from '#core/contract/desktop.ts';
import type { Transport } from '#core/contract/transport.ts';
import { createFrameTransport } from './frameTransport.ts';

/** What the desktop shell offers; null in a browser. */
export function desktopOf(window: object): Desktop | null {
  return (window as { ares?: Desktop }).ares ?? null;
}

/** The line does not break while the window lives. */
export function connectDesktop(desktop: Desktop): Transport {
  const transport = createFrameTransport();
  void desktop.connect(transport.received).then(() => transport.opened(desktop.send));
  return transport;
}
