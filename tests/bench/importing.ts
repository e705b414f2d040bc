/**
 * Large imports: `node core/cli/bootstrap.mjs tests/bench/importing.ts`.
 *
 * Owns: generating a JSONL file of 1 GB and a Parquet file of a million short rows in a temporary folder, importing
 * each by `ares data import` into a new project, and a line per import in results/import.jsonl: rows per second, the
 * largest resident memory of the importing process and of the one that reads, and how busy the machine was. The
 * memory is what /proc says (VmHWM), so it is measured on Linux only.
 */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parquetWriteRows } from 'hyparquet-writer';
import { fileWriter } from 'hyparquet-writer/src/node.js';

const JSONL_BYTES = Number(process.argv[3] ?? 1e9);
const PARQUET_ROWS = Number(process.argv[2] ?? 1_000_000);
const POLL_MS = 50;

/** A problem of about a kilobyte: its text, its answer and a worked solution. */
function longRow(index: number): string {
  const [a, b] = [index % 9973, (index * 7) % 8191];
  const problem = `A shop has ${a} boxes with ${b} pencils each, and order number ${index} takes all of them. How many pencils is that? Write the answer as \\boxed{}.`;
  const step = `Multiply ${a} by ${b} digit by digit and add up what is carried. `;
  return `${JSON.stringify({ id: `p${index}`, problem, answer: String(a * b), solution: `${step.repeat(12)}So \\boxed{${a * b}}.` })}\n`;
}

function writeJsonl(path: string): number {
  const handle = openSync(path, 'w');
  let [rows, bytes] = [0, 0];
  while (bytes < JSONL_BYTES) {
    let text = '';
    for (let i = 0; i < 2000; i++) text += longRow(rows++);
    bytes += writeSync(handle, text);
  }
  closeSync(handle);
  return rows;
}

/** Short questions in one row group, as pyarrow writes a table of this size. */
function writeParquet(path: string): void {
  const rows = function* () {
    for (let i = 0; i < PARQUET_ROWS; i++)
      yield { id: `q${i}`, problem: `What is ${i} + ${i % 97}?`, answer: String(i + (i % 97)) };
  };
  const columns = ['id', 'problem', 'answer'].map((name) => ({ name, type: 'STRING' as const }));
  void parquetWriteRows({ writer: fileWriter(path), rows: rows(), columns, rowGroupSize: PARQUET_ROWS });
}

/** Process and its descendants, from /proc. */
function family(root: number): number[] {
  const found = new Set([root]);
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [
          [Number(name), Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]!.split(' ')[1])] as const,
        ];
      } catch {
        return [];
      }
    });
  for (let size = 0; size < found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

interface Facts {
  command: string;
  peakMegabytes: number;
  cpuSeconds: number;
}

/** Of the times in /proc, per second. */
const TICKS = 100;

function look(pid: number): Facts | null {
  try {
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    // One that has just ended has no memory any more.
    if (command === '') return null;
    const times = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    const cpuSeconds = (Number(times[11]) + Number(times[12])) / TICKS;
    return { command, cpuSeconds, peakMegabytes: Math.round((Number(peak?.[1] ?? 0) * 1024) / 1e6) };
  } catch {
    return null;
  }
}

async function measure(what: string, file: string, rows: number, folder: string): Promise<void> {
  const project = join(folder, `project-${what}`);
  const root = resolve(import.meta.dirname, '..', '..');
  const loadBefore = loadavg()[0]!;
  const startMs = performance.now();
  const child = spawn(
    process.execPath,
    [join(root, 'core', 'cli', 'main.ts'), 'data', 'import', file, '--project', project, '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
  const peaks = new Map<number, Facts>();
  const timer = setInterval(() => {
    for (const pid of family(child.pid!)) {
      const facts = look(pid);
      if (facts !== null) peaks.set(pid, facts);
    }
  }, POLL_MS);
  const code = await new Promise<number | null>((done) => child.on('exit', done));
  clearInterval(timer);
  const seconds = (performance.now() - startMs) / 1000;
  const result = JSON.parse(output) as { imported?: number };
  const of = (name: string) => [...peaks.values()].findLast(({ command }) => command.includes(name));
  const line = {
    what,
    megabytes: Math.round(statSync(file).size / 1e6),
    rows,
    imported: result.imported ?? 0,
    code,
    seconds: Number(seconds.toFixed(1)),
    rowsPerSecond: Math.round(rows / seconds),
    megabytesPerSecond: Number((statSync(file).size / 1e6 / seconds).toFixed(1)),
    peakImporterMegabytes: of('main.ts')?.peakMegabytes,
    peakReaderMegabytes: of('readerProcess')?.peakMegabytes,
    // Of each process: what it would take by the clock on a core of its own.
    cpuImporterSeconds: of('main.ts')?.cpuSeconds,
    cpuReaderSeconds: of('readerProcess')?.cpuSeconds,
    cpus: cpus().length,
    load: [Number(loadBefore.toFixed(1)), Number(loadavg()[0]!.toFixed(1))],
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  appendFileSync(join(import.meta.dirname, 'results', 'import.jsonl'), `${JSON.stringify(line)}\n`);
  rmSync(project, { recursive: true, force: true });
}

const folder = mkdtempSync(join(tmpdir(), 'ares-importing-'));
try {
  const parquet = join(folder, 'short.parquet');
  writeParquet(parquet);
  await measure('parquet-short-rows', parquet, PARQUET_ROWS, folder);
  rmSync(parquet);
  const jsonl = join(folder, 'long.jsonl');
  const rows = writeJsonl(jsonl);
  await measure('jsonl-long-rows', jsonl, rows, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
