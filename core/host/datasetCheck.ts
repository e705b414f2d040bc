/**
 * Checking a dataset of a project, and making pools of what care leaves.
 *
 * Owns: the thread in which a check works, so that this one answers meanwhile; keeping what it found; and which
 * problems go into which pool. The rules are data/care's.
 */
import { Worker } from 'node:worker_threads';
import { drawControlSet } from '#core/ares/controlSet.ts';
import { type CareOptions, type CheckSummary, applyCare, hasSameAnswer } from '#core/data/care/check.ts';
import type { PoolCare } from '#core/data/care/card.ts';
import { joinGroups, splitByGroup } from '#core/data/care/groupSplit.ts';
import { type PlainError, fromPlainError } from '#core/engine/messages.ts';
import type { Check, CheckSettings, StoredContamination, StoredMember } from '#core/store/checks.ts';
import type { GroupColumn } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import type { JobControl } from './hostContext.ts';

export interface CareTask {
  projectFolder: string;
  datasetId: number;
  settings: CheckSettings;
}

interface CareFound {
  summary: CheckSummary;
  members: Omit<StoredMember, 'answer' | 'clusterAnswer'>[];
  contamination: StoredContamination[];
}
export type CareMessage = { progress: number; total: number } | CareFound | { error: PlainError };

/**
 * Checks a dataset and keeps the result in the place of the one before.
 * @returns the id of the check
 * @throws AresError 'interrupted' when it was cancelled: then the check before it is still there
 */
export async function checkDataset(store: Pick<Store, 'checks'>, task: CareTask, control: JobControl): Promise<number> {
  const { summary, members, contamination } = await inThread(task, control);
  const { datasetId, settings } = task;
  return store.checks.save({ datasetId, settings, summary, createdMs: Date.now() }, members, contamination);
}

function inThread(task: CareTask, { signal, progress }: JobControl): Promise<CareFound> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./careWorker.ts', import.meta.url), { workerData: task });
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', cancel);
      void worker.terminate();
      settle();
    };
    const fail = (error: AresError) => end(() => reject(error));
    const cancel = () => fail(new AresError('interrupted', 'The check was cancelled. Nothing was changed.'));
    signal.addEventListener('abort', cancel);
    worker.on('message', (message: CareMessage) => {
      if ('progress' in message) progress(message.progress, message.total);
      else if ('error' in message) fail(fromPlainError(message.error));
      else end(() => resolve(message));
    });
    worker.on('error', (thrown) => fail(endedEarly(thrown instanceof Error ? thrown.message : String(thrown))));
    worker.on('exit', () => fail(endedEarly('its thread ended.')));
    if (signal.aborted) cancel();
  });
}

function endedEarly(reason: string): AresError {
  return new AresError('internal', `The dataset could not be checked: ${reason}`, {
    hint: 'Check it again; if it happens twice, check a part of it.',
  });
}

/** What is held out of what care leaves. */
export interface HeldoutRequest {
  /** Share of the problems, in (0, 1). */
  fraction: number;
  seed: number;
  /** Besides the clusters of duplicates, which never straddle. */
  groupBy: GroupColumn | null;
}

export interface CareRequest extends CareOptions {
  checkId: number;
  /** Of the pool, or the beginning of the names of several. */
  name: string;
  /** Of some clusters, the problem to keep. */
  chosen: readonly { cluster: number; problemId: number }[];
  heldout: HeldoutRequest | null;
  /** Also an equally large pool that no care was taken of. */
  withControl: boolean;
}

export interface CarePools {
  pools: { poolId: number; name: string; problems: number }[];
  droppedDuplicates: number;
  droppedContaminated: number;
  groups: number | null;
  largestGroup: number | null;
}

/** Of the control's draw where nothing is held out. */
const CONTROL_SEED = 1;

/**
 * Makes pools of what care leaves: one, or one to train on and one held out; and if wanted a control as large as the
 * one to train on, drawn from all problems that are in no held-out group. Durable, all or nothing.
 * @throws AresError 'not-found' when the check is gone, 'usage' when the dataset has changed since, when nothing is
 *   left, or when a name is taken
 */
