/**
 * What crosses between a host and a process that reads data files for it.
 *
 * Owns: the tasks, the columns in which problems cross (rows of objects would take several times as long), and the
 * limits on both ends.
 */
import type { ProcessChannel } from '#core/engine/channel.ts';
import type { PlainError } from '#core/engine/messages.ts';
import type { BadRow } from './cells.ts';
import type { Inspection, Preview } from './inspect.ts';
import type { Mapping } from './mapping.ts';
import type { Format } from './sniff.ts';

/** Resident memory of the reading process, beyond which it ends itself, bytes. */
export const MAX_READER_BYTES = 700 * 1024 * 1024;
/** Heap of the reading process, MiB: what a batch needs is a small part of it. */
export const READER_HEAP_MIB = 320;
/** Batches that may be on their way before the first of them has been taken. */
export const BATCHES_AHEAD = 3;

export interface ProblemsRequest {
  path: string;
  /** All fields that are mapped, or those that are not to be guessed. */
  mapping: Mapping | { guessExcept: Partial<Mapping> };
  /** Whether the bytes of images are wanted; their number comes in any case. */
  images: boolean;
}

export type ReadTask =
  | { kind: 'inspect'; path: string }
  | { kind: 'preview'; path: string; mapping: Mapping | null }
  | ({ kind: 'problems' } & ProblemsRequest);

/** Where a dataset's problems come from and how its rows are understood. */
export interface ReadStart {
  name: string;
  format: Format;
  /** What `readBytes` goes up to, about. */
  sizeBytes: number;
  mapping: Mapping;
}

/** Problems of consecutive rows, in columns of equal length, and what was left out of these rows. */
export interface ProblemColumns {
  line: number[];
  id: string[];
  key: number[];
  /** JSON of a text or of chat messages. */
  prompt: string[];
  answer: string[];
  source: string[];
  /** JSON of ProblemMeta. */
  meta: string[];
  imageCount: number[];
  /** One after another, `imageCount` of each problem. */
  images: Uint8Array[];
  /** By line: rows that cannot be read or used, and repeated problems. */
  skipped: BadRow[];
  /** How many of the rows left out were so for which reason; the others repeat an earlier one. */
  unreadable: number;
  unusable: number;
  /** The lines of repeated problems. */
  repeated: number[];
  readBytes: number;
}

export type ToReader = { kind: 'start'; task: ReadTask } | { kind: 'more' };

export type FromReader =
  | { kind: 'ready' }
  | { kind: 'alive' }
  | { kind: 'opened'; start: ReadStart }
  | { kind: 'batch'; batch: ProblemColumns }
  | { kind: 'done'; result: Inspection | Preview | null }
  | { kind: 'error'; error: PlainError };

export type ReaderChannel = ProcessChannel<ToReader, FromReader>;
