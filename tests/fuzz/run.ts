/**
 * `npm run fuzz [-- COUNT [SEED]]`: damaged data files by the thousand, read as an import reads them.
 *
 * Owns: the run, its table by format and outcome, and keeping the files that found a defect. A file must give rows
 * or a typed error within 10 s and 1 GiB; the reading process ends itself beyond 700 MiB of resident memory.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataReader } from '#core/data/reader.ts';
import { sharedPath } from '../shared.ts';
import { LIMIT_MS, type Outcome, fixturesIn, mutantOf, readMutant, writeMutant } from './mutants.ts';

const [count = 6000, seed = 1] = process.argv.slice(2).map(Number);
const LANES = 2;
const outcomes: readonly Outcome[] = ['rows', 'refused', 'ended', 'failed'];

const fixtures = fixturesIn(sharedPath('fixtures', 'data'));
const folder = mkdtempSync(join(tmpdir(), 'ares-fuzz-'));
const kept = mkdtempSync(join(tmpdir(), 'ares-fuzz-found-'));
const reader = createDataReader();
const table = new Map<string, Record<Outcome, number>>();
let next = 0;
let found = 0;
let keeps = false;
let slowestMs = 0;

async function lane(number: number): Promise<void> {
  while (next < count) {
    const index = next++;
    const mutant = mutantOf(fixtures, seed, index);
    const path = writeMutant(join(folder, `lane-${number}`), mutant);
    const { outcome, message, ms } = await readMutant(reader, path);
    const row = table.get(mutant.fixture.format) ?? { rows: 0, refused: 0, ended: 0, failed: 0 };
    table.set(mutant.fixture.format, row);
    row[outcome]++;
    slowestMs = Math.max(slowestMs, ms);
    if (outcome !== 'failed' && outcome !== 'ended' && ms <= LIMIT_MS) continue;
    const copy = join(kept, `${seed}-${index}`);
    cpSync(join(folder, `lane-${number}`), copy, { recursive: true });
    process.stdout.write(
      `${outcome}  seed ${seed} number ${index}  ${mutant.fixture.name} ${mutant.damage}  ${Math.round(ms)} ms  ${message}\n  kept in ${copy}\n`,
    );
    keeps = true;
    if (outcome === 'failed' || ms > LIMIT_MS) found++;
  }
}

const startMs = performance.now();
await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
reader.close();
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${'format'.padEnd(10)}${outcomes.map((name) => name.padStart(9)).join('')}\n`);
for (const [format, row] of [...table].toSorted())
  process.stdout.write(`${format.padEnd(10)}${outcomes.map((name) => String(row[name]).padStart(9)).join('')}\n`);
const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
process.stdout.write(
  `${count} mutants of ${fixtures.length} files, seed ${seed}, ${seconds} s, slowest ${Math.round(slowestMs)} ms, load ${loadavg()[0]!.toFixed(1)}: ${found} defects\n`,
);
if (!keeps) rmSync(kept, { recursive: true, force: true });
process.exitCode = found === 0 ? 0 : 1;
