/**
 * One front end's connection, seen from the host: frames in, frames out.
 *
 * Owns: which calls are under way and which subscriptions are open on the connection, and ending them
 * with it. A front end that breaks the protocol is disconnected. Moving the frames is the transport's.
 */
import type { Dispatcher, Subscription } from './dispatch.ts';
import { type Frame, decodeFrame, encodeFrame } from './frames.ts';

/** More at once are a runaway front end: views ask for what they show, a screenful at most. */
const MAX_CALLS = 512;
const MAX_SUBSCRIPTIONS = 256;

export interface SessionOptions {
  dispatcher: Dispatcher;
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** The front end broke the protocol; the transport disconnects it. */
  disconnect(reason: string): void;
}

export interface Session {
  receive(bytes: Uint8Array): void;
  /** The front end is gone: ends its subscriptions; answers under way are dropped. */
  close(): void;
}

export function createSession({ dispatcher, send, disconnect }: SessionOptions): Session {
  const subscriptions = new Map<number, Subscription>();
  let callsUnderWay = 0;
  let isClosed = false;

  const close = () => {
    isClosed = true;
    for (const subscription of subscriptions.values()) subscription.cancel();
    subscriptions.clear();
  };
  const refuse = (reason: string) => {
    close();
    disconnect(reason);
  };

  async function answer({ id, name, sizeBytes, read }: Frame): Promise<void> {
    if (callsUnderWay >= MAX_CALLS) {
      refuse('Too many calls at once.');
      return;
    }
    callsUnderWay++;
    const result = await dispatcher.call(name, { sizeBytes, read });
    callsUnderWay--;
    if (isClosed) return;
    if (result.ok) send(encodeFrame('answer', id, '', result.value));
    else send(encodeFrame('refusal', id, '', result.error));
  }

  function subscribe({ id, name, sizeBytes, read }: Frame): void {
    if (subscriptions.has(id) || subscriptions.size >= MAX_SUBSCRIPTIONS) {
      refuse('Too many subscriptions, or one number for two.');
      return;
    }
    let hasEnded = false;
    const subscription = dispatcher.subscribe(
      name,
      { sizeBytes, read },
      {
        item: (item) => send(encodeFrame('item', id, '', item)),
        end: (error) => {
          hasEnded = true;
          subscriptions.delete(id);
          send(encodeFrame('end', id, '', { error }));
        },
      },
    );
    if (!hasEnded) subscriptions.set(id, subscription);
  }

  return {
    receive(bytes) {
      if (isClosed) return;
      let frame: Frame;
      try {
        frame = decodeFrame(bytes);
      } catch {
        refuse('The message is malformed.');
        return;
      }
      switch (frame.kind) {
        case 'call':
          void answer(frame);
          return;
        case 'subscribe':
          subscribe(frame);
          return;
        case 'acknowledge':
          // One that has ended meanwhile is acknowledged in vain.
          subscriptions.get(frame.id)?.acknowledge();
          return;
        case 'unsubscribe':
          subscriptions.get(frame.id)?.cancel();
          subscriptions.delete(frame.id);
          return;
        default:
          refuse(`A front end does not send messages of kind ${frame.kind}.`);
      }
    },
    close,
  };
}
