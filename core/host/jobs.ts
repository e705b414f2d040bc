/**
 * Long work that is not a run: imports, exports, comparisons.
 *
 * Owns: the list of jobs, their progress and remaining time, cancelling, and telling followers. A job
 * lives as long as this process; what it must not lose it writes itself.
 */
import type { Job } from '#core/contract/contract.ts';
import { toWireError } from '#core/contract/dispatch.ts';
import { AresError } from '#core/util/errors.ts';
import type { Changes } from './changes.ts';
import type { Jobs } from './hostContext.ts';

/** Finished jobs that are still shown, with those under way. */
const MAX_KEPT = 100;

export interface JobList extends Jobs {
  /** Cancels what is under way and waits until all of it has stopped. */
  close(): Promise<void>;
}

interface Entry {
  job: Job;
  abort: AbortController;
  startedMs: number;
  listeners: Set<(job: Job) => void>;
  ended: Promise<void>;
}

export function createJobs(changes: Pick<Changes, 'announce'>, now: () => number = Date.now): JobList {
  const entries = new Map<number, Entry>();
  let started = 0;

  const update = (entry: Entry, change: Partial<Job>) => {
    entry.job = { ...entry.job, ...change };
    for (const listener of entry.listeners) listener(entry.job);
    if (change.state === undefined) return;
    forget();
    changes.announce('jobs');
  };

  /** The oldest that have ended make room. */
  const forget = () => {
    for (const [jobId, { job }] of entries) {
      if (entries.size <= MAX_KEPT) return;
      if (job.state !== 'running') entries.delete(jobId);
    }
  };

  async function work(entry: Entry, body: Parameters<Jobs['start']>[1]): Promise<void> {
    const { signal } = entry.abort;
    try {
      const result = await body({
        signal,
        progress: (done, total) => {
          update(entry, { done, total, remainingMs: remaining(now() - entry.startedMs, done, total) });
        },
      });
      // What was complete before it noticed that it should stop is complete.
      update(entry, { state: 'finished', remainingMs: null, result: result ?? null });
    } catch (thrown) {
      if (signal.aborted) update(entry, { state: 'cancelled', remainingMs: null });
      else update(entry, { state: 'failed', remainingMs: null, error: toWireError(thrown) });
    }
  }

  const start: Jobs['start'] = ({ kind, title, unit }, body) => {
    const jobId = ++started;
    const entry: Entry = {
      job: {
        jobId,
        kind,
        title,
        state: 'running',
        done: 0,
        total: null,
        unit,
        remainingMs: null,
        error: null,
        result: null,
      },
      abort: new AbortController(),
      startedMs: now(),
      listeners: new Set(),
      ended: Promise.resolve(),
    };
    entries.set(jobId, entry);
    forget();
    changes.announce('jobs');
    // Whoever started it gets its number before it does anything.
    entry.ended = Promise.resolve().then(() => work(entry, body));
    return jobId;
  };

  return {
    start,
    run: (about, body) =>
      new Promise((resolve, reject) => {
        start(about, async (control) => {
          try {
            // The result goes to who waits for it and is not kept.
            resolve(await body(control));
          } catch (thrown) {
            reject(control.signal.aborted ? stopped(about.title) : thrown);
            throw thrown;
          }
        });
      }),
    list: () => [...entries.values()].map(({ job }) => job).slice(-MAX_KEPT),
    cancel(jobId) {
      requireEntry(jobId).abort.abort();
    },
    follow(jobId, listener) {
      const entry = requireEntry(jobId);
      entry.listeners.add(listener);
      listener(entry.job);
      return () => void entry.listeners.delete(listener);
    },
    async close() {
      const running = [...entries.values()].filter(({ job }) => job.state === 'running');
      for (const { abort } of running) abort.abort();
      await Promise.all(running.map(({ ended }) => ended));
    },
  };

  function requireEntry(jobId: number): Entry {
    const entry = entries.get(jobId);
    if (entry !== undefined) return entry;
    throw new AresError('not-found', `There is no job ${jobId} any more.`, { hint: 'Start it again.' });
  }
}

function stopped(title: string): AresError {
  return new AresError('interrupted', `Stopped: ${title}.`, {
    hint: 'Nothing was changed. Ask for it again when you want it.',
  });
}

function remaining(elapsedMs: number, done: number, total: number | null): number | null {
  return total === null || done <= 0 ? null : (elapsedMs * Math.max(0, total - done)) / done;
}
