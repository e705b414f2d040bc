/**
 * The calls `data.*`: looking at a file, importing it, and what imports left out.
 */
import type { Handlers } from '#core/contract/contract.ts';
import { discardImport, importFile } from '#core/host/dataImport.ts';
import { dataReader, previewOf, toMapping } from '#core/host/dataPreview.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { AresError } from '#core/util/errors.ts';

type Subject = Pick<Handlers, 'data.preview' | 'data.import' | 'data.imports'>;

export function dataHandlers(host: HostContext): Subject {
  const reader = dataReader();
  /** Imports at work: hidden datasets are theirs. */
  let importing = 0;
  return {
    'data.preview': async ({ path, mapping }) =>
      previewOf(path, await reader.read(path), mapping === null ? null : toMapping(mapping)),
    'data.import': ({ path, mapping, name, split, appendTo }) => {
      const { store, folder } = host.project();
      if (appendTo === null && store.problems.datasets().some((dataset) => dataset.name === name)) {
        throw new AresError('usage', `There already is a dataset named "${name}".`, {
          where: name,
          hint: 'Choose another name, or append to that dataset.',
        });
      }
      const jobId = host.jobs.start({ kind: 'import', title: `Import ${name}`, unit: 'problems' }, async (control) => {
        // What an import left that died with its program; none is at work in this one.
        if (importing++ === 0) for (const dead of store.imports.unfinished()) await discardImport(store, dead);
        try {
          const request = { path, mapping: toMapping(mapping), name, split, appendTo };
          return await importFile(store, folder, request, () => reader.read(path), control);
        } finally {
          importing--;
          reader.forget();
          host.changes.announce('datasets', 'project');
        }
      });
      return { jobId };
    },
    'data.imports': ({ datasetId }) =>
      host
        .project()
        .store.imports.list(datasetId)
        .map((record) => ({ ...record, notes: [...record.notes], bad: [...record.bad] })),
  };
}
