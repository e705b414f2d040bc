/**
 * The figures of `ares bench` beside PyTorch eager, transformers' generate and TRL's GRPO step, on the
 * same machine in the same minutes.
 *
 *   node tests/bench/beside.ts --python FILE [--blocks 4] [--rounds 2]
 *
 * Owns: alternating the two programs block by block, the ratio of medians with the range over blocks,
 * and the line in results/beside.jsonl. What the peers do is beside/peers.py; it needs a Python with
 * torch, transformers, trl and datasets, which the product itself does not.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { alignColumns } from '#core/cli/columns.ts';
import type { BenchmarkReport } from '#core/runs/benchmark.ts';
import { median } from '#core/util/statistics.ts';

interface PeersReport {
  versions: Record<string, string>;
  matmulGflops: number[];
  trainStepMs: number[];
  rollouts16x256Ms: number[];
  rollouts64x64Ms: number[];
  grpoStepMs: number[];
}

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    blocks: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '2' },
  },
});
if (values.python === undefined) throw new Error('Name the Python to measure beside: --python FILE.');
const root = join(import.meta.dirname, '../..');
const threads = availableParallelism();

function ours(): BenchmarkReport {
  const file = join(root, 'core/cli/main.ts');
  return run(process.execPath, [file, 'bench', '--json', '--rounds', values.rounds]) as BenchmarkReport;
}

function peers(): PeersReport {
  const file = join(import.meta.dirname, 'beside/peers.py');
  return run(values.python!, [file, '--rounds', values.rounds, '--threads', `${threads}`]) as PeersReport;
}

/** The last line of a program's output, as JSON; its progress is not shown. */
function run(file: string, args: string[]): unknown {
  const output = execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return JSON.parse(output);
}

const workloads = [
  {
    name: 'training step 16 × 128',
    peer: 'PyTorch eager',
    ours: (report: BenchmarkReport) => report.trainStep.samplesMs,
    peers: (report: PeersReport) => report.trainStepMs,
  },
  {
    name: 'rollouts 16 × 256',
    peer: 'transformers generate',
    ours: (report: BenchmarkReport) => report.rollouts[0]!.samplesMs,
    peers: (report: PeersReport) => report.rollouts16x256Ms,
  },
  {
    name: 'rollouts 64 × 64',
    peer: 'transformers generate',
    ours: (report: BenchmarkReport) => report.rollouts[1]!.samplesMs,
    peers: (report: PeersReport) => report.rollouts64x64Ms,
  },
  {
    name: 'GRPO step 8 × 8, 32 + 64',
    peer: 'TRL',
    ours: (report: BenchmarkReport) => report.grpoStep.samplesMs,
    peers: (report: PeersReport) => report.grpoStepMs,
  },
];

const loadBefore = loadavg()[0]!;
const blocks = Array.from({ length: Number(values.blocks) }, () => ({ ours: ours(), peers: peers() }));
const results = workloads.map((workload) => {
  const oursMs = blocks.flatMap((block) => workload.ours(block.ours));
  const peersMs = blocks.flatMap((block) => workload.peers(block.peers));
  const ratios = blocks.map((block) => median(workload.peers(block.peers)) / median(workload.ours(block.ours)));
  return {
    name: workload.name,
    peer: workload.peer,
    oursMs,
    peersMs,
    ratio: median(peersMs) / median(oursMs),
    blockRatios: ratios,
  };
});
const line = {
  date: new Date().toISOString().slice(0, 10),
  processor: cpus()[0]?.model,
  threads,
  loadBefore,
  versions: blocks[0]!.peers.versions,
  matmulGflops: {
    ours: blocks.flatMap(({ ours }) => ours.matmulSamplesGflops),
    peers: blocks.flatMap(({ peers }) => peers.matmulGflops),
  },
  results,
};
appendFileSync(join(import.meta.dirname, 'results/beside.jsonl'), `${JSON.stringify(line)}\n`);

const ms = (samples: number[]) =>
  `${median(samples).toFixed(0)} ms (${Math.min(...samples).toFixed(0)}–${Math.max(...samples).toFixed(0)})`;
const rows = results.map(({ name, peer, oursMs, peersMs, ratio, blockRatios }) => [
  name,
  ms(oursMs),
  `${peer} ${ms(peersMs)}`,
  `${ratio.toFixed(2)} × (${Math.min(...blockRatios).toFixed(2)}–${Math.max(...blockRatios).toFixed(2)})`,
]);
for (const row of alignColumns(
  [['workload', 'ours, median', 'peer, median', 'ratio of medians (of blocks)'], ...rows],
  ['left', 'right', 'right', 'right'],
)) {
  process.stdout.write(`${row}\n`);
}
