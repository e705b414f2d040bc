/**
 * The calls `data.*`: looking at a file, importing it, and what imports left out.
 */
import type { DataMapping, Handlers } from '#core/contract/contract.ts';
import type { Mapping } from '#core/data/mapping.ts';
import { discardDeadImports, importFiles } from '#core/host/dataImport.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { AresError } from '#core/util/errors.ts';

type Subject = Pick<Handlers, 'data.preview' | 'data.import' | 'data.imports' | 'data.skipped'>;

export function dataHandlers(host: HostContext): Subject {
  return {
    'data.preview': async ({ path, mapping }) => ({
      path,
      ...(await host.reader.preview(path, mapping === null ? null : toMapping(mapping))),
    }),
    'data.import': ({ path, mapping, name, split, appendTo }) => {
      const { store, folder } = host.project();
      if (appendTo === null && store.problems.datasets().some((dataset) => dataset.name === name)) {
        throw new AresError('usage', `There already is a dataset named "${name}".`, {
          where: name,
          hint: 'Choose another name, or append to that dataset.',
        });
      }
      const jobId = host.jobs.start({ kind: 'import', title: `Import ${name}`, unit: 'bytes' }, async (control) => {
        await discardDeadImports(store);
        try {
          const request = { files: [{ path, mapping: toMapping(mapping) }], name, split, appendTo };
          return await importFiles({ store, projectFolder: folder, reader: host.reader }, request, control);
        } finally {
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
    'data.skipped': ({ importId, after }) => host.project().store.imports.skipped(importId, after, 1000),
  };
}

/** A mapping as it crosses the contract, without the fields that are not mapped. */
function toMapping({ prompt, answer, ...optional }: DataMapping): Mapping {
  const mapped = Object.entries(optional).filter(([, path]) => path !== undefined);
  return Object.assign({ prompt, answer }, Object.fromEntries(mapped));
}
