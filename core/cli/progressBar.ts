/**
 * Progress of a command, with the time it still takes.
 *
 * Owns: the display: one line that is rewritten on a terminal, a plain line now and then elsewhere. The
 * estimate is runs/progress.ts.
 */
import { displayWidth } from '#core/compare/terminalTable.ts';
import { type Progress, advance, estimate, formatRemaining, startClock, startProgress } from '#core/runs/progress.ts';

export interface ProgressBar {
  /** @param detail what the numbers do not say, such as tokens produced so far */
  update(done: number, detail?: string): void;
  /** Removes the line from a terminal. Called once, also after a failure. */
  end(): void;
}

export interface ProgressOutput {
  write(text: string): void;
  /** Columns of the terminal; null where there is none. */
  width: number | null;
  now(): number;
}

/** A terminal is redrawn at most this often. */
const REDRAW_MS = 100;
/** A log gets a line at most this often. */
const LOG_MS = 10_000;
const MAX_BAR = 24;
const ERASE_LINE = '\r\u001b[2K';

export function createProgressBar(label: string, total: number, output: ProgressOutput): ProgressBar {
  let progress = startClock(startProgress([{ name: label, units: total, costPerUnit: 1 }]), output.now());
  const line = createProgressLine(output);
  const show = (done: number, detail: string | undefined) =>
    line.show(label, [`${done}/${total}`, ...(detail === undefined ? [] : [detail])], progress);
  show(0, undefined);
  return {
    update: (done, detail) => {
      progress = advance(progress, 0, done, output.now());
      show(done, detail);
    },
    end: line.erase,
  };
}

/** The line itself, for work of any number of stages. */
export interface ProgressLine {
  /** Shows where things stand, unless that was done just before. */
  show(label: string, facts: readonly string[], progress: Progress): void;
  /** Removes the line from a terminal; a log keeps what it has. */
  erase(): void;
}

export function createProgressLine(output: ProgressOutput): ProgressLine {
  const { width } = output;
  // A log stays silent about work that is over soon; a terminal shows at once that something happens.
  let shownMs = width === null ? output.now() : -Infinity;
  const interval = width === null ? LOG_MS : REDRAW_MS;
  return {
    show(label, facts, progress) {
      const nowMs = output.now();
      if (nowMs - shownMs < interval) return;
      shownMs = nowMs;
      const { fraction, remainingMs } = estimate(progress, nowMs);
      const left = remainingMs === null ? [] : [`${formatRemaining(remainingMs)} left`];
      const text = [...facts, ...left].join('  ');
      if (width === null) output.write(`${label}: ${Math.floor(100 * fraction)} %  ${text}\n`);
      else output.write(ERASE_LINE + terminalLine(label, fraction, text, width));
    },
    erase() {
      if (width !== null) output.write(ERASE_LINE);
    },
  };
}

/** Label, bar and facts in less than `width` columns; the bar gives way first, then the end of the line. */
function terminalLine(label: string, fraction: number, facts: string, width: number): string {
  // One column stays free: some terminals wrap as soon as the last one is written.
  const free = width - 1 - displayWidth(label) - displayWidth(facts) - 4;
  const cells = Math.min(MAX_BAR, free);
  if (cells < 4) return [...`${label}  ${facts}`].slice(0, width - 1).join('');
  const filled = Math.round(cells * fraction);
  return `${label}  ${'█'.repeat(filled)}${'░'.repeat(cells - filled)}  ${facts}`;
}
