/**
 * Checks of datasets: the newest one of each, with the clusters of duplicates and the contaminated problems it found,
 * and the care that pools were made with.
 *
 * What a check looks for is data/care/; settings and summary are its, kept as they are.
 */
import type { PoolCare } from '#core/data/care/card.ts';
import type { CheckSummary } from '#core/data/care/check.ts';
import type { Connection } from './connection.ts';
import { durably, inTransaction } from './transactions.ts';

/** Problems of an evaluation that a dataset was compared with. */
export interface CheckedAgainst {
  datasetId: number;
  /** Null for all of it. */
  split: string | null;
  /** As it was called then. */
  name: string;
}

export interface CheckSettings {
  /** Jaccard similarity from which on problems are near duplicates. */
  threshold: number;
  against: readonly CheckedAgainst[];
}

export interface Check {
  checkId: number;
  datasetId: number;
  settings: CheckSettings;
  summary: CheckSummary;
  createdMs: number;
}

/** A member of a cluster of duplicates, which is named by its first. */
export interface StoredMember {
  problemId: number;
  cluster: number;
  similarity: number;
  answer: string;
  clusterAnswer: string;
}

/** The longest row of words that a problem shares with one of an evaluation; places as in data/care/contamination.ts. */
export interface StoredContamination {
  problemId: number;
  againstId: number;
  matchedWords: number;
  coverage: number;
  start: number;
  end: number;
  againstStart: number;
  againstEnd: number;
}

export interface CheckReads {
  newest(datasetId: number): Check | undefined;
  get(checkId: number): Check | undefined;
  /** Cluster by cluster, in order of import. */
  members(checkId: number): StoredMember[];
  /** What covers most of an evaluation problem first. */
  contamination(checkId: number): StoredContamination[];
  /** The care a pool was made with; undefined where it was made otherwise. */
  poolCare(poolId: number): PoolCare | undefined;
}

export interface CheckWrites {
  /** Keeps a check in the place of the one before. Durable, all or nothing. @returns its id */
  save(
    check: Omit<Check, 'checkId'>,
    members: readonly Omit<StoredMember, 'answer' | 'clusterAnswer'>[],
    contamination: readonly StoredContamination[],
  ): number;
  setPoolCare(poolId: number, care: PoolCare): void;
}

type Row = Omit<Check, 'settings' | 'summary'> & { settings: string; summary: string };

export function checkQueries(db: Connection): CheckReads & CheckWrites {
  const newest = db.prepare<[number], Row>('SELECT * FROM checks WHERE datasetId = ?');
  const get = db.prepare<[number], Row>('SELECT * FROM checks WHERE checkId = ?');
  const members = db.prepare<[number], StoredMember>(`
    SELECT checkClusters.problemId, cluster, similarity, own.answer, coalesce(first.answer, '') AS clusterAnswer
    FROM checkClusters JOIN problems AS own ON own.problemId = checkClusters.problemId
    LEFT JOIN problems AS first ON first.problemId = cluster
    WHERE checkId = ? ORDER BY cluster, checkClusters.problemId`);
  const contamination = db.prepare<[number], StoredContamination>(`
    SELECT problemId, againstId, matchedWords, coverage, start, end, againstStart, againstEnd
    FROM checkContamination WHERE checkId = ? ORDER BY coverage DESC, problemId`);
  const poolCare = db.prepare<[number], string>('SELECT care FROM poolCare WHERE poolId = ?').pluck();
  const forget = db.prepare<[number]>('DELETE FROM checks WHERE datasetId = ?');
  // Not the number of the check it replaces: whoever still shows that one must not act on this one.
  const nextId = db.prepare<[], number>('SELECT coalesce(max(checkId), 0) + 1 FROM checks').pluck();
  const insert = db.prepare<[Row]>(`
    INSERT INTO checks (checkId, datasetId, settings, summary, createdMs)
    VALUES (:checkId, :datasetId, :settings, :summary, :createdMs)`);
  const insertMember = db.prepare<[number, number, number, number]>(
    'INSERT INTO checkClusters (checkId, problemId, cluster, similarity) VALUES (?, ?, ?, ?)',
  );
  const insertContamination = db.prepare<[StoredContamination & { checkId: number }]>(`
    INSERT INTO checkContamination
      (checkId, problemId, againstId, matchedWords, coverage, start, end, againstStart, againstEnd)
    VALUES (:checkId, :problemId, :againstId, :matchedWords, :coverage, :start, :end, :againstStart, :againstEnd)`);
  const setPoolCare = db.prepare<[number, string]>('INSERT OR REPLACE INTO poolCare (poolId, care) VALUES (?, ?)');

  const parse = (row: Row | undefined): Check | undefined =>
    row && {
      ...row,
      // Sound: written below.
      settings: JSON.parse(row.settings) as CheckSettings,
      summary: JSON.parse(row.summary) as CheckSummary,
    };
  return {
    newest: (datasetId) => parse(newest.get(datasetId)),
    get: (checkId) => parse(get.get(checkId)),
    members: (checkId) => members.all(checkId),
    contamination: (checkId) => contamination.all(checkId),
    poolCare: (poolId) => {
      const care = poolCare.get(poolId);
      return care === undefined ? undefined : (JSON.parse(care) as PoolCare);
    },
    save: ({ datasetId, settings, summary, createdMs }, clusters, contaminated) =>
      durably(db, () => {
        const checkId = nextId.get()!;
        forget.run(datasetId);
        const texts = { settings: JSON.stringify(settings), summary: JSON.stringify(summary) };
        insert.run({ checkId, datasetId, ...texts, createdMs });
        for (const { problemId, cluster, similarity } of clusters)
          insertMember.run(checkId, problemId, cluster, similarity);
        for (const match of contaminated) insertContamination.run({ ...match, checkId });
        return checkId;
      }),
    setPoolCare: (poolId, care) => inTransaction(db, () => void setPoolCare.run(poolId, JSON.stringify(care))),
  };
}
