/**
 * A dataset: the rows of a file, a folder or an archive, whatever its format.
 *
 * Owns: choosing the importer, and what belongs to a dataset besides its rows (columns, where its images are).
 * Rows come in batches and are never held together, unless somebody asks for that. What the columns mean is mapping.ts.
 */
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { AresError, toAresError } from '#core/util/errors.ts';
import { readArrow } from './arrow.ts';
import { type BadRow, type Cell, type Column, ColumnCollector, type Row, isObject } from './cells.ts';
import { readDelimited } from './csv.ts';
import type { ImageRoot } from './images.ts';
import { readJsonDocument, readJsonLines } from './json.ts';
import { readParquet } from './parquet.ts';
import { type Format, HEAD_BYTES, isGzip, sniffFormat } from './sniff.ts';
import { type RandomSource, type Source, fileSource, gunzipped, inMemory } from './source.ts';
import type { Batch, Batches } from './table.ts';
import { ZipArchive } from './zipArchive.ts';

/** A dataset whose rows have not been read. */
export interface OpenDataset {
  /** Name of the file or folder. */
  name: string;
  format: Format;
  /** What `readBytes` of the batches goes up to, about. */
  sizeBytes: number;
  /** What paths in rows are relative to. */
  imageRoot: ImageRoot;
  /** The rows, in order; to be read once. Errors of the content come from here. */
  batches: Batches;
}

/** Facts that are guessed from the first rows. */
export interface Sample {
  columns: Column[];
  rows: Row[];
  /** Columns that hold images: bytes, or paths of image files. */
  images: string[];
}

/** A dataset with all of its rows in memory. */
export interface Dataset {
  name: string;
  format: Format;
  columns: Column[];
  rowCount: number;
  rows: Row[];
  /** Where each row stands: its line in text formats, else its number; from 1. */
  lines: number[];
  /** Columns that hold images: bytes, or paths of image files. */
  images: string[];
  /** Rows that could not be read. */
  bad: BadRow[];
  imageRoot: ImageRoot;
}

const tableExtension = /\.(?:jsonl|ndjson|json|csv|tsv|parquet|arrow)$/i;
const imageExtension = /\.(?:png|jpe?g|webp|gif|bmp)$/i;

/**
 * Opens a dataset. The format is taken from the content first, from the extension only in doubt.
 * @param path a file, or a folder that holds one dataset
 * @throws AresError unsupported for other kinds of file, bad-data for content that is refused; not-found
 */
export async function openDataset(path: string): Promise<OpenDataset> {
  try {
    const opened = await openAny(path);
    return { ...opened, batches: typed(opened.batches) };
  } catch (error) {
    throw toAresError(error);
  }
}

async function* typed(batches: Batches): Batches {
  try {
    yield* batches;
  } catch (error) {
    throw toAresError(error);
  }
}

/**
 * Reads a dataset into memory.
 * @throws AresError as openDataset does, and bad-data when no row can be read
 */
export async function readDataset(path: string): Promise<Dataset> {
  const { name, format, imageRoot, batches } = await openDataset(path);
  const all = await collect(batches);
  const { columns, images } = sampleOf(all.rows);
  return { name, format, columns, images, imageRoot, rowCount: all.rows.length, ...all };
}

/** All batches as one. */
export async function collect(batches: Batches): Promise<Omit<Batch, 'readBytes'>> {
  const all: Omit<Batch, 'readBytes'> = { rows: [], lines: [], bad: [] };
  for await (const { rows, lines, bad } of batches) {
    for (const row of rows) all.rows.push(row);
    for (const line of lines) all.lines.push(line);
    for (const row of bad) all.bad.push(row);
  }
  return all;
}

/** What the first rows tell about all. */
export function sampleOf(rows: Row[]): Sample {
  const collector = new ColumnCollector();
  collector.add(rows);
  const { columns } = collector;
  const images = columns.filter(({ name, type }) => type === 'image' || holdsImages(rows, name));
  return { columns, rows, images: images.map(({ name }) => name) };
}

