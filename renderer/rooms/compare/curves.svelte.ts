/**
 * What the trainings behind the compared arms logged.
 *
 * Owns: which stage trained an arm (the one before its evaluation), and fetching its metrics reduced to what
 * a chart can show.
 */
import { lineChart } from '#core/compare/charts/lineChart.ts';
import type { Drawing } from '#core/compare/charts/drawing.ts';
import type { MetricSeries } from '#core/contract/contract.ts';
import { useSession } from '#renderer/app/session.svelte.ts';
import type { Comparison } from './comparison.svelte.ts';
import { type MetricSet, metricsIn } from './curveMetrics.ts';

/** One training, as a line in every chart. */
export interface Training {
  key: string;
  /** Whose colour and label it has. */
  armId: string;
  label: string;
  runId: number;
  stage: number;
}

const POINTS = 1200;
export function trainingsOf(comparison: Comparison): Training[] {
  return comparison.selection.compared.flatMap(({ armId, parts }) =>
    parts
      .filter(({ arm }) => arm !== 'base')
      .map(({ runId, stage }) => ({
        key: `${runId}:${stage - 1}`,
        armId,
        label: comparison.labelOf(armId),
        runId,
        // A model is evaluated right after the stage that made it.
        stage: stage - 1,
      })),
  );
}

export class Curves {
  /** Names of all metrics that any of the trainings logged. */
  logged = $state.raw<readonly string[]>([]);
  /** By metric, one series per training that logged it. */
  series = $state.raw<ReadonlyMap<string, readonly { training: Training; series: MetricSeries }[]>>(new Map());
  isLoading = $state(false);
  readonly #session = useSession();
  #turn = 0;

  /** Asks for the metrics of a set; an answer that comes after a later question is dropped. */
  async load(trainings: readonly Training[], set: MetricSet): Promise<void> {
    const turn = ++this.#turn;
    this.isLoading = true;
    await this.#session.attempt(async () => {
      const answers = await Promise.all(
        trainings.map(async (training) => {
          const { runId, stage } = training;
          const logged = (await this.#session.call('runs.series', { runId }))
            .filter((each) => each.stage === stage)
            .map(({ name }) => name);
          const names = metricsIn(set, logged);
          const series = await this.#inChunks(names, (chunk) =>
            this.#session.call('runs.metrics', { runId, stage, names: chunk, buckets: POINTS }),
          );
          return { training, logged, series };
        }),
      );
      if (turn !== this.#turn) return;
      const byName = new Map<string, { training: Training; series: MetricSeries }[]>();
      for (const { training, series } of answers)
        for (const each of series)
          byName.set(each.name, [...(byName.get(each.name) ?? []), { training, series: each }]);
      this.logged = [...new Set(answers.flatMap(({ logged }) => logged))];
      this.series = byName;
    });
    if (turn === this.#turn) this.isLoading = false;
  }

  /** The contract takes so many names at once. */
  async #inChunks(
    names: readonly string[],
    ask: (chunk: string[]) => Promise<MetricSeries[]>,
  ): Promise<MetricSeries[]> {
    const CHUNK = 64;
    const answers: MetricSeries[] = [];
    for (let start = 0; start < names.length; start += CHUNK)
      answers.push(...(await ask(names.slice(start, start + CHUNK))));
    return answers;
  }
}

/** The chart of a metric as a drawing, for a picture; lines are raw, as logged. */
export function curveDrawing(
  metric: string,
  lines: readonly { training: Training; series: MetricSeries }[],
  comparison: Comparison,
  smoothed: (values: ArrayLike<number>) => ArrayLike<number>,
): Drawing {
  return lineChart(
    lines.map(({ training, series }) => ({
      label: training.label,
      colour: comparison.colourOf(training.armId),
      x: series.firstStep,
      y: smoothed(series.mean),
      raw: series.mean,
    })),
    {
      title: metric,
      description: `${metric} over training steps, one line per training.`,
      xLabel: 'step',
      yLabel: metric,
      widthPx: 720,
      heightPx: 300,
    },
  );
}