export function makeCarePools(store: Store, request: CareRequest): CarePools {
  const { checkId, name, chosen, heldout, withControl, ...options } = request;
  const check = requireCheck(store, checkId);
  const { datasetId } = check;
  const ids = store.problems.ids(datasetId);
  if (ids.length !== check.summary.problems) {
    throw new AresError('usage', 'The dataset has changed since it was checked.', { hint: 'Check it again.' });
  }
  const position = new Map(Array.from(ids, (id, i): [number, number] => [id, i]));
  const members = store.checks.members(checkId).map(({ problemId, cluster, similarity, answer, clusterAnswer }) => ({
    problem: position.get(problemId)!,
    first: position.get(cluster)!,
    similarity,
    hasSameAnswer: hasSameAnswer(answer, clusterAnswer),
  }));
  const contaminated = store.checks
    .contamination(checkId)
    .map(({ problemId }) => ({ problem: position.get(problemId)! }));
  const choices = new Map(chosen.map(({ cluster, problemId }) => [position.get(cluster)!, position.get(problemId)!]));
  const care = applyCare(ids.length, { members, contaminated }, options, choices);
  const kept = ids.filter((_, i) => care.kept[i] === 1);
  if (kept.length === 0) throw new AresError('usage', 'Nothing is left of this dataset.', { hint: 'Drop less.' });

  const clusterOf = new Map(members.map(({ problem, first }) => [problem, first]));
  const groupings: (string | number | null)[][] = [Array.from(ids, (_, i) => clusterOf.get(i) ?? null)];
  if (heldout !== null && heldout.groupBy !== null)
    groupings.push(store.problems.groupValues(datasetId, heldout.groupBy));
  const group = joinGroups(ids.length, groupings);
  const split =
    heldout === null
      ? null
      : splitByGroup(
          group.filter((_, i) => care.kept[i] === 1),
          heldout.fraction,
          heldout.seed,
        );
  if (split !== null && (split.heldoutProblems === 0 || split.heldoutProblems === kept.length)) {
    throw new AresError('usage', `The groups are too large to hold out ${(100 * heldout!.fraction).toFixed(0)} %.`, {
      hint: `The largest has ${split.largestGroup} of ${kept.length} problems. Group by something finer.`,
    });
  }
  const train = split === null ? kept : kept.filter((_, i) => split.heldout[i] === 0);
  const held = split === null ? null : kept.filter((_, i) => split.heldout[i] === 1);
  const heldGroups = new Set(Array.from(held ?? [], (id) => group[position.get(id)!]!));
  const record = {
    check: { createdMs: check.createdMs, settings: check.settings, summary: check.summary },
    ...options,
    chosenByHand: chosen.length,
    droppedDuplicates: care.droppedDuplicates,
    droppedContaminated: care.droppedContaminated,
    heldout,
  };
  const createdMs = Date.now();
  return store.durably(() => {
    const pools: CarePools['pools'] = [];
    const add = (poolName: string, problemIds: Int32Array, role: PoolCare['role']) => {
      const poolId = store.pools.add({ datasetId, name: poolName, createdMs }, problemIds);
      store.checks.setPoolCare(poolId, { ...record, role });
      pools.push({ poolId, name: poolName, problems: problemIds.length });
    };
    add(held === null ? name : `${name} train`, train, 'cared for');
    if (held !== null) add(`${name} heldout`, held, 'held out');
    if (withControl) {
      const outside = ids.filter((_, i) => !heldGroups.has(group[i]!));
      add(`${name} control`, drawControlSet(outside, train.length, heldout?.seed ?? CONTROL_SEED), 'control');
    }
    return {
      pools,
      droppedDuplicates: care.droppedDuplicates,
      droppedContaminated: care.droppedContaminated,
      groups: split?.groups ?? null,
      largestGroup: split?.largestGroup ?? null,
    };
  });
}

/** @throws AresError 'not-found' */
export function requireCheck(store: Pick<Store, 'checks'>, checkId: number): Check {
  const check = store.checks.get(checkId);
  if (check !== undefined) return check;
  throw new AresError('not-found', 'This check is not there any more.', { hint: 'Check the dataset again.' });
}
