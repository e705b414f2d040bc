/**
 * The terminal (or pipe) a command talks to.
 *
 * Owns: what goes where: results to stdout, everything else to stderr, so that a pipe receives results
 * and nothing but results. Also whether there is a terminal at all, its width, and whether it wants
 * colour (NO_COLOR, https://no-color.org).
 */
import { type ProgressBar, type ProgressOutput, createProgressBar } from './progressBar.ts';

/** The part of a stream that is used; process.stdout and process.stderr are such streams. */
export interface OutputStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface Terminal {
  /** A line of the result, on stdout. */
  print(text: string): void;
  /** One JSON document on a line of its own, on stdout. */
  json(value: unknown): void;
  /** A line for the person watching, on stderr. */
  note(text: string): void;
  /** Bold on stdout where that is possible. */
  bold(text: string): string;
  /** A progress display on stderr for `total` units of work; its owner must end it. */
  progress(label: string, total: number): ProgressBar;
  /** Where progress is drawn, for a display of another kind. */
  readonly progressOutput: ProgressOutput;
}

const DEFAULT_WIDTH = 80;

export function createTerminal(
  stdout: OutputStream,
  stderr: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
  now: () => number = () => performance.now(),
): Terminal {
  const dumb = environment['TERM'] === 'dumb';
  const styled = stdout.isTTY === true && !dumb && !environment['NO_COLOR'];
  const print = (text: string) => void stdout.write(`${text}\n`);
  const progressOutput: ProgressOutput = {
    write: (text) => void stderr.write(text),
    width: stderr.isTTY === true && !dumb ? (stderr.columns ?? DEFAULT_WIDTH) : null,
    now,
  };
  return {
    print,
    json: (value) => print(JSON.stringify(value)),
    note: (text) => void stderr.write(`${text}\n`),
    bold: (text) => (styled ? `\u001b[1m${text}\u001b[22m` : text),
    progress: (label, total) => createProgressBar(label, total, progressOutput),
    progressOutput,
  };
}
