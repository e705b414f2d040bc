/**
 * A dataset: the rows of a file, a folder or an archive, whatever its format.
 *
 * Owns: choosing the importer, and what belongs to a dataset besides its rows (columns, where its images are).
 * What the columns mean is mapping.ts.
 */
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { AresError, toAresError } from '#core/util/errors.ts';
import { readArrow } from './arrow.ts';
import { type BadRow, type Cell, type Column, type Row, columnsOf, isObject } from './cells.ts';
import { readDelimited } from './csv.ts';
import type { ImageRoot } from './images.ts';
import { readJsonDocument, readJsonLines } from './json.ts';
import { readParquet } from './parquet.ts';
import { type Format, HEAD_BYTES, isGzip, sniffFormat } from './sniff.ts';
import { MEBIBYTE, type Source, fileSource, gunzipped, memorySource } from './source.ts';
import type { Table } from './table.ts';
import { ZipArchive } from './zipArchive.ts';

export interface Dataset {
  /** Name of the file or folder. */
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
  /** What paths in rows are relative to. */
  imageRoot: ImageRoot;
}

/** A table inside an archive is unpacked into memory. */
const MAX_ARCHIVED_TABLE_BYTES = 256 * MEBIBYTE;
const tableExtension = /\.(?:jsonl|ndjson|json|csv|tsv|parquet|arrow)$/i;
const imageExtension = /\.(?:png|jpe?g|webp|gif|bmp)$/i;

/**
 * Reads a dataset. The format is taken from the content first, from the extension only in doubt.
 * @param path a file, or a folder that holds one dataset
 * @throws AresError bad-data when no row can be read or the content is refused for safety; unsupported for other
 * kinds of file; not-found
 */
export async function readDataset(path: string): Promise<Dataset> {
  try {
    return await readAny(path);
  } catch (error) {
    throw toAresError(error);
  }
}

async function readAny(path: string): Promise<Dataset> {
  const full = resolve(path);
  const info = await stat(full);
  if (info.isDirectory()) return readFolder(full);
  if (!info.isFile()) {
    throw new AresError('unsupported', 'This is neither a file nor a folder.', { where: path, hint: 'Choose a file.' });
  }
  const root: ImageRoot = { kind: 'folder', folder: dirname(full) };
  const file = await fileSource(full);
  const isCompressed = isGzip(await file.read(0, HEAD_BYTES));
  const source = isCompressed ? await gunzipped(full, file) : file;
  const format = sniffFormat(await source.read(0, HEAD_BYTES), source.name);
  if (format === 'zip') return readArchive(full, isCompressed);
  return assemble(source.name, format, await readTable(source, format), root);
}

function readTable(source: Source, format: Format): Promise<Table> {
  switch (format) {
    case 'jsonl':
      return readJsonLines(source);
    case 'json':
      return readJsonDocument(source);
    case 'csv':
    case 'tsv':
      return readDelimited(source);
    case 'parquet':
      return readParquet(source);
    case 'arrow':
      return readArrow(source);
    case 'zip':
      throw new AresError('unsupported', 'This archive contains another archive.', {
        where: source.name,
        hint: 'Unpack it and import what is inside.',
      });
  }
}

function assemble(name: string, format: Format, table: Table, imageRoot: ImageRoot): Dataset {
  const columns = columnsOf(table.rows);
  const images = columns.filter(({ name, type }) => type === 'image' || holdsImages(table.rows, name));
  return {
    name,
    format,
    columns,
    rowCount: table.rows.length,
    rows: table.rows,
    lines: table.lines,
    images: images.map((column) => column.name),
    bad: table.bad,
    imageRoot,
  };
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

async function readArchive(path: string, isCompressed: boolean): Promise<Dataset> {
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
  const source = memorySource(basename(entry), await archive.read(entry, MAX_ARCHIVED_TABLE_BYTES));
  const format = sniffFormat(await source.read(0, HEAD_BYTES), source.name);
  const folder = posix.dirname(entry);
  const prefix = folder === '.' ? '' : `${folder}/`;
  return assemble(basename(path), 'zip', await readTable(source, format), { kind: 'archive', archive, prefix });
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
async function readFolder(folder: string): Promise<Dataset> {
  const names = (await readdir(folder)).sort();
  const root: ImageRoot = { kind: 'folder', folder };
  if (names.includes('dataset_dict.json')) {
    throw new AresError('unsupported', 'This folder holds several splits of a dataset.', {
      where: folder,
      hint: 'Choose the folder of one split, such as "train".',
    });
  }
  const shards = names.includes('state.json')
    ? await savedShards(folder)
    : names.filter((name) => name.endsWith('.arrow'));
  if (shards.length > 0) return assemble(basename(folder), 'arrow', await readShards(folder, shards), root);
  const table = onlyTable(names, folder);
  const source = await fileSource(join(folder, table));
  const format = sniffFormat(await source.read(0, HEAD_BYTES), source.name);
  return assemble(basename(folder), format, await readTable(source, format), root);
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

async function readShards(folder: string, shards: readonly string[]): Promise<Table> {
  const all: Table = { rows: [], lines: [], bad: [] };
  for (const shard of shards) {
    const offset = all.rows.length + all.bad.length;
    const table = await readArrow(await fileSource(join(folder, shard)));
    for (const row of table.rows) all.rows.push(row);
    for (const line of table.lines) all.lines.push(line + offset);
    for (const { line, reason } of table.bad) all.bad.push({ line: line + offset, reason });
  }
  return all;
}
