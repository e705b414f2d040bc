/**
 * The calls `care.*`: checking a dataset, looking at what was found, pools of what care leaves, and its card.
 */
import type { Handlers } from '#core/contract/contract.ts';
import { cardMarkdown } from '#core/data/care/card.ts';
import { hasSameAnswer, promptText } from '#core/data/care/check.ts';
import { dataCard } from '#core/host/dataCard.ts';
import { checkDataset, makeCarePools, requireCheck } from '#core/host/datasetCheck.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { nameOf } from '#core/host/problemSource.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { requireDataset } from './datasets.ts';

type Subject = Pick<
  Handlers,
  'care.check' | 'care.newest' | 'care.clusters' | 'care.contamination' | 'care.match' | 'care.makePools' | 'care.card'
>;

export function careHandlers(host: HostContext): Subject {
  return {
    'care.check': ({ datasetId, threshold, against }) => {
      const { store, folder } = host.project();
      const { name } = requireDataset(store, datasetId);
      const named = against.map((part) => {
        requireDataset(store, part.datasetId);
        return { ...part, name: nameOf(store, { ...part, poolId: null }) };
      });
      const task = { projectFolder: folder, datasetId, settings: { threshold, against: named } };
      const jobId = host.jobs.start({ kind: 'check', title: `Check ${name}`, unit: 'steps' }, async (control) => {
        const checkId = await checkDataset(store, task, control);
        host.changes.announce('datasets');
        return { checkId };
      });
      return { jobId };
    },
    'care.newest': ({ datasetId }) => {
      const check = host.project().store.checks.newest(datasetId);
      if (check === undefined) return null;
      const { checkId, createdMs, settings, summary } = check;
      return { checkId, createdMs, threshold: settings.threshold, against: [...settings.against], summary };
    },
    'care.clusters': ({ checkId }) => {
      const { store } = host.project();
      requireCheck(store, checkId);
      const members = store.checks.members(checkId);
      return {
        problemId: Int32Array.from(members, ({ problemId }) => problemId),
        cluster: Int32Array.from(members, ({ cluster }) => cluster),
        similarity: Float32Array.from(members, ({ similarity }) => similarity),
        sameAnswer: Uint8Array.from(members, ({ answer, clusterAnswer }) =>
          Number(hasSameAnswer(answer, clusterAnswer)),
        ),
      };
    },
    'care.contamination': ({ checkId }) => {
      const { store } = host.project();
      requireCheck(store, checkId);
      const found = store.checks.contamination(checkId);
      return {
        problemId: Int32Array.from(found, ({ problemId }) => problemId),
        againstId: Int32Array.from(found, ({ againstId }) => againstId),
        matchedWords: Int32Array.from(found, ({ matchedWords }) => matchedWords),
        coverage: Float32Array.from(found, ({ coverage }) => coverage),
      };
    },
    'care.match': ({ checkId, problemId }) => {
      const { store } = host.project();
      const match = store.checks.contamination(checkId).find((each) => each.problemId === problemId);
      if (match === undefined) {
        throw new AresError('not-found', 'This problem is not among those the check found.', {
          hint: 'The dataset may have been checked again. Reload the list.',
        });
      }
      const { againstId, start, end, againstStart, againstEnd, matchedWords, coverage } = match;
      return {
        problem: { ...textOf(store, problemId), start, end },
        against: { ...textOf(store, againstId), start: againstStart, end: againstEnd },
        matchedWords,
        coverage,
      };
    },
    'care.makePools': (request) => {
      const made = makeCarePools(host.project().store, request);
      host.changes.announce('pools');
      return made;
    },
    'care.card': async ({ datasetId }) => {
      const card = await dataCard(host.project().store, datasetId, Date.now());
      return { name: card.name, markdown: cardMarkdown(card), json: `${JSON.stringify(card, null, 2)}\n` };
    },
  };
}

function textOf(store: Pick<Store, 'problems'>, problemId: number) {
  const { datasetId, id, answer, prompt } = store.problems.get(problemId)!;
  // Sound: the importer stored a text or a list of messages.
  return { dataset: store.problems.datasetName(datasetId)!, id, answer, text: promptText(prompt as string) };
}
