/**
 * The facts for the card of a dataset of a project.
 *
 * Owns: gathering them from the store and from the files the dataset came from. What a card says is
 * data/care/card.ts.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { passRateBracket } from '#core/ares/difficulty.ts';
import { ProblemListDigest, promptText } from '#core/data/care/check.ts';
import type { CardDifficulty, CardFile, DataCard, Spread } from '#core/data/care/card.ts';
import type { ImportRecord } from '#core/store/imports.ts';
import type { Store } from '#core/store/store.ts';
import { createBreather } from '#core/util/breather.ts';
import { quantileOfSorted } from '#core/util/statistics.ts';
import { requireDataset } from './handlers/datasets.ts';

const PAGE = 200;
const BRACKETS = 8;

/** @throws AresError 'not-found' when there is no such dataset */
export async function dataCard(store: Store, datasetId: number, nowMs: number): Promise<DataCard> {
  const dataset = requireDataset(store, datasetId);
  const scan = await scanProblems(store, datasetId);
  const imports = store.imports.list(datasetId).toReversed();
  const files: CardFile[] = [];
  for (const record of imports) files.push(await fileFacts(record));
  const check = store.checks.newest(datasetId);
  const human = { easy: 0, medium: 0, hard: 0 };
  for (const { bucket } of store.humanLabels.current(datasetId)) if (bucket !== null) human[bucket]++;
  return {
    version: 1,
    name: dataset.name,
    madeMs: nowMs,
    problems: dataset.problems,
    ...scan,
    sources: store.problemTable.sources(datasetId),
    splits: store.problems.splits(datasetId),
    files,
    mapping: dataset.mapping,
    ...leftOut(imports),
    difficulty: difficultyOf(store, datasetId),
    humanLabels: human,
    check:
      check === undefined
        ? null
        : {
            ...check.summary,
            checkedMs: check.createdMs,
            threshold: check.settings.threshold,
            against: check.settings.against.map(({ name }) => name),
            isCurrent: check.summary.problemsSha256 === scan.problemsSha256,
          },
    pools: store.pools.list(datasetId).map(({ poolId, name, problems }) => ({
      name,
      problems,
      care: store.checks.poolCare(poolId) ?? null,
    })),
  };
}

type Scan = Pick<
  DataCard,
  | 'problemsSha256'
  | 'withImages'
  | 'conversations'
  | 'withSolution'
  | 'promptCharacters'
  | 'promptWords'
  | 'answerCharacters'
>;

/** One pass over the problems, giving way to others. */
async function scanProblems(store: Pick<Store, 'problems'>, datasetId: number): Promise<Scan> {
  const breathe = createBreather();
  const digest = new ProblemListDigest();
  const counts = { withImages: 0, conversations: 0, withSolution: 0 };
  const [characters, words, answers]: [number[], number[], number[]] = [[], [], []];
  for (let afterProblemId = 0; ;) {
    const page = store.problems.pageOfAll({ datasetId, afterProblemId, limit: PAGE });
    for (const { prompt, answer, images, meta } of page) {
      // Sound: the importer stored a text or a list of messages.
      const text = promptText(prompt as string);
      digest.add({ prompt: prompt as string, answer, images });
      counts.withImages += Number(images.length > 0);
      counts.conversations += Number(typeof prompt !== 'string');
      counts.withSolution += Number((meta as { response?: string } | null)?.response !== undefined);
      characters.push(text.length);
      words.push(text.split(/\s+/).filter((word) => word !== '').length);
      answers.push(answer.length);
    }
    if (page.length < PAGE) break;
    afterProblemId = page.at(-1)!.problemId;
    await breathe();
  }
  return {
    problemsSha256: digest.finish(),
    ...counts,
    promptCharacters: spreadOf(characters),
    promptWords: spreadOf(words),
    answerCharacters: spreadOf(answers),
  };
}

function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const at = (q: number) => Math.round(quantileOfSorted(sorted, q));
  return { minimum: at(0), lowerQuartile: at(0.25), median: at(0.5), upperQuartile: at(0.75), maximum: at(1) };
}

async function fileFacts({ file, imported, skipped, notes, createdMs }: ImportRecord): Promise<CardFile> {
  const facts = { name: basename(file), importedMs: createdMs, imported, skipped, notes };
  const found = existsSync(file) ? statSync(file) : null;
  const licence = found === null ? null : statedLicence(found.isDirectory() ? file : dirname(file));
  // A folder has no hash of its own; its problems' hash tells it from others.
  if (!found?.isFile()) return { ...facts, sha256: null, sizeBytes: null, changedSince: false, licence };
  const sha256 = await fileSha256(file);
  return { ...facts, sha256, sizeBytes: found.size, changedSince: found.mtimeMs > createdMs, licence };
}

async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** The licence that the front matter of README.md or dataset_info.json in the folder of a dataset states. */
function statedLicence(folder: string): string | null {
  const read = (name: string) => {
    const path = join(folder, name);
    return existsSync(path) && statSync(path).size < 2 ** 20 ? readFileSync(path, 'utf8') : '';
  };
  const frontMatter = /^---\r?\n([\s\S]*?)\r?\n---/.exec(read('README.md'))?.[1] ?? '';
  const stated = /^licen[sc]e:\s*(?:\r?\n\s*-\s*)?(.+)$/m.exec(frontMatter)?.[1];
  const inInfo = /"license"\s*:\s*"([^"\n]+)"/.exec(read('dataset_info.json'))?.[1];
  return (stated ?? inInfo)?.trim().replace(/^(["'])(.*)\1$/, '$2') ?? null;
}

/** Reasons differ in line numbers; what they say is counted. */
function leftOut(imports: readonly ImportRecord[]): Pick<DataCard, 'badRows' | 'badRowsNotListed'> {
  const rows = new Map<string, number>();
  let listed = 0;
  for (const { reason } of imports.flatMap(({ bad }) => bad)) {
    const kind = reason.replaceAll(/\d+/g, 'N');
    rows.set(kind, (rows.get(kind) ?? 0) + 1);
    listed++;
  }
  const skipped = imports.reduce((sum, record) => sum + record.skipped, 0);
  return {
    badRows: Array.from(rows, ([reason, count]) => ({ reason, rows: count })).sort((a, b) => b.rows - a.rows),
    badRowsNotListed: skipped - listed,
  };
}

function difficultyOf(store: Store, datasetId: number): CardDifficulty[] {
  return store.labels
    .counts()
    .filter((count) => count.datasetId === datasetId)
    .map(({ modelId }) => {
      const model = store.models.get(modelId)!;
      const labels = store.labels.newest(datasetId, modelId);
      const perBracket = Array<number>(BRACKETS + 1).fill(0);
      for (const { correct, samples } of labels) perBracket[passRateBracket(correct, samples, BRACKETS)]!++;
      const last = labels.at(-1)!;
      return {
        model: basename(model.folder),
        modelSha256: model.weightsHash,
        grader: last.grader,
        samples: labels.reduce((most, { samples }) => Math.max(most, samples), 0),
        temperature: last.temperature,
        labelled: labels.length,
        perBracket,
      };
    });
}
