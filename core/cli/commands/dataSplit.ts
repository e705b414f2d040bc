/**
 * `ares data split`: what care leaves of a dataset, with a held-out part that shares no group with the rest.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { usageError } from '#core/cli/arguments.ts';
import { careOperands, checkOptions, namesOf, watched } from '#core/cli/careOptions.ts';
import { defineCommand } from '#core/cli/command.ts';
import { countOf } from '#core/compare/format.ts';
import { cardMarkdown } from '#core/data/care/card.ts';
import { withCareSession, writePools } from '#core/host/careSession.ts';
import { dataCard } from '#core/host/dataCard.ts';
import { checkDataset, makeCarePools } from '#core/host/datasetCheck.ts';
import { type GroupColumn, groupColumns } from '#core/store/problems.ts';

const DEFAULT_NAME = 'clean';

export const dataSplit = defineCommand({
  summary: 'Drop duplicates and contamination, and hold out a part that shares no group with the rest.',
  options: {
    ...checkOptions,
    heldout: {
      kind: 'number',
      value: 'SHARE',
      help: 'Share of the problems to hold out; 0 holds none out.',
      default: 0.2,
      minimum: 0,
      maximum: 0.9,
    },
    seed: {
      kind: 'number',
      value: 'N',
      help: 'Of the draw.',
      integer: true,
      minimum: 0,
      maximum: 2 ** 32 - 1,
      default: 1,
    },
    groupBy: {
      kind: 'text',
      value: 'COLUMN',
      help: 'What must not be on both sides, besides duplicates: a column of the file; with --project source, level or group.',
    },
    keepDuplicates: { kind: 'flag', help: 'Do not drop duplicates; they stay on one side.' },
    keepContaminated: { kind: 'flag', help: 'Do not drop problems that share words with an evaluation.' },
    control: { kind: 'flag', help: 'Also draw a set of the same size that no care was taken of.' },
    name: { kind: 'text', value: 'NAME', help: 'Of the pools.', default: DEFAULT_NAME },
    to: {
      kind: 'text',
      value: 'DIR',
      help: 'Folder for JSON lines and the data card; must not exist. Needed for a file.',
    },
  },
  operands: careOperands,
  async run({ options, operands: { data }, json, terminal }) {
    const { project, against, threshold, heldout, seed, groupBy, name, to } = options;
    if (to === undefined && project === undefined)
      throw usageError(
        'data split',
        '--to is missing.',
        'Add --to DIR for the files, or --project DIR to make pools in a project.',
      );
    if (to !== undefined && existsSync(to))
      throw usageError('data split', `${to} already exists.`, 'Name another folder.');
    const column = columnOf(groupBy, project !== undefined);
    const made = await watched('check', terminal, (control) =>
      withCareSession(
        {
          data,
          project,
          against: namesOf(against),
          ...(project === undefined && groupBy !== undefined ? { groupColumn: groupBy } : {}),
        },
        control,
        async (session) => {
          const { store, projectFolder, datasetId } = session;
          const settings = { threshold, against: session.against };
          const checkId = await checkDataset(store, { projectFolder, datasetId, settings }, control);
          const pools = makeCarePools(store, {
            checkId,
            name,
            dropDuplicates: !options.keepDuplicates,
            dropContaminated: !options.keepContaminated,
            chosen: [],
            heldout: heldout === 0 ? null : { fraction: heldout, seed, groupBy: column },
            withControl: options.control,
          });
          if (to !== undefined) {
            const card = await dataCard(store, datasetId, Date.now());
            const files = pools.pools.map(({ poolId, name: pool }) => ({ poolId, fileName: fileNameOf(pool, name) }));
            const texts = {
              'data-card.md': cardMarkdown(card),
              'data-card.json': `${JSON.stringify(card, null, 2)}\n`,
            };
            writePools(session, files, texts, resolve(to));
          }
          return pools;
        },
      ),
    );
    if (json) terminal.json(made);
    else {
      terminal.print(
        `dropped: ${countOf(made.droppedDuplicates, 'duplicate')}, ${countOf(made.droppedContaminated, 'contaminated problem')}`,
      );
      for (const pool of made.pools) terminal.print(`${pool.name}: ${countOf(pool.problems, 'problem')}`);
      if (made.groups !== null)
        terminal.print(`groups: ${made.groups}, the largest of ${countOf(made.largestGroup!, 'problem')}`);
      if (to !== undefined) terminal.print(`files: ${to}`);
    }
    return 0;
  },
});

function columnOf(groupBy: string | undefined, isInProject: boolean): GroupColumn | null {
  if (groupBy === undefined) return null;
  if (!isInProject) return 'group';
  const column = groupColumns.find((known) => known === groupBy);
  if (column !== undefined) return column;
  throw usageError(
    'data split',
    `A dataset of a project cannot be grouped by "${groupBy}".`,
    `Choose from ${groupColumns.join(', ')}.`,
  );
}

/** `clean train` is train.jsonl; a pool alone is its own name. */
function fileNameOf(pool: string, name: string): string {
  const part = pool === name ? 'train' : pool.slice(name.length + 1);
  return `${part}.jsonl`;
}
