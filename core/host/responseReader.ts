/**
 * What it takes to read the responses of a run: its tokenizer and trigger words, how it sampled, the
 * threshold it counted with, and whose weights wrote them.
 *
 * Owns: finding all that from the store and the run's folder, and keeping the costly parts (tokenizer,
 * trigger table) for the runs looked at last. The method's formulas are ares/'s.
 */
import { type ResponseEntropies, measureThreshold } from '#core/ares/thresholds.ts';
import { triggerTable, vocabularyOf } from '#core/ares/triggers.ts';
import { windowMeans } from '#core/ares/windows.ts';
import { armLabel } from '#core/compare/run/evaluations.ts';
import { type Yardstick, measureYardstick } from '#core/compare/run/highEntropy.ts';
import { type RunRecord, readRun } from '#core/compare/run/record.ts';
import { type ModelFolder, openModelFolder } from '#core/model/modelFolder.ts';
import { type PlannedStage, plannedStages, stageName } from '#core/runs/pipeline.ts';
import type { StepKey, TokenColumns } from '#core/store/rollouts.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { type KeptWeights, nearestWeights, startArm } from './keptWeights.ts';
import { readRunFile } from './runFile.ts';

/** Runs whose tokenizer and trigger table are kept. */
const KEPT_RUNS = 4;
const THRESHOLD_METRIC = 'threshold/nats';

export interface Threshold {
  /** The scale included. */
  nats: number;
  source: 'step' | 'yardstick';
}

export interface ResponseReader {
  readonly record: RunRecord;
  readonly base: ModelFolder;
  /** [vocabulary] 1 where a token is a trigger word. */
  readonly triggers: Uint8Array;
  /** Trigger words in their normal form. */
  readonly words: ReadonlySet<string>;
  /** The text of one token. */
  word(id: number): string;
  /** @throws AresError 'not-found' when the run has no such stage */
  planned(stage: number): PlannedStage;
  sampling(stage: number): { temperature: number; maxNewTokens: number };
  entropies(tokens: TokenColumns): ResponseEntropies;
  /** Null where a stage did not count and nothing was evaluated to measure with. */
  threshold(key: StepKey, problemId: number): Threshold | null;
  yardstick(): Yardstick | null;
  /** A metric of a step; null where it was not logged. */
  metric(key: StepKey, name: string): number | null;
  /** Who wrote the responses of a step. */
  writer(key: StepKey): string;
  /** The weights that wrote them, or the nearest that are kept. */
  nearestWeights(key: StepKey): KeptWeights;
}

interface KeptRun {
  base: ModelFolder;
  triggers: Uint8Array;
  words: ReadonlySet<string>;
  texts: Map<number, string>;
  /** Undefined until measured; the evaluation it is measured on never changes once finished. */
  yardstick: Yardstick | undefined;
}

const kept = new WeakMap<Store, Map<number, KeptRun>>();

/** @throws AresError 'not-found' when the run, its folder or its base model is gone */
export function responseReader(store: Store, runId: number): ResponseReader {
  const record = readRun(store, runId);
  const own = keptRun(store, record);
  const { base, triggers, words, texts } = own;
  const { recipe, run, stages } = record;
  const { method } = recipe.policy;

  const planned = (stage: number): PlannedStage => {
    const name = stages.find((each) => each.stage === stage)?.name;
    const found = plannedStages(recipe, readRunFile(run.folder).kind).find((each) => stageName(each) === name);
    if (found !== undefined) return found;
    throw new AresError('not-found', `Run ${runId} has no stage ${stage}.`, { hint: 'Choose one of its stages.' });
  };
  const yardstick = (): Yardstick | null => {
    if (own.yardstick !== undefined) return own.yardstick;
    const measured = measureYardstick(record, base);
    if (measured !== null) own.yardstick = measured;
    return measured;
  };
  const entropies = ({ entropiesNats }: TokenColumns): ResponseEntropies => ({
    entropiesNats,
    windowMeansNats: windowMeans(entropiesNats, method.entropy.window),
  });
  const metric = ({ stage, step }: StepKey, name: string): number | null => {
    const series = store.metrics.read({ runId, stage, name });
    const value = series.value[series.step.indexOf(step)];
    return value === undefined || Number.isNaN(value) ? null : value;
  };
  const groupThreshold = (key: StepKey, problemId: number): number => {
    const group = store.rollouts.ofProblem(key, problemId).flatMap(({ rolloutId }) => {
      const tokens = store.rollouts.tokens(rolloutId);
      return tokens === undefined ? [] : [entropies(tokens)];
    });
    return measureThreshold(method.threshold, group) * method.threshold.scale;
  };

  return {
    record,
    base,
    triggers,
    words,
    planned,
    yardstick,
    entropies,
    metric,
    word: (id) => {
      let text = texts.get(id);
      if (text === undefined) texts.set(id, (text = base.tokenizer.decodeToken(id)));
      return text;
    },
    sampling: (stage) => {
      const { kind } = planned(stage);
      return recipe[kind === 'evaluate' ? 'evaluation' : kind === 'policy' ? 'policy' : 'label'];
    },
    threshold: (key, problemId) => {
      if (planned(key.stage).kind !== 'policy') {
        const measured = yardstick();
        return measured && { nats: measured.thresholdNats, source: 'yardstick' };
      }
      // The metric is a mean over groups, which are all alike except under rule T2.
      const own = method.threshold.rule === 'T2' ? groupThreshold(key, problemId) : NaN;
      const nats = Number.isNaN(own) ? metric(key, THRESHOLD_METRIC) : own;
      return nats === null ? null : { nats, source: 'step' };
    },
    writer: ({ stage, step }) => {
      const at = planned(stage);
      if (at.kind !== 'policy') return armLabel(at.kind === 'evaluate' ? at.arm : 'base', recipe);
      return step === 0 ? armLabel(startArm(record), recipe) : `${armLabel('policy', recipe)} after step ${step}`;
    },
    nearestWeights: (key) => nearestWeights(record, base.folder, planned(key.stage), key),
  };
}

function keptRun(store: Store, { run }: RunRecord): KeptRun {
  let runs = kept.get(store);
  if (runs === undefined) kept.set(store, (runs = new Map()));
  let own = runs.get(run.runId);
  if (own === undefined) {
    const { baseModelId, triggerWords } = readRunFile(run.folder);
    const base = openModelFolder(store.models.get(baseModelId)!.folder);
    const vocabulary = vocabularyOf(triggerWords);
    const triggers = triggerTable(vocabulary, base.config.vocabSize, (id) => base.tokenizer.decodeToken(id));
    own = { base, triggers, words: vocabulary.words, texts: new Map(), yardstick: undefined };
  }
  // The one used last comes last; the first goes.
  runs.delete(run.runId);
  runs.set(run.runId, own);
  if (runs.size > KEPT_RUNS) runs.delete(runs.keys().next().value!);
  return own;
}
