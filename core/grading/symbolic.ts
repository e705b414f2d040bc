/**
 * Grading with computer algebra for what the rules leave undecided.
 *
 * Owns: the worker thread, started when it is first needed, and its limits. Almost no answer gets here: sums,
 * integrals, limits, and numbers too large to write out. The limit counts processor time, not
 * the clock, so that a busy machine does not shorten it; a comparison that exceeds it makes its response
 * `ungradable`, marked as timed out, and never wrong or correct. Findings are remembered, so within a process the
 * same two answers always get the same verdict.
 */
import { Worker } from 'node:worker_threads';
import { type Decision, type Grade, type GradeRequest, decideBatch, settled } from './grade.ts';
import type { SymbolicFinding, SymbolicQuestion } from './symbolicWorker.ts';

/** Processor time of one comparison, milliseconds. */
const CPU_LIMIT_MS = 5_000;
/** By the clock, for a thread that hangs without using any. */
const WALL_LIMIT_MS = 60_000;
const POLL_MS = 200;
const MAX_MEMORY_MB = 512;
/** Longer answers are not worth asking about. */
const MAX_LENGTH = 300;
const MAX_REMEMBERED = 10_000;

type Outcome = SymbolicFinding | 'timed-out';

/** Grades many responses; only what the rules cannot decide is sent to the worker, one after the other. */
export async function gradeResponses(requests: readonly GradeRequest[]): Promise<Grade[]> {
  const grades: Grade[] = [];
  for (const decision of decideBatch(requests)) {
    grades.push(decision.kind === 'decided' ? decision.grade : await gradeUndecided(decision));
  }
  return grades;
}

async function gradeUndecided(decision: Decision & { kind: 'undecided' }): Promise<Grade> {
  const { gold, extracted, how } = decision;
  const outcome = await comparer.compare(gold, extracted);
  if (outcome === 'same') return { verdict: 'correct', extracted, how };
  if (outcome === 'different') return { verdict: 'wrong', extracted, how };
  return outcome === 'timed-out' ? { verdict: 'ungradable', extracted, how, timedOut: true } : settled(decision);
}

class SymbolicComparer {
  #worker: Worker | null = null;
  /** The comparison in progress; the next waits for it. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #remembered = new Map<string, Outcome>();

  compare(gold: string, answer: string): Promise<Outcome> {
    const [a, b] = [plain(gold), plain(answer)];
    if (a.length > MAX_LENGTH || b.length > MAX_LENGTH) return Promise.resolve('unknown');
    const turn = this.#turn.then(async () => {
      const key = JSON.stringify([a, b]);
      const outcome = this.#remembered.get(key) ?? (await this.#ask({ a, b }));
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(key, outcome);
      return outcome;
    });
    this.#turn = turn;
    return turn;
  }

  async #ask(question: SymbolicQuestion): Promise<Outcome> {
    const worker = await this.#start();
    if (worker === null) return 'timed-out';
    const startedMs = performance.now();
    // The thread's own count cannot be read while it is busy; the host does next to nothing while it waits.
    const startCpu = process.cpuUsage();
    const answered = nextMessage(worker);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(question);
    for (;;) {
      const outcome = await Promise.race([answered, delay(POLL_MS)]);
      if (outcome !== undefined && outcome !== null) {
        worker.unref();
        return outcome as SymbolicFinding;
      }
      const { user, system } = process.cpuUsage(startCpu);
      const isOver = (user + system) / 1_000 > CPU_LIMIT_MS || performance.now() - startedMs > WALL_LIMIT_MS;
      // Out of memory ends the thread: that is a limit, too.
      if (outcome === null || isOver) {
        this.#worker = null;
        await worker.terminate();
        return 'timed-out';
      }
    }
  }

  /** The thread, with the library loaded; loading does not count towards any limit. Null when it cannot be started. */
  async #start(): Promise<Worker | null> {
    if (this.#worker === null) {
      const worker = new Worker(new URL('./symbolicWorker.ts', import.meta.url), {
        resourceLimits: { maxOldGenerationSizeMb: MAX_MEMORY_MB },
      });
      if ((await nextMessage(worker)) === null) return null;
      this.#worker = worker;
    }
    this.#worker.ref();
    return this.#worker;
  }
}

/** What a thread says next; null when it ends instead. */
function nextMessage(worker: Worker): Promise<unknown> {
  return new Promise((resolve) => {
    const settle = (message: unknown): void => {
      worker.off('message', settle).off('error', end).off('exit', end);
      resolve(message);
    };
    const end = (): void => settle(null);
    worker.on('message', settle).on('error', end).on('exit', end);
  });
}

const comparer = new SymbolicComparer();

/** An answer without the delimiters of math mode. */
function plain(text: string): string {
  return text
    .replaceAll('$', ' ')
    .replace(/\\[()[\]]/g, ' ')
    .trim();
}

function delay(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined));
}
