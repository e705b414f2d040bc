/**
 * What a person sees of a run at work.
 *
 * Owns: one line for the whole run (share, stage, newest accuracy and length, time left) and a line for
 * every message. The estimate is runs/progress.ts.
 */
import type { RunListener } from '#core/runs/context.ts';
import { type StageWork, advance, startClock, startProgress } from '#core/runs/progress.ts';
import { formatNumber } from '#core/compare/format.ts';
import { createProgressLine } from './progressBar.ts';
import type { Terminal } from './terminal.ts';

export interface RunDisplay {
  listener: RunListener;
  /** Removes the line from a terminal. */
  end(): void;
}

export function createRunDisplay(work: readonly StageWork[], terminal: Terminal): RunDisplay {
  const { now } = terminal.progressOutput;
  const line = createProgressLine(terminal.progressOutput);
  let progress = startClock(startProgress(work), now());
  let newest = '';
  const listener: RunListener = {
    progress(stage, doneUnits, plannedUnits) {
      // How much work a stage has is a guess until it begins.
      const stages = progress.stages.map((each, i) => (i === stage ? { ...each, units: plannedUnits } : each));
      progress = advance({ ...progress, stages }, stage, doneUnits, now());
      const where = `${stage + 1}/${stages.length} ${work[stage]!.name} ${doneUnits}/${plannedUnits}`;
      line.show('Run', [where, ...(newest === '' ? [] : [newest])], progress);
    },
    metrics(_stage, _step, values) {
      const accuracy = values['accuracy/mean'];
      const length = values['length/mean'];
      if (accuracy === undefined || length === undefined) return;
      newest = `accuracy ${formatNumber(accuracy, 'share')}, ${formatNumber(length, 'tokens')} tokens`;
    },
    message(level, text) {
      line.erase();
      terminal.note(level === 'warning' ? `Warning: ${text}` : text);
    },
  };
  return { listener, end: line.erase };
}
