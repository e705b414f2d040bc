/**
 * Calls about the models of the open project.
 */
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
import { hashOfWeightsPatiently } from '#core/runs/modelHash.ts';

type Subject = Pick<Handlers, 'models.list' | 'models.inspect' | 'models.add' | 'models.export'>;

export function modelHandlers(host: HostContext): Subject {
  return {
    'models.list': () => listModels(host.project().store),
    'models.inspect': ({ folder }) => inspectModel(requireAbsolute(folder)),
    'models.add': async ({ folder }) => {
      const path = requireAbsolute(folder);
      const { store } = host.project();
      inspectModel(path);
      const weightsHash = await hashOfWeightsPatiently(path);
      const modelId = store.models.add({ folder: path, weightsHash, parentId: null, createdMs: Date.now() });
      host.changes.announce('models', 'project');
      return { modelId };
    },
    'models.export': ({ modelId, target, format }) => {
      const { store } = host.project();
      const model = requireModel(store, modelId);
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

/** What the folder says, after everything a run would trip over was looked at: configuration, weights, tokenizer. */
function inspectModel(folder: string): ModelDetails {
  const details = modelDetails(folder);
  const model = openModelFolder(folder);
  checkWeights(folder, model.config);
  void model.tokenizer;
  return details;
}
