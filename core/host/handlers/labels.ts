/**
 * The calls `labels.*`: difficulty as measured by a model and as judged by hand.
 */
import { buckets } from '#core/ares/options.ts';
import type { Handlers } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';

type Subject = Pick<Handlers, 'labels.columns' | 'labels.setHuman'>;

export function labelHandlers(host: HostContext): Subject {
  return {
    'labels.columns': ({ datasetId, modelId }) => {
      const { store } = host.project();
      const problemId = store.problems.ids(datasetId);
      const columns = {
        problemId,
        samples: new Int32Array(problemId.length),
        correct: new Int32Array(problemId.length),
        intervalLow: new Float32Array(problemId.length),
        intervalHigh: new Float32Array(problemId.length),
        meanLengthTokens: new Float32Array(problemId.length),
        human: new Uint8Array(problemId.length),
      };
      if (problemId.length === 0) return columns;
      if (modelId !== null) {
        const labels = store.labels.columns(modelId, problemId[0]!, problemId.at(-1)!);
        forEachMatch(problemId, labels.problemId, (to, from) => {
          columns.samples[to] = labels.samples[from]!;
          columns.correct[to] = labels.correct[from]!;
          columns.intervalLow[to] = labels.intervalLow[from]!;
          columns.intervalHigh[to] = labels.intervalHigh[from]!;
          columns.meanLengthTokens[to] = labels.meanLengthTokens[from]!;
        });
      }
      const human = store.humanLabels.current(datasetId);
      const judged = Int32Array.from(human, (label) => label.problemId);
      forEachMatch(problemId, judged, (to, from) => {
        columns.human[to] = 1 + buckets.indexOf(human[from]!.bucket!);
      });
      return columns;
    },
    'labels.setHuman': ({ labels }) => {
      const previous = host.project().store.humanLabels.set(labels, Date.now());
      host.changes.announce('labels');
      return { previous };
    },
  };
}

/** Positions of the ids that both lists have; both ascend. */
function forEachMatch(all: Int32Array, some: Int32Array, match: (inAll: number, inSome: number) => void): void {
  for (let i = 0, j = 0; i < all.length && j < some.length;) {
    const difference = all[i]! - some[j]!;
    if (difference === 0) match(i++, j++);
    else if (difference < 0) i++;
    else j++;
  }
}
