/**
 * Damaged copies of real data files, the same for the same seed and number.
 *
 * Owns: the kinds of damage (bits, cuts, splices, repeated regions, lengths that lie, and for text: brackets,
 * quotes, control characters) and reading a damaged copy by the process that every import reads by.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataReader } from '#core/data/reader.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { AresError } from '#core/util/errors.ts';

export interface Fixture {
  name: string;
  format: string;
  /** The file that is damaged, within `folder` where the dataset is a folder. */
  file: string;
  folder: string | null;
  bytes: Uint8Array;
}

/** What became of a mutant. 'failed' is a defect of this program. */
export type Outcome = 'rows' | 'refused' | 'ended' | 'failed';

export interface Finding {
  outcome: Outcome;
  /** Of the error, where there was one. */
  message: string | null;
  ms: number;
}

/** A typed error must be there after this, by the clock of a machine that is not overloaded. */
export const LIMIT_MS = 10_000;

const formatOf = (name: string): string => /\.(\w+)$/.exec(name)?.[1] ?? 'arrow';

/** Every data file of a folder, and every folder saved by datasets. */
export function fixturesIn(folder: string): Fixture[] {
  return readdirSync(folder)
    .filter((name) => name !== 'manifest.json')
    .toSorted()
    .map((name) => {
      const path = join(folder, name);
      if (!statSync(path).isDirectory())
        return { name, format: formatOf(name), file: name, folder: null, bytes: readFileSync(path) };
      const file = readdirSync(path).find((each) => each.endsWith('.arrow'))!;
      return { name, format: 'arrow', file, folder: path, bytes: readFileSync(join(path, file)) };
    });
}

type Damage = (bytes: Buffer, random: RandomSequence) => Buffer;

const region = (bytes: Buffer, random: RandomSequence): [start: number, end: number] => {
  const start = random.integer(bytes.length);
  return [start, Math.min(bytes.length, start + 1 + random.integer(Math.max(1, bytes.length >> 2)))];
};

const hostileNumbers = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const hostileTexts = [
  '[',
  '{',
  '"',
  ']',
  '}',
  ',',
  '\\',
  '\n',
  '\r',
  '\0',
  '\uFEFF',
  '"__proto__":',
  '1e999',
  '../',
  '\\u0000',
  '[[[[',
];

/** Bit flips; in the second half of a file half of the time, where the footers are. */
const flip: Damage = (bytes, random) => {
  const copy = Buffer.from(bytes);
  const from = random.uniform() < 0.5 ? 0 : bytes.length >> 1;
  for (let n = 1 + random.integer(8); n > 0; n--)
    copy[from + random.integer(bytes.length - from)]! ^= 1 << random.integer(8);
  return copy;
};

const cut: Damage = (bytes, random) => bytes.subarray(0, random.integer(bytes.length + 1));

/** A region is left out, or another is put in its place. */
const splice: Damage = (bytes, random) => {
  const [start, end] = region(bytes, random);
  const [from, to] = random.uniform() < 0.5 ? [0, 0] : region(bytes, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(from, to), bytes.subarray(end)]);
};

const repeat: Damage = (bytes, random) => {
  const [start, end] = region(bytes, random);
  const copies = Array.from({ length: 2 + random.integer(30) }, () => bytes.subarray(start, end));
  return Buffer.concat([bytes.subarray(0, start), ...copies, bytes.subarray(end)]);
};

/** A number of 1, 2 or 4 bytes becomes one that lies. */
const lie: Damage = (bytes, random) => {
  const copy = Buffer.from(bytes);
  for (let n = 1 + random.integer(3); n > 0; n--) {
    const value = hostileNumbers[random.integer(hostileNumbers.length)]!;
    const width = [1, 2, 4][random.integer(3)]!;
    const at = random.integer(Math.max(1, bytes.length - width));
    for (let i = 0; i < width && at + i < copy.length; i++) copy[at + i] = (value >>> (8 * i)) & 0xff;
  }
  return copy;
};

/** Text that means something to a parser, once or many thousand times. */
const insert: Damage = (bytes, random) => {
  const text = hostileTexts[random.integer(hostileTexts.length)]!;
  const times = random.uniform() < 0.2 ? 100_000 : 1 + random.integer(4);
  const at = random.integer(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(text.repeat(times)), bytes.subarray(at)]);
};

const damages: Readonly<Record<string, Damage>> = { flip, cut, splice, repeat, lie, insert };

/** A mutant by its number: the fixture, what was done to it, and its bytes. */
export function mutantOf(
  fixtures: readonly Fixture[],
  seed: number,
  index: number,
): { fixture: Fixture; damage: string; bytes: Buffer } {
  const random = new RandomSequence(seed, Stream.selection, index);
  const fixture = fixtures[index % fixtures.length]!;
  const names = Object.keys(damages);
  const chosen = Array.from({ length: 1 + random.integer(2) }, () => names[random.integer(names.length)]!);
  let bytes: Buffer = Buffer.from(fixture.bytes);
  for (const name of chosen) if (bytes.length > 0) bytes = damages[name]!(bytes, random);
  return { fixture, damage: chosen.join('+'), bytes };
}

/** Writes a mutant where its dataset would be; returns the path to import. */
export function writeMutant(folder: string, { fixture, bytes }: { fixture: Fixture; bytes: Uint8Array }): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const path = join(folder, fixture.name);
  if (fixture.folder === null) writeFileSync(path, bytes);
  else {
    cpSync(fixture.folder, path, { recursive: true });
    if (existsSync(join(path, fixture.file))) rmSync(join(path, fixture.file), { force: true });
    writeFileSync(join(path, fixture.file), bytes);
  }
  return path;
}

/** Reads a mutant to its end as an import does, images included. */
export async function readMutant(reader: DataReader, path: string): Promise<Finding> {
  const startMs = performance.now();
  const finding = (outcome: Outcome, message: string | null): Finding => ({
    outcome,
    message,
    ms: performance.now() - startMs,
  });
  try {
    for await (const _ of reader.problems({ path, mapping: { guessExcept: {} }, images: true }));
    return finding('rows', null);
  } catch (error) {
    if (!(error instanceof AresError)) return finding('failed', String(error));
    if (error.message.includes('was ended')) return finding('ended', error.message);
    // A typed refusal says what to do; 'internal' is what an unforeseen exception becomes.
    const isTyped = error.code !== 'internal' && error.hint !== undefined;
    return finding(isTyped ? 'refused' : 'failed', `${error.code}: ${error.message}`);
  }
}
