/**
 * `ares bench`: how fast this machine trains and samples.
 *
 * Owns: the table. What is measured is runs/benchmark.ts.
 */
import { cpus } from 'node:os';
import { alignColumns } from '#core/cli/columns.ts';
import { defineCommand } from '#core/cli/command.ts';
import { providerOption, threads, withEngine } from '#core/cli/engine.ts';
import { type BenchmarkReport, type Timing, runBenchmark } from '#core/runs/benchmark.ts';

export const bench = defineCommand({
  summary: 'Measure how fast this machine trains and samples.',
  options: {
    rounds: {
      kind: 'number',
      value: 'N',
      help: 'Measurements of each workload, after a warm-up.',
      default: 5,
      integer: true,
      minimum: 1,
      maximum: 1000,
    },
    ...providerOption,
  },
  operands: {},
  async run({ options: { rounds, provider = 'cpu' }, json, terminal }) {
    const bar = terminal.progress('Measuring', rounds + 1);
    const report = await withEngine(
      (engine) => runBenchmark(engine, { threads, provider }, rounds, (done) => bar.update(done)),
      provider,
    ).finally(() => bar.end());
    const processor = cpus()[0]?.model ?? 'unknown processor';
    if (json) terminal.json({ processor, ...report });
    else for (const line of benchmarkTable(report, processor)) terminal.print(line);
    return 0;
  },
});

/** Medians with the range of the measurements, and what they amount to. */
export function benchmarkTable(report: BenchmarkReport, processor: string): string[] {
  const { matmulSamplesGflops, matmulGflops, trainStep, rollouts, grpoStep } = report;
  const rows = [
    [
      'matrix product',
      `${matmulGflops.toFixed(0)} GFLOP/s`,
      rangeOf(matmulSamplesGflops, (value) => value.toFixed(0)),
      'float32, 2048³',
    ],
    [
      'training step',
      milliseconds(trainStep.medianMs),
      rangeOf(trainStep.samplesMs, milliseconds),
      `${trainStep.sequences} × ${trainStep.tokensPerSequence} tokens: ${trainStep.gflops.toFixed(0)} GFLOP/s, ` +
        `${(100 * trainStep.fractionOfMatmul).toFixed(0)} % of the matrix product`,
    ],
    ...rollouts.map((rollout) => [
      'rollouts',
      milliseconds(rollout.medianMs),
      rangeOf(rollout.samplesMs, milliseconds),
      `${rollout.sequences} × ${rollout.newTokens} tokens: ${rollout.tokensPerSecond.toFixed(0)} tokens/s`,
    ]),
    [
      'GRPO step',
      milliseconds(grpoStep.medianMs),
      rangeOf(grpoStep.samplesMs, milliseconds),
      `${grpoStep.prompts} prompts × ${grpoStep.samples} samples, ${grpoStep.promptTokens} + ${grpoStep.newTokens} tokens, with KL`,
    ],
  ];
  return [
    `${processor}, ${report.threads} threads${report.provider === 'cpu' ? '' : `, ${report.provider}`}`,
    '',
    ...alignColumns([['workload', 'median', 'range', ''], ...rows], ['left', 'right', 'right', 'left']),
  ];
}

function rangeOf(samples: Timing['samplesMs'], show: (value: number) => string): string {
  return `${show(Math.min(...samples))} – ${show(Math.max(...samples))}`;
}

function milliseconds(durationMs: number): string {
  return `${durationMs.toFixed(0)} ms`;
}
