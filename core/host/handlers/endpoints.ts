/**
 * The calls `endpoints.*`: servers that answer as models.
 *
 * Owns: what of an endpoint a front end may know. A key goes in and never comes out.
 */
import type { EndpointInfo, Handlers } from '#core/contract/contract.ts';
import { modelOf } from '#core/host/createRun.ts';
import type { SavedEndpoint } from '#core/host/endpointBook.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { keyOf } from '#core/host/labelServed.ts';
import { createClient } from '#core/remote/client.ts';
import { probeModel } from '#core/remote/probe.ts';

type Subject = Pick<
  Handlers,
  | 'endpoints.list'
  | 'endpoints.save'
  | 'endpoints.remove'
  | 'endpoints.models'
  | 'endpoints.probe'
  | 'endpoints.addModel'
>;

export function endpointHandlers(host: HostContext): Subject {
  const book = () => host.endpoints();
  const infoOf = async ({ timeoutMs, ...endpoint }: SavedEndpoint): Promise<EndpointInfo> => ({
    name: endpoint.name,
    url: endpoint.url,
    keyVariable: endpoint.keyVariable,
    concurrency: endpoint.concurrency,
    timeoutSeconds: timeoutMs / 1000,
    keyPlace: await host.keys.placeOf(endpoint),
    probes: endpoint.probes.map(({ model, probedMs, findings, capabilities }) => ({
      model,
      probedMs,
      findings,
      topLogprobs: capabilities.topLogprobs,
    })),
  });
  const clientOf = async (endpoint: SavedEndpoint) => {
    const key = await keyOf(host.keys, endpoint);
    return { client: createClient({ endpoint, key }), key };
  };
  const probe = async (name: string, model: string): Promise<SavedEndpoint> => {
    const { client, key } = await clientOf(book().get(name));
    const saved = book().keepProbe(name, await probeModel(client, key, model, Date.now()));
    host.changes.announce('endpoints');
    return saved;
  };
  return {
    'endpoints.list': async () => ({
      endpoints: await Promise.all(book().list().map(infoOf)),
      keyStoreProblem: await host.keys.systemProblem(),
    }),
    'endpoints.save': async ({ previousName, name, url, keyVariable, concurrency, timeoutSeconds, key }) => {
      const wanted = { name, url, keyVariable, concurrency, timeoutMs: timeoutSeconds * 1000 };
      const before = previousName === null ? null : book().get(previousName);
      const kept = before === null ? null : await host.keys.read({ ...before, keyVariable: null });
      const saved = book().save(wanted, previousName);
      // A key moves along with a new name, never to another host.
      if (before !== null && before.name !== saved.name) {
        await host.keys.forget(before);
        if (kept !== null && new URL(before.url).origin === new URL(saved.url).origin)
          await host.keys.keep(saved, kept);
      }
      if (key === '' || keyVariable !== null) await host.keys.forget(saved);
      else if (key !== null) await host.keys.keep(saved, key);
      host.changes.announce('endpoints');
      return infoOf(saved);
    },
    'endpoints.remove': async ({ name }) => {
      await host.keys.forget(book().get(name));
      book().remove(name);
      host.changes.announce('endpoints');
      return {};
    },
    'endpoints.models': async ({ name }) => {
      const { client } = await clientOf(book().get(name));
      return { models: (await client.models())?.map(({ id }) => id) ?? null };
    },
    'endpoints.probe': async ({ name, model }) => infoOf(await probe(name, model)),
    'endpoints.addModel': async ({ name, model }) => {
      const { store } = host.project();
      let endpoint = book().get(name);
      if (!endpoint.probes.some((each) => each.model === model)) endpoint = await probe(name, model);
      const served = book().served({ url: endpoint.url, model });
      const modelId = store.models.add({ ...modelOf(served), createdMs: Date.now() });
      host.changes.announce('models', 'project');
      return { modelId };
    },
  };
}
