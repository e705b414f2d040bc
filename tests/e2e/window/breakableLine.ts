/**
 * A line to a server that a test can cut and mend, as a tunnel or a sleeping laptop does: the server lives on and
 * does not know why it hears nothing.
 *
 * Owns: passing bytes between two ports of this machine, and how often somebody tried while it was cut.
 */
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface BreakableLine {
  readonly port: number;
  /** Breaks what is open and takes nothing new. */
  cut(): void;
  mend(): void;
  /** Connections that were refused since it was cut. */
  attempts(): number;
  close(): Promise<void>;
}

export async function breakableLine(target: number): Promise<BreakableLine> {
  const open = new Set<Socket>();
  let isCut = false;
  let attempts = 0;
  const server = createServer((near) => {
    if (isCut) {
      attempts++;
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening));
  const breakAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      attempts = 0;
      breakAll();
    },
    mend: () => void (isCut = false),
    attempts: () => attempts,
    close() {
      breakAll();
      return new Promise((closed) => void server.close(() => closed()));
    },
  };
}
