/**
 * A run's listener that also keeps what it hears in the store.
 *
 * Owns: the log and the progress of stages as any other program sees them. Progress is written now and
 * then, because it arrives far more often than anybody looks.
 */
import type { RunListener } from '#core/runs/context.ts';
import type { Store } from '#core/store/store.ts';

const WRITE_EVERY_MS = 1000;

export function recordingListener(store: Store, runId: number, listener: RunListener): RunListener {
  let writtenMs = -Infinity;
  return {
    progress(stage, doneUnits, plannedUnits) {
      const nowMs = performance.now();
      if (doneUnits === plannedUnits || nowMs - writtenMs >= WRITE_EVERY_MS) {
        writtenMs = nowMs;
        const record = store.runs.stages(runId)[stage]!;
        store.runs.updateStage({ ...record, doneUnits, plannedUnits });
      }
      listener.progress(stage, doneUnits, plannedUnits);
    },
    metrics: listener.metrics,
    message(level, text) {
      store.events.add({ runId, timeMs: Date.now(), level, message: text, details: {} });
      listener.message(level, text);
    },
  };
}