async function openAny(path: string): Promise<OpenDataset> {
  const full = resolve(path);
  const info = await stat(full);
  if (info.isDirectory()) return openFolder(full);
  if (!info.isFile()) {
    throw new AresError('unsupported', 'This is neither a file nor a folder.', { where: path, hint: 'Choose a file.' });
  }
  return openFile(full, { kind: 'folder', folder: dirname(full) });
}

async function openFile(path: string, imageRoot: ImageRoot): Promise<OpenDataset> {
  const file = await fileSource(path);
  const isCompressed = isGzip(await file.head(HEAD_BYTES));
  const source = isCompressed ? gunzipped(file) : file;
  const format = sniffFormat(await source.head(HEAD_BYTES), source.name);
  if (format === 'zip') {
    await file.close();
    return openArchive(path, isCompressed);
  }
  const random = isCompressed ? () => inMemory(source) : async () => file;
  const batches = closing(readTable(source, format, random), () => file.close());
  return { name: source.name, format, sizeBytes: file.sizeBytes, imageRoot, batches };
}

async function* closing(batches: Batches, close: () => Promise<void>): Batches {
  try {
    yield* batches;
  } finally {
    await close();
  }
}

/** @param random the source for formats that do not lie in order */
async function* readTable(source: Source, format: Format, random: () => Promise<RandomSource>): Batches {
  switch (format) {
    case 'jsonl':
      return yield* readJsonLines(source);
    case 'json':
      return yield* readJsonDocument(source);
    case 'csv':
    case 'tsv':
      return yield* readDelimited(source);
    case 'parquet':
      return yield* readParquet(await random());
    case 'arrow':
      return yield* readArrow(await random());
    case 'zip':
      throw new AresError('unsupported', 'This archive contains another archive.', {
        where: source.name,
        hint: 'Unpack it and import what is inside.',
      });
  }
}

const SAMPLE_ROWS = 50;

/** Names of columns that hold image paths whatever the paths look like; the bad ones among them must be told. */
const imageColumn = /^(?:images?|img|pictures?|image_?(?:path|file)s?)$/i;

function isImagePath(value: Cell): boolean {
  if (typeof value !== 'string') return false;
  return value.startsWith('data:image/') || (value.length < 1000 && imageExtension.test(value));
}

/** An image as Hugging Face datasets stores one inside a list: its bytes, or the path of its file. */
function isStoredImage(value: Cell): boolean {
  return isObject(value) && (value['bytes'] instanceof Uint8Array || isImagePath(value['path'] ?? null));
}

/** Whether a column holds images or paths of image files, one or a list of them. */
function holdsImages(rows: readonly Row[], column: string): boolean {
  const values = rows.slice(0, SAMPLE_ROWS).flatMap((row) => row[column] ?? []);
  const isImage = (value: Cell) => isStoredImage(value) || isImagePath(value);
  if (!imageColumn.test(column)) return values.filter(isImage).length * 2 > values.length;
  return values.length > 0 && values.every((value) => typeof value === 'string' || isStoredImage(value));
}

async function openArchive(path: string, isCompressed: boolean): Promise<OpenDataset> {
  if (isCompressed) {
    throw new AresError('unsupported', 'This zip file is compressed once more with gzip.', {
      where: path,
      hint: 'Decompress it first.',
    });
  }
  const archive = await ZipArchive.open(path);
  if (archive.has('[Content_Types].xml')) {
    throw new AresError('unsupported', 'This file is an office document.', {
      where: path,
      hint: 'Save the table as CSV.',
    });
  }
  const entry = onlyTable(archive.names, path);
  const source = archive.source(entry);
  const format = sniffFormat(await source.head(HEAD_BYTES), source.name);
  const folder = posix.dirname(entry);
  const prefix = folder === '.' ? '' : `${folder}/`;
  const batches = readTable(source, format, () => inMemory(source));
  const imageRoot: ImageRoot = { kind: 'archive', archive, prefix };
  return { name: basename(path), format: 'zip', sizeBytes: source.sizeBytes, imageRoot, batches };
}

