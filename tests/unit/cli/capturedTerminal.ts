/**
 * A terminal whose output is kept, for tests of what is printed where.
 */
import { type Terminal, createTerminal } from '#core/cli/terminal.ts';

export interface CapturedTerminal {
  terminal: Terminal;
  stdout(): string;
  stderr(): string;
}

export interface CaptureOptions {
  /** Columns of a real terminal; a pipe unless given. */
  columns?: number;
  environment?: Record<string, string>;
  now?: () => number;
}

export function captureTerminal({ columns, environment = {}, now }: CaptureOptions = {}): CapturedTerminal {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => (written[name] += text),
    isTTY: columns !== undefined,
    ...(columns === undefined ? {} : { columns }),
  });
  return {
    terminal: createTerminal(stream('stdout'), stream('stderr'), environment, now),
    stdout: () => written.stdout,
    stderr: () => written.stderr,
  };
}
