/**
 * The checks of `ares doctor` and of the settings: each looks at one thing the workbench stands on.
 *
 * Owns: what is looked at, what is enough, and what to do where it is not. A check never throws; what
 * it cannot even look at is a problem. Heavy parts are imported inside of checks, because one that
 * does not load is just what is being looked for.
 */
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { toAresError } from '#core/util/errors.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';
import type { HostContext } from './hostContext.ts';
import { readProgramFacts } from './programFacts.ts';

export interface Finding {
  name: string;
  ok: boolean;
  /** What was found. */
  detail: string;
  /** What to do about a problem; null where there is none. */
  next: string | null;
}

type StartEngine = HostContext['startEngine'];
type Outcome = Omit<Finding, 'name'>;

const GIBIBYTE = 1024 ** 3;
/** Training the sample model takes a few hundred MB. */
const ENOUGH_MEMORY_BYTES = GIBIBYTE;
/** A run with its checkpoints takes a few hundred MB. */
const ENOUGH_DISK_BYTES = GIBIBYTE;
const REINSTALL = 'Delete the folder node_modules and run the command again: the dependencies are then installed anew.';

/**
 * @param folder where projects are to be kept
 * @param startEngine as the shell starts engine processes
 */
export async function runChecks(folder: string, startEngine: StartEngine): Promise<Finding[]> {
  return [
    await check('node', REINSTALL, async () => checkNode(process.versions, readProgramFacts().pinnedNode)),
    await check('runtime', REINSTALL, () => checkRuntime(startEngine)),
    await check('database', REINSTALL, checkDatabase),
    await check('cores', REINSTALL, async () => fine(`${availableParallelism()} available`)),
    await check('memory', REINSTALL, async () => checkMemory(process.availableMemory())),
    await check('disk', 'Choose another folder, or make this one writable.', async () => checkDisk(folder)),
    await check('sample model', 'Get resources/sample/ again: it comes with the program.', checkSampleModel),
  ];
}

/** @param advice what to do when the check cannot be made or finds something broken */
async function check(name: string, advice: string, look: () => Promise<Outcome>): Promise<Finding> {
  try {
    return { name, ...(await look()) };
  } catch (thrown) {
    const { message, where } = toAresError(thrown);
    return { name, ok: false, detail: where === undefined ? message : `${message} (${where})`, next: advice };
  }
}

function fine(detail: string): Outcome {
  return { ok: true, detail, next: null };
}

function problem(detail: string, next: string): Outcome {
  return { ok: false, detail, next };
}

export function checkNode(
  { node: running, electron }: { node: string; electron?: string | undefined },
  pinned: string | null,
): Outcome {
  // The desktop shell brings its own.
  if (electron !== undefined) return fine(`${running}, of Electron ${electron}`);
  if (pinned === running) return fine(`${running}, the pinned version`);
  const ownBuild = `${running}; no build of Node is pinned for this platform`;
  if (pinned === null)
    return Number(running.split('.')[0]) >= 24 ? fine(ownBuild) : problem(ownBuild, 'Install Node 24 or newer.');
  return problem(
    `${running}; the pinned version is ${pinned}`,
    'Start with "npm run ares -- doctor", which runs the pinned Node.',
  );
}

export function checkMemory(availableBytes: number): Outcome {
  const detail = `${gibibytes(availableBytes)} available`;
  return availableBytes >= ENOUGH_MEMORY_BYTES
    ? fine(detail)
    : problem(detail, `Close other programs: at least ${gibibytes(ENOUGH_MEMORY_BYTES)} is needed.`);
}

export function checkDisk(folder: string): Outcome {
  accessSync(folder, constants.W_OK | constants.X_OK);
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const detail = `${gibibytes(freeBytes)} free in ${resolve(folder)}`;
  return freeBytes >= ENOUGH_DISK_BYTES
    ? fine(detail)
    : problem(detail, `Free some space, or choose another folder: at least ${gibibytes(ENOUGH_DISK_BYTES)} is needed.`);
}

function gibibytes(bytes: number): string {
  return `${(bytes / GIBIBYTE).toFixed(1)} GiB`;
}

/** A model of a few numbers, opened and sampled from in an engine process. */
async function checkRuntime(startEngine: StartEngine): Promise<Outcome> {
  const { writeSmallestModel } = await import('./smallestModel.ts');
  return withTemporaryFolder(async (folder) => {
    const model = writeSmallestModel(folder);
    const engine = await startEngine(SMALLEST_ENGINE);
    try {
      const { handle } = await engine.openModel(model);
      const jobs = [{ promptIds: Int32Array.of(1), prefixIds: new Int32Array(0), promptKey: 0, sampleKey: 0 }];
      const sampling = {
        temperature: 1,
        topK: 0,
        topP: 1,
        greedy: true,
        maxNewTokens: 2,
        stopIds: [],
        alternatives: 0,
      };
      const { ids } = await engine.generate({ model: handle, jobs, seed: 1, step: 0, sampling });
      if (ids.length === 2) return fine('the engine process runs');
      return problem(`the engine process made ${ids.length} tokens instead of 2`, REINSTALL);
    } finally {
      await engine.close();
    }
  });
}

const SMALLEST_ENGINE: EngineOptions = {
  threads: 1,
  tokenBudget: 64,
  checkpointBlocks: false,
  maxRows: 1,
  chunkTokens: 2,
};

async function checkDatabase(): Promise<Outcome> {
  const { openStore } = await import('#core/store/store.ts');
  // In a file, as in a project: a database in memory has no write-ahead log.
  return withTemporaryFolder(async (folder) => {
    openStore(join(folder, 'project.sqlite')).close();
    return fine('SQLite opens a project');
  });
}

async function checkSampleModel(): Promise<Outcome> {
  const { sampleProject } = await import('#core/sample/project.ts');
  const { openModelFolder } = await import('#core/model/modelFolder.ts');
  const { loadWeights } = await import('#core/model/weights.ts');
  const { parameterCount } = await import('#core/model/parameters.ts');
  const folder = join(resourcesFolder, 'sample', sampleProject().modelFolder);
  const model = openModelFolder(folder);
  loadWeights(folder, model.config);
  return fine(`${parameterCount(model.config)} parameters, ${model.tokenizer.vocabSize} tokens`);
}

async function withTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ares-doctor-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
