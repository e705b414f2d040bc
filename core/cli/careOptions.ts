/**
 * What the commands that care for a dataset share: where it is, what it is compared with, and watching the work.
 */
import { DEFAULT_THRESHOLD } from '#core/data/care/check.ts';
import type { JobControl } from '#core/host/hostContext.ts';
import { interruptible } from './interruptible.ts';
import type { Terminal } from './terminal.ts';

export const careOperands = {
  data: { help: 'A file or folder; with --project, the name or number of a dataset in it.' },
} as const;

export const projectOption = {
  project: { kind: 'text', value: 'DIR', help: 'Project folder that has the dataset.' },
} as const;

export const checkOptions = {
  ...projectOption,
  against: {
    kind: 'text',
    value: 'A,B',
    help: 'Evaluations that training problems must not share eight words in a row with: files, or with --project datasets (NAME or NAME:SPLIT).',
  },
  threshold: {
    kind: 'number',
    value: 'J',
    help: 'Jaccard similarity of three-word shingles from which on problems are near duplicates.',
    default: DEFAULT_THRESHOLD,
    minimum: 0.1,
    maximum: 1,
  },
} as const;

export function namesOf(list: string | undefined): string[] {
  return list === undefined
    ? []
    : list
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '');
}

/** Runs work with a progress bar; Ctrl-C cancels it. */
export async function watched<T>(
  label: string,
  terminal: Terminal,
  work: (control: JobControl) => Promise<T>,
): Promise<T> {
  let bar: ReturnType<Terminal['progress']> | null = null;
  let barTotal = 0;
  try {
    return await interruptible((signal) =>
      work({
        signal,
        progress: (done, total) => {
          if (total === null) return;
          // Import and check count different things: each has a bar of its own.
          if (bar === null || barTotal !== total) {
            bar?.end();
            bar = terminal.progress(label, total);
            barTotal = total;
          }
          bar.update(done);
        },
      }),
    );
  } finally {
    // Assigned in the callback, which the compiler does not follow.
    (bar as ReturnType<Terminal['progress']> | null)?.end();
  }
}
