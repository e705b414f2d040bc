/**
 * What crosses between a front end and a host, as bytes: one frame per message.
 *
 * Owns: the kinds of message and the envelope around a value. The envelope is read before the value, so
 * that a frame which is too large for the call it names is refused without being looked into. Values
 * are wire.ts.
 *
 *     u8 kind | u8 length of the name | u16 0 | u32 id | name, ASCII | bytes 0 up to a multiple of 8 | value
 */
import { calls } from './contract.ts';
import { WireFormatError, decodeValue, encodeValue } from './wire.ts';

/** From the front end: call, subscribe, acknowledge, unsubscribe. From the host: the others. */
export const frameKinds = [
  'call',
  'subscribe',
  'acknowledge',
  'unsubscribe',
  'answer',
  'refusal',
  'item',
  'end',
] as const;
export type FrameKind = (typeof frameKinds)[number];

export interface Frame {
  kind: FrameKind;
  /** Of the call or subscription; chosen by the front end, unique within a connection. */
  id: number;
  /** Of the call or stream; '' in all messages but call and subscribe. */
  name: string;
  /** Bytes of the value as they lie in the frame. */
  sizeBytes: number;
  /** @throws WireFormatError when the bytes are no value; undefined where there are none */
  read(): unknown;
}

const ENVELOPE_BYTES = 8;
const ALIGNMENT = 8;
const MAX_NAME = 255;

/** No frame from a front end is larger: the largest request with its envelope. */
export const maxFrameBytes =
  Math.max(...Object.values(calls).map(({ maxRequestBytes }) => maxRequestBytes)) + ENVELOPE_BYTES + MAX_NAME + 1;

/** @throws WireFormatError when the value cannot cross */
export function encodeFrame(kind: FrameKind, id: number, name = '', value?: unknown): Uint8Array<ArrayBuffer> {
  const body = value === undefined ? undefined : encodeValue(value);
  const start = bodyStart(name.length);
  const bytes = new Uint8Array(start + (body?.length ?? 0));
  bytes[0] = frameKinds.indexOf(kind);
  bytes[1] = name.length;
  new DataView(bytes.buffer).setUint32(4, id, true);
  for (let i = 0; i < name.length; i++) bytes[ENVELOPE_BYTES + i] = name.charCodeAt(i);
  if (body !== undefined) bytes.set(body, start);
  return bytes;
}

/** Reads the envelope only. @throws WireFormatError when there is none */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length < ENVELOPE_BYTES) throw new WireFormatError('The frame ends before its envelope.');
  const kind = frameKinds[bytes[0]!];
  if (kind === undefined) throw new WireFormatError(`There is no message of kind ${bytes[0]}.`);
  const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const nameLength = bytes[1]!;
  const start = bodyStart(nameLength);
  if (start > bytes.length) throw new WireFormatError('The frame ends within its envelope.');
  const name = String.fromCharCode(...bytes.subarray(ENVELOPE_BYTES, ENVELOPE_BYTES + nameLength));
  const sizeBytes = bytes.length - start;
  return {
    kind,
    id,
    name,
    sizeBytes,
    read: () => (sizeBytes === 0 ? undefined : decodeValue(bytes.subarray(start))),
  };
}

function bodyStart(nameLength: number): number {
  return Math.ceil((ENVELOPE_BYTES + nameLength) / ALIGNMENT) * ALIGNMENT;
}
