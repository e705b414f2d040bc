/**
 * The thread that watches over the memory of a reading process.
 *
 * Owns: ending the process when it takes more than it may, or when its host is gone. The reading thread cannot do
 * that: it may be inside of one call that allocates or never returns. Limits of V8 do not count buffers, and reaching
 * them aborts the process in many cases anyway.
 */
import { MAX_READER_BYTES } from './readerMessages.ts';

const POLL_MS = 25;

const host = process.ppid;

setInterval(() => {
  if (process.memoryUsage.rss() > MAX_READER_BYTES || process.ppid !== host) process.kill(process.pid, 'SIGKILL');
}, POLL_MS);
