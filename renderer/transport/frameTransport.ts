/**
 * The front end's end of the contract over anything that carries frames.
 *
 * Owns: matching answers to calls, acknowledging items, and outliving a line that breaks: calls made
 * while it is down wait, calls that were under way fail (nobody knows whether they were carried out),
 * subscriptions are made again. It knows neither WebSocket nor Electron.
 */
import { type Frame, type FrameKind, decodeFrame, encodeFrame } from '#core/contract/frames.ts';
import { changeTopics } from '#core/contract/contract.ts';
import type { Subscriber, Transport, WireError } from '#core/contract/transport.ts';

export interface FrameTransport extends Transport {
  /** The line is there. */
  opened(send: (frame: Uint8Array<ArrayBuffer>) => void): void;
  received(bytes: Uint8Array): void;
  /** The line broke; `opened` may follow. */
  closed(): void;
}

interface Call {
  resolve(value: unknown): void;
  reject(error: WireError): void;
}

interface Subscription {
  name: string;
  params: unknown;
  subscriber: Subscriber;
}

const lost: WireError = {
  code: 'connection',
  message: 'The connection to the workbench broke before the answer came.',
  where: null,
  hint: 'It is being restored. Look whether the change was made, then try again.',
};

export function createFrameTransport(): FrameTransport {
  const calls = new Map<number, Call>();
  const subscriptions = new Map<number, Subscription>();
  /** Calls made while the line is down, in order. */
  let unsent: { id: number; frame: Uint8Array<ArrayBuffer> }[] = [];
  let send: ((frame: Uint8Array<ArrayBuffer>) => void) | null = null;
  let hasBeenOpen = false;
  let lastId = 0;

  const sendNow = (kind: FrameKind, id: number, name?: string, value?: unknown) => {
    send?.(encodeFrame(kind, id, name, value));
  };

  async function deliver(id: number, { subscriber }: Subscription, item: unknown): Promise<void> {
    try {
      await subscriber.item(item);
      sendNow('acknowledge', id);
    } catch (thrown) {
      // A view that fails on an item gets no more of them; its error is shown where errors are.
      subscriptions.delete(id);
      sendNow('unsubscribe', id);
      throw thrown;
    }
  }

  function receive({ kind, id, read }: Frame): void {
    switch (kind) {
      case 'answer':
      case 'refusal': {
        const call = calls.get(id);
        calls.delete(id);
        if (kind === 'answer') call?.resolve(read());
        else call?.reject(read() as WireError);
        return;
      }
      case 'item': {
        const subscription = subscriptions.get(id);
        if (subscription !== undefined) void deliver(id, subscription, read());
        return;
      }
      case 'end': {
        const subscription = subscriptions.get(id);
        subscriptions.delete(id);
        subscription?.subscriber.end((read() as { error: WireError | null }).error);
        return;
      }
      default:
        throw new Error(`The host sent a message of kind ${kind}.`);
    }
  }

  return {
    call(name, request) {
      return new Promise((resolve, reject) => {
        const id = ++lastId;
        const frame = encodeFrame('call', id, name, request);
        calls.set(id, { resolve, reject });
        if (send === null) unsent.push({ id, frame });
        else send(frame);
      });
    },
    subscribe(name, params, subscriber) {
      const id = ++lastId;
      subscriptions.set(id, { name, params, subscriber });
      sendNow('subscribe', id, name, params);
      return () => {
        if (subscriptions.delete(id)) sendNow('unsubscribe', id);
      };
    },
    opened(newSend) {
      send = newSend;
      for (const [id, subscription] of subscriptions) {
        sendNow('subscribe', id, subscription.name, subscription.params);
        // What was announced while the line was down is not known: everything may have changed.
        if (hasBeenOpen && subscription.name === 'changes') {
          void subscription.subscriber.item({ topics: [...changeTopics] });
        }
      }
      hasBeenOpen = true;
      for (const { frame } of unsent) send(frame);
      unsent = [];
    },
    received: (bytes) => receive(decodeFrame(bytes)),
    closed() {
      send = null;
      const waiting = new Set(unsent.map(({ id }) => id));
      for (const [id, call] of calls) {
        if (waiting.has(id)) continue;
        calls.delete(id);
        call.reject(lost);
      }
    },
  };
}
