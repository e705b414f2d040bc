/**
 * Entry of the process that reads data files: one task after another, each ends with 'done' or 'error'.
 *
 * Owns: turning rows into columns of problems, waiting until the host has taken what is on its way, and signs of
 * life. The host ends it when it is silent; a thread beside it (readerWatchdog.ts) ends it when it takes too much
 * memory. It reads what a task names and its images, writes nothing and knows no network.
 */
import { Worker } from 'node:worker_threads';
import { hostChannel } from '#core/engine/channel.ts';
import { toPlainError } from '#core/engine/messages.ts';
import { AresError } from '#core/util/errors.ts';
import type { BadRow } from './cells.ts';
import { openDataset } from './dataset.ts';
import { readImage } from './images.ts';
import { inspectFile, previewFile, sampled } from './inspect.ts';
import { guessMapping } from './mapping.ts';
import { type Problem, ProblemBuilder } from './problems.ts';
import {
  BATCHES_AHEAD,
  type FromReader,
  type ProblemColumns,
  type ProblemsRequest,
  type ReadTask,
  type ToReader,
} from './readerMessages.ts';
import { MEBIBYTE } from './source.ts';

/** How often the host hears that work goes on, while it has nothing else to hear. */
const ALIVE_MS = 250;
/** Images make batches large: they are sent on before they are many. */
const MAX_IMAGE_BYTES = 8 * MEBIBYTE;
/** A file of which almost nothing can be used is not imported to the end, only to list its rows. */
const MAX_BAD_ROWS = 200_000;
const BAD_PER_GOOD = 10;

const { send, listen } = hostChannel<ToReader, FromReader>();
// Its own thread: this one may be busy for ever.
new Worker(new URL('./readerWatchdog.ts', import.meta.url)).unref();

let aliveMs = 0;
function alive(): void {
  const nowMs = performance.now();
  if (nowMs - aliveMs < ALIVE_MS) return;
  aliveMs = nowMs;
  send({ kind: 'alive' });
}

/** Batches on their way to the host, and who waits until it has taken one. */
const line: { ahead: number; taken: () => void } = { ahead: 0, taken: () => undefined };

async function sendBatch(batch: ProblemColumns): Promise<void> {
  while (line.ahead >= BATCHES_AHEAD) await new Promise<void>((resolve) => (line.taken = resolve));
  line.ahead++;
  send({ kind: 'batch', batch });
}

async function sendProblems({ path, mapping, images }: ProblemsRequest): Promise<void> {
  const dataset = await openDataset(path);
  const { sample, batches } = await sampled(dataset);
  const used =
    'guessExcept' in mapping
      ? { ...guessMapping(sample.columns, sample.rows, sample.images), ...mapping.guessExcept }
      : mapping;
  const builder = new ProblemBuilder({ ...dataset, columns: sample.columns }, used);
  const { name, format, sizeBytes } = dataset;
  send({ kind: 'opened', start: { name, format, sizeBytes, mapping: used } });
  let [good, bad] = [0, 0];
  for await (const batch of batches) {
    alive();
    const found = builder.add(batch);
    good += found.problems.length;
    bad += batch.bad.length + found.bad.length;
    const firstBad = batch.bad[0] ?? found.bad[0];
    if (bad > MAX_BAD_ROWS && bad > BAD_PER_GOOD * good && firstBad !== undefined) throw almostNothing(path, firstBad);
    const repeated = new Map(found.duplicates.map(({ line, firstLine }) => [line, firstLine]));
    const skipped = [
      ...batch.bad,
      ...found.bad,
      ...found.duplicates.map(({ line, firstLine }) => ({ line, reason: `the same problem as in line ${firstLine}` })),
    ].sort((a, b) => a.line - b.line);
    const counts = { unreadable: batch.bad.length, unusable: found.bad.length, repeated: [...repeated.keys()] };
    let columns: ProblemColumns = { ...emptyColumns(), skipped, ...counts, readBytes: batch.readBytes };
    let imageBytes = 0;
    for (const problem of found.problems) {
      if (repeated.has(problem.meta.line)) continue;
      const read = images ? await imagesOf(problem) : [];
      if (typeof read === 'string') {
        columns.skipped.push({ line: problem.meta.line, reason: read });
        columns.unusable++;
        continue;
      }
      addProblem(columns, problem, read);
      for (const image of read) imageBytes += image.length;
      if (imageBytes < MAX_IMAGE_BYTES) continue;
      await sendBatch(columns);
      columns = { ...emptyColumns(), readBytes: batch.readBytes };
      imageBytes = 0;
    }
    if (columns.line.length + columns.skipped.length > 0) await sendBatch(columns);
  }
}

function emptyColumns(): ProblemColumns {
  return {
    line: [],
    id: [],
    key: [],
    prompt: [],
    answer: [],
    source: [],
    meta: [],
    imageCount: [],
    images: [],
    skipped: [],
    unreadable: 0,
    unusable: 0,
    repeated: [],
    readBytes: 0,
  };
}

function addProblem(columns: ProblemColumns, problem: Problem, images: readonly Uint8Array[]): void {
  const { key, id, prompt, answer, source, meta } = problem;
  columns.line.push(meta.line);
  columns.id.push(id);
  columns.key.push(key);
  columns.prompt.push(JSON.stringify(prompt));
  columns.answer.push(answer);
  columns.source.push(source);
  columns.meta.push(JSON.stringify(meta));
  columns.imageCount.push(problem.images.length);
  columns.images.push(...images);
}

/** The bytes of a problem's images, or why they cannot be had. */
async function imagesOf({ images }: Problem): Promise<Uint8Array[] | string> {
  const read: Uint8Array[] = [];
  for (const image of images) {
    alive();
    try {
      read.push(await readImage(image));
    } catch (error) {
      if (!(error instanceof AresError)) throw error;
      return `an image cannot be used: ${error.message.replace(/\.$/, '')}`;
    }
  }
  return read;
}

function almostNothing(where: string, { line, reason }: BadRow): AresError {
  return new AresError('bad-data', `Almost no row of this file can be used (at ${line}: ${reason}).`, {
    where,
    hint: 'Check that this is the file you meant, and that question and answer are taken from the right columns.',
  });
}

async function work(task: ReadTask): Promise<void> {
  try {
    line.ahead = 0;
    alive();
    switch (task.kind) {
      case 'inspect':
        return send({ kind: 'done', result: await inspectFile(task.path, alive) });
      case 'preview':
        return send({ kind: 'done', result: await previewFile(task.path, task.mapping, alive) });
      case 'problems':
        await sendProblems(task);
        return send({ kind: 'done', result: null });
    }
  } catch (error) {
    send({ kind: 'error', error: toPlainError(error) });
  }
}

listen((message) => {
  if (message.kind === 'start') void work(message.task);
  else {
    line.ahead--;
    line.taken();
  }
});
// Ctrl-C reaches the whole process group; what becomes of an import is the host's decision.
process.on('SIGINT', () => undefined);
send({ kind: 'ready' });
