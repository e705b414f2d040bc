/**
 * Calls about the models of the open project.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Handlers, ModelDetails } from '#core/contract/contract.ts';
import { exportModel } from '#core/host/exportModel.ts';
import { requireAbsolute } from '#core/host/folderList.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { modelCardText } from '#core/host/modelCard.ts';
import { modelDetails } from '#core/host/modelDetails.ts';
import { cardOf, exportedModel, listModels } from '#core/host/modelFacts.ts';
import { requireModel } from '#core/host/runFacts.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { checkWeights } from '#core/model/weights.ts';
import { hubAccess } from '#core/remote/hubAccess.ts';
import { pullModel, requireModelName } from '#core/remote/pullModel.ts';
import { AresError } from '#core/util/errors.ts';
import { hashOfWeightsPatiently } from '#core/runs/modelHash.ts';

type Subject = Pick<Handlers, 'models.list' | 'models.inspect' | 'models.add' | 'models.pull' | 'models.export'>;

export function modelHandlers(host: HostContext): Subject {
  return {
    'models.list': () => listModels(host.project().store),
    'models.inspect': ({ folder }) => inspectModel(requireAbsolute(folder)),
    'models.add': async ({ folder }) => {
      return { modelId: await addModel(host, requireAbsolute(folder)) };
    },
    'models.pull': ({ name, revision }) => {
      host.project();
      requireModelName(name);
      const target = join(host.settings().dataFolder, 'models', ...name.split('/'));
      const about = { kind: 'download', title: `Download ${name}`, unit: 'bytes' } as const;
      const jobId = host.jobs.start(about, async (control) => {
        const isHere = existsSync(join(target, 'config.json'));
        const pulled = isHere ? null : await pullModel({ name, revision, target, ...hubAccess() }, control);
        return { modelId: await addModel(host, target), folder: target, commit: pulled?.commit ?? null };
      });
      return { jobId };
    },
    'models.export': ({ modelId, target, format }) => {
      const { store } = host.project();
      const model = requireModel(store, modelId);
      if (model.served !== null) {
        throw new AresError('unsupported', 'A model on a server has no weights here to export.');
      }
      const path = requireAbsolute(target);
      const card = modelCardText(cardOf(store, model), format);
      const exported = exportedModel(store.runs.list(), model);
      const about = { kind: 'export', title: `Export to ${path}`, unit: 'bytes' } as const;
      const jobId = host.jobs.start(about, async (control) => {
        await exportModel(exported, format, path, card, control);
        return { path };
      });
      return { jobId };
    },
  };
}

async function addModel(host: HostContext, folder: string): Promise<number> {
  const { store } = host.project();
  inspectModel(folder);
  const weightsHash = await hashOfWeightsPatiently(folder);
  const modelId = store.models.add({ folder, weightsHash, parentId: null, createdMs: Date.now() });
  host.changes.announce('models', 'project');
  return modelId;
}

/** What the folder says, after everything a run would trip over was looked at: configuration, weights, tokenizer. */
function inspectModel(folder: string): ModelDetails {
  const details = modelDetails(folder);
  const model = openModelFolder(folder);
  checkWeights(folder, model.config);
  void model.tokenizer;
  return details;
}
