// The thread of statistics: one task after another, progress, and stopping the one at work or one that waits.
import { expect, it } from 'vitest';
import { type ComparisonTask, createStatistics } from '#core/host/statistics.ts';
import { drawnEvaluation } from '../compare/samples.ts';

const task = (resamples: number): ComparisonTask => ({
  evaluations: ['a', 'bb'].map((arm) => drawnEvaluation(arm, [0.9, 0.5, 0.2], [20, 40, 60], { perBucket: 200 })),
  reference: 'a',
  pairs: 'every',
  resamples,
});
/** Takes much longer than it is waited for. */
const ENDLESS = 1e6;

function asked() {
  const abort = new AbortController();
  const progress: number[] = [];
  return {
    abort,
    progress,
    control: {
      signal: abort.signal,
      progress: (done: number, total: number | null) => void progress.push(done / total!),
    },
  };
}

it('tells how far it is, is stopped in the middle, and serves what waited behind it', async () => {
  const statistics = createStatistics();
  const [endless, waiting, next] = [asked(), asked(), asked()];
  const first = statistics.ask('compare', task(ENDLESS), endless.control);
  const second = statistics.ask('compare', task(ENDLESS), waiting.control);
  const third = statistics.ask('compare', task(200), next.control);
  await expect.poll(() => endless.progress.length, { timeout: 20_000 }).toBeGreaterThan(1);
  expect(endless.progress).toEqual(endless.progress.toSorted((a, b) => a - b));
  expect(endless.progress.every((share) => share >= 0 && share < 1)).toBe(true);
  waiting.abort.abort();
  await expect(second).rejects.toMatchObject({ code: 'interrupted' });
  endless.abort.abort();
  await expect(first).rejects.toMatchObject({ code: 'interrupted' });
  const result = await third;
  expect(result).toMatchObject({ reference: 'a', resamples: 200 });
  expect(await statistics.ask('compare', task(200), asked().control)).toEqual(result);
});