/** The one table among names; files that systems leave behind are not counted. */
function onlyTable(names: readonly string[], where: string): string {
  const tables = names.filter((name) => tableExtension.test(name) && !/(?:^|\/)(?:__MACOSX\/|\.)/.test(name));
  if (tables.length === 1) return tables[0]!;
  throw new AresError(
    'bad-data',
    tables.length === 0
      ? 'There is no table in here.'
      : `There are several tables in here: ${tables.slice(0, 5).join(', ')}.`,
    {
      where,
      hint:
        tables.length === 0
          ? 'Add a JSONL or CSV file that names each image with its problem and answer.'
          : 'Import one of them.',
    },
  );
}

/** A folder saved by Hugging Face datasets, or one that holds a single table and its images. */
async function openFolder(folder: string): Promise<OpenDataset> {
  const names = (await readdir(folder)).sort();
  const imageRoot: ImageRoot = { kind: 'folder', folder };
  if (names.includes('dataset_dict.json')) {
    throw new AresError('unsupported', 'This folder holds several splits of a dataset.', {
      where: folder,
      hint: 'Choose the folder of one split, such as "train".',
    });
  }
  const shards = names.includes('state.json')
    ? await savedShards(folder)
    : names.filter((name) => name.endsWith('.arrow'));
  const name = basename(folder);
  if (shards.length === 0) return { ...(await openFile(join(folder, onlyTable(names, folder)), imageRoot)), name };
  const paths: string[] = [];
  let sizeBytes = 0;
  for (const shard of shards) {
    const path = await insideOf(folder, shard);
    sizeBytes += (await stat(path)).size;
    paths.push(path);
  }
  return { name, format: 'arrow', sizeBytes, imageRoot, batches: readShards(paths) };
}

/** @throws AresError bad-data for a link that leads out of the folder */
async function insideOf(folder: string, name: string): Promise<string> {
  const [real, target] = await Promise.all([realpath(folder), realpath(join(folder, name))]);
  if (dirname(target) === real) return target;
  throw new AresError('bad-data', 'A data file of this folder is a link that leads out of it.', {
    where: join(folder, name),
    hint: 'Copy the file into the folder.',
  });
}

function isPlainName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && basename(name) === name && !name.includes('\\');
}

/** Files that state.json names; they must lie in the folder itself. */
async function savedShards(folder: string): Promise<string[]> {
  const where = join(folder, 'state.json');
  const state: unknown = await readFile(where, 'utf8')
    .then(JSON.parse)
    .catch(() => null);
  const files: unknown =
    typeof state === 'object' && state !== null && '_data_files' in state ? state._data_files : null;
  const names = Array.isArray(files) ? files.map((file: { filename?: unknown } | null) => file?.filename) : [];
  if (names.length === 0 || !names.every(isPlainName)) {
    throw new AresError('bad-data', 'The file state.json does not name the data files of this folder.', {
      where,
      hint: 'Save the dataset again with save_to_disk.',
    });
  }
  return names;
}

async function* readShards(paths: readonly string[]): Batches {
  let [rowsBefore, bytesBefore] = [0, 0];
  for (const path of paths) {
    const source = await fileSource(path);
    let count = 0;
    for await (const { rows, lines, bad, readBytes } of closing(readArrow(source), () => source.close())) {
      count += rows.length + bad.length;
      yield {
        rows,
        lines: lines.map((line) => line + rowsBefore),
        bad: bad.map(({ line, reason }) => ({ line: line + rowsBefore, reason })),
        readBytes: readBytes + bytesBefore,
      };
    }
    rowsBefore += count;
    bytesBefore += source.sizeBytes;
  }
}
