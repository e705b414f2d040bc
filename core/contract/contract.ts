/**
 * Every call and every stream between a front end and the host.
 *
 * Owns: names, schemas and size caps; the types follow from the schemas. Both sides validate with them
 * at run time (client.ts, dispatch.ts), and `Handlers` makes a forgotten handler a compile error. It
 * implements nothing and imports nothing but the schema library, so that it runs in a browser.
 *
 * Conventions: a front end sees one project at a time. Bulk data are typed arrays in columns. Ids are
 * the store's. `null` means "there is none". Times are milliseconds since 1970. What a table shows is
 * an index (all ids, cheap) and rows (a window of ids). Long work is a job: the call returns a jobId,
 * the stream `job` follows it, `jobs.cancel` ends it. A call that answers itself and may take long is a job
 * while it does; cancelled, it fails as 'interrupted'. What changed is told by the stream `changes`,
 * which carries topics, not data: a front end asks again for what it shows.
 */
import * as z from 'zod/mini';

const KiB = 1024;
const MiB = 1024 * KiB;

// Primitives ---------------------------------------------------------------------------------------
const int = z.int();
const id = z.int().check(z.minimum(1));
const countOf = (most: number) => z.int().check(z.minimum(0), z.maximum(most));
const number = z.number();
/** NaN stands for "not a number" where a measurement may be one; plain z.number() refuses it. */
const measured = z.union([z.number(), z.nan()]);
const text = (most: number) => z.string().check(z.maxLength(most));
const name = z.string().check(z.minLength(1), z.maxLength(200));
const path = z.string().check(z.minLength(1), z.maxLength(4096));
const flag = z.boolean();
const list = <T extends z.ZodMiniType>(item: T, most: number) => z.array(item).check(z.maxLength(most));
const json = z.unknown();
// Over any buffer: z.instanceof would infer arrays that own theirs.
const int32: z.ZodMiniType<Int32Array, Int32Array> = z.instanceof(Int32Array);
const float32: z.ZodMiniType<Float32Array, Float32Array> = z.instanceof(Float32Array);
const float64: z.ZodMiniType<Float64Array, Float64Array> = z.instanceof(Float64Array);
const uint8: z.ZodMiniType<Uint8Array, Uint8Array> = z.instanceof(Uint8Array);
const nothing = z.strictObject({});

export const bucketNames = ['easy', 'medium', 'hard'] as const;
export const verdictNames = ['correct', 'wrong', 'no_answer', 'ungradable'] as const;
export const runStateNames = ['queued', 'running', 'paused', 'finished', 'failed', 'stopped', 'interrupted'] as const;
export const runKindNames = ['pipeline', 'label', 'adacs', 'aepo', 'evaluate'] as const;
/** Forms in which a model leaves the program. */
export const modelFormatNames = ['huggingface', 'peft', 'onnx', 'onnx-fp16'] as const;
const bucket = z.enum(bucketNames);
const verdict = z.enum(verdictNames);
const runState = z.enum(runStateNames);
const runKind = z.enum(runKindNames);
const modelFormat = z.enum(modelFormatNames);
const level = z.enum(['info', 'warning', 'error']);

const failure = z.strictObject({
  code: z.string(),
  message: z.string(),
  where: z.nullable(z.string()),
  hint: z.nullable(z.string()),
});

// Application, projects, files ---------------------------------------------------------------------
const appInfo = z.strictObject({
  version: z.string(),
  shell: z.enum(['electron', 'serve']),
  platform: z.string(),
  versions: z.record(z.string(), z.string()),
  cores: int,
  memoryBytes: number,
  availableMemoryBytes: number,
  /** True until the tour was finished or skipped. */
  isFirstStart: flag,
});
const doctorCheck = z.strictObject({
  name: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  detail: z.string(),
  hint: z.nullable(z.string()),
});
const projectInfo = z.strictObject({
  folder: path,
  name: z.string(),
  isSample: flag,
  datasets: int,
  models: int,
  runs: int,
});
const recentProject = z.strictObject({ folder: path, name: z.string(), openedMs: number, isMissing: flag });
/** What the engine can compute on, by the names people know. */
export const providerTitles = {
  cpu: 'CPU',
  webgpu: 'WebGPU',
  cuda: 'CUDA',
  dml: 'DirectML',
  coreml: 'Core ML',
} as const;
const providerName = z.enum(Object.keys(providerTitles) as (keyof typeof providerTitles)[]);
const settings = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']),
  /** Which measurement colours tokens, and by which scale. */
  tokenColour: z.enum(['entropy', 'window', 'probability']),
  colourScale: z.enum(['viridis', 'cividis', 'magma']),
  /** Command to shortcut, only those that differ from the defaults; '' for none. */
  shortcuts: z.record(z.string(), z.string()),
  isTourDone: flag,
  /** Where new projects and imported copies go. */
  dataFolder: path,
  engine: z.strictObject({
    threads: z.nullable(z.int().check(z.minimum(1), z.maximum(1024))),
    memoryLimitBytes: z.nullable(number),
    /** Absent in settings from before there was a choice. */
    provider: z._default(providerName, 'cpu'),
  }),
});
const provider = z.strictObject({
  provider: providerName,
  title: z.string(),
  works: flag,
  /** What it did, or why it does not work here. */
  detail: z.string(),
  /** What it is for and what it costs. */
  about: z.string(),
  /** How to make it work. */
  next: z.nullable(z.string()),
});
const folderEntry = z.strictObject({
  name: z.string(),
  path,
  kind: z.enum(['folder', 'file']),
  sizeBytes: number,
  isModel: flag,
  isProject: flag,
});
const job = z.strictObject({
  jobId: id,
  kind: z.enum(['import', 'export', 'download', 'alternatives', 'fork', 'compare', 'check']),
  title: z.string(),
  state: z.enum(['running', 'finished', 'failed', 'cancelled']),
  done: number,
  /** Null while it is not known. */
  total: z.nullable(number),
  unit: z.string(),
  remainingMs: z.nullable(number),
  error: z.nullable(failure),
  /** What the call that started it documents; null before it is finished. */
  result: json,
});

// Data and difficulty ------------------------------------------------------------------------------
const columnPath = z.nullable(text(1000));
/** Which column (dotted path) becomes which field. */
const mapping = z.strictObject({
  prompt: columnPath,
  answer: columnPath,
  input: z.optional(text(1000)),
  id: z.optional(text(1000)),
  source: z.optional(text(1000)),
  images: z.optional(text(1000)),
  response: z.optional(text(1000)),
  level: z.optional(text(1000)),
  passRate: z.optional(text(1000)),
  group: z.optional(text(1000)),
  /** Options of multiple choice: one path, or one for each joined by " | ". */
  choices: z.optional(text(1000)),
});
const badRow = z.strictObject({ line: int, reason: z.string() });
const dataPreview = z.strictObject({
  path,
  format: z.string(),
  name: z.string(),
  /** Whether the counts are of the whole file; of a large one only the beginning is looked at. */
  isComplete: flag,
  /** Rows that can be used under the mapping. */
  rows: int,
  images: int,
  duplicates: int,
  /** Paths that can be mapped, nested ones included. */
  columns: list(z.string(), 2000),
  mapping,
  /** The first rows as text, cut, by column. */
  sample: list(z.strictObject({ line: int, cells: z.record(z.string(), z.string()) }), 100),
  /** What the first usable rows become. */
  problems: list(z.strictObject({ id: z.string(), prompt: z.string(), answer: z.string(), source: z.string() }), 100),
  bad: list(badRow, 200),
  badCount: int,
});
const importRecord = z.strictObject({
  importId: id,
  file: z.string(),
  imported: int,
  skipped: int,
  notes: list(z.string(), 100),
  bad: list(badRow, 1000),
  createdMs: number,
});
const dataset = z.strictObject({
  datasetId: id,
  name: z.string(),
  file: z.nullable(z.string()),
  problems: int,
  splits: list(z.strictObject({ split: z.string(), problems: int }), 100),
  /** Models that labelled it, and how many of its problems. */
  labelled: list(z.strictObject({ modelId: id, problems: int }), 1000),
  humanLabels: int,
  createdMs: number,
});
const problemQuery = z.strictObject({
  datasetId: id,
  /** Whose labels are meant by pass rate and bucket; null for none. */
  modelId: z.nullable(id),
  /** Every word must occur in prompt, answer or id. */
  search: text(500),
  split: z.nullable(text(200)),
  source: z.nullable(text(500)),
  bucket: z.nullable(bucket),
  human: z.nullable(z.enum([...bucketNames, 'none', 'differs'])),
  /** Measured pass rate within this band, inclusive; null for all, unlabelled ones included. */
  passRate: z.nullable(z.strictObject({ low: number, high: number })),
  poolId: z.nullable(id),
  sort: z.enum(['imported', 'id', 'length', 'passRate', 'source']),
  descending: flag,
});
const problemRow = z.strictObject({
  problemId: id,
  id: z.string(),
  /** The beginning. */
  prompt: z.string(),
  answer: z.string(),
  source: z.string(),
  split: z.string(),
  images: int,
  samples: z.nullable(int),
  correct: z.nullable(int),
  intervalLow: z.nullable(number),
  intervalHigh: z.nullable(number),
  meanLengthTokens: z.nullable(number),
  bucket: z.nullable(bucket),
  human: z.nullable(bucket),
});
const label = z.strictObject({
  modelId: id,
  runId: z.nullable(id),
  grader: z.string(),
  samples: int,
  correct: int,
  temperature: number,
  maxNewTokens: int,
  intervalLow: number,
  intervalHigh: number,
  meanLengthTokens: number,
  /** Over the tokens of its samples; at least this where there is an entropyTopK. Null where it is not known. */
  meanEntropyNats: z.nullable(number),
  entropyTopK: z.nullable(int),
  createdMs: number,
});
const problemDetails = z.strictObject({
  problemId: id,
  datasetId: id,
  id: z.string(),
  /** One message per turn; a plain text is one user message. */
  messages: list(z.strictObject({ role: z.string(), content: z.string() }), 1000),
  answer: z.string(),
  source: z.string(),
  split: z.string(),
  images: int,
  meta: json,
  /** Oldest first, by any model. */
  labels: list(label, 10_000),
  human: list(z.strictObject({ bucket: z.nullable(bucket), createdMs: number }), 10_000),
  /** A problem that a run has used cannot be edited; this says so. */
  isUsed: flag,
});
const humanLabel = z.strictObject({ problemId: id, bucket: z.nullable(bucket) });
const pool = z.strictObject({ poolId: id, datasetId: id, name: z.string(), problems: int, createdMs: number });
/** Found by a check of a dataset; what each number means is in core/data/care/check.ts. */
const checkSummary = z.strictObject({
  problems: int,
  clusters: int,
  exactDuplicates: int,
  nearDuplicates: int,
  contradictoryClusters: int,
  againstProblems: int,
  contaminated: int,
  skippedComparisons: int,
  problemsSha256: z.string(),
});
/** A text, and the part of it that another has too. */
const matchedText = z.strictObject({
  dataset: z.string(),
  id: z.string(),
  answer: z.string(),
  text: z.string(),
  start: int,
  end: int,
});
const sourceLengths = z.strictObject({
  source: z.string(),
  hardTokens: number,
  easyTokens: number,
  hardBracket: int,
  easyBracket: int,
});

// Models -------------------------------------------------------------------------------------------
const modelDetails = z.strictObject({
  folder: path,
  architecture: z.string(),
  parameters: number,
  layers: int,
  hiddenSize: int,
  heads: int,
  kvHeads: int,
  vocabSize: int,
  maxPositions: int,
  dtype: z.string(),
  sizeBytes: number,
  hasChatTemplate: flag,
});
const model = z.strictObject({
  modelId: id,
  name: z.string(),
  folder: path,
  weightsHash: z.string(),
  parentId: z.nullable(id),
  /** The run that trained it and as which arm; null for one that was brought in. */
  runId: z.nullable(id),
  arm: z.nullable(z.string()),
  /** Where it answers, when it is no folder: it can label, and nothing else. */
  served: z.nullable(z.strictObject({ url: z.string(), model: z.string() })),
  createdMs: number,
  /** What it can be exported as. */
  formats: list(modelFormat, 10),
  /** Null where the folder is gone or cannot be read, when `error` says why; and of a served model. */
  details: z.nullable(modelDetails),
  error: z.nullable(failure),
});

// Endpoints ----------------------------------------------------------------------------------------
/** A server that answers as a model. Its key is never in it. */
const endpoint = z.strictObject({
  name,
  url: text(2000),
  /** Environment variable of the host that holds the key. */
  keyVariable: z.nullable(text(100)),
  concurrency: z.int().check(z.minimum(1), z.maximum(256)),
  timeoutSeconds: number.check(z.minimum(1), z.maximum(86_400)),
  /** Where a key is found now: 'system' the system's store of secrets, 'process' until the program ends. */
  keyPlace: z.enum(['none', 'environment', 'system', 'process']),
  /** What was observed, per model; the newest probe. */
  probes: list(
    z.strictObject({
      model: text(500),
      probedMs: number,
      topLogprobs: int,
      findings: list(
        z.strictObject({ name: z.string(), status: z.enum(['has', 'lacks', 'unclear']), detail: z.string() }),
        50,
      ),
    }),
    1000,
  ),
});

// Runs ---------------------------------------------------------------------------------------------
/** Problems a run works on: a split of a dataset (null for all of it), or a pool. */
const problemSet = z.strictObject({ datasetId: id, split: z.nullable(text(200)), poolId: z.nullable(id) });
const runRequest = z.strictObject({
  kind: runKind,
  modelId: id,
  train: z.nullable(problemSet),
  /** Null: a part of `train` is held out, where the kind needs it. */
  heldout: z.nullable(problemSet),
  recipe: text(256 * KiB),
  parentId: z.nullable(id),
});
const stage = z.strictObject({
  stage: int,
  name: z.string(),
  state: z.enum(['pending', 'running', 'finished']),
  doneUnits: number,
  plannedUnits: number,
  startedMs: z.nullable(number),
  endedMs: z.nullable(number),
});
const runProgress = z.strictObject({
  runId: id,
  state: runState,
  /** Share of the work that is done, by cost. */
  fraction: number,
  /** Null where nothing was timed or nothing remains. */
  remainingMs: z.nullable(number),
  stages: list(stage, 100),
  /** What was asked of the run at work and happens at its next safe point. */
  asked: z.nullable(z.enum(['pause', 'stop'])),
  /** Grows with every event and metric, so that a view knows when to ask again. */
  version: int,
});
const runRow = z.strictObject({
  runId: id,
  name: z.string(),
  kind: z.string(),
  state: runState,
  stage: z.nullable(z.string()),
  fraction: number,
  remainingMs: z.nullable(number),
  seed: number,
  recipeHash: z.string(),
  /** Title of the policy's preset; null when it trains no policy. */
  method: z.nullable(z.string()),
  model: z.string(),
  dataset: z.string(),
  parentId: z.nullable(id),
  /** Position in the queue from 1; null when it is not waiting. */
  queuePosition: z.nullable(int),
  createdMs: number,
  startedMs: z.nullable(number),
  endedMs: z.nullable(number),
  error: z.nullable(failure),
});
const runDetails = z.strictObject({
  run: runRow,
  progress: runProgress,
  folder: path,
  baseModelId: id,
  train: z.nullable(problemSet),
  heldout: z.nullable(problemSet),
  recipeYaml: z.string(),
  recipe: json,
  checkpoints: list(z.strictObject({ stage: int, step: int, state: z.string(), createdMs: number }), 10_000),
  hasReport: flag,
});
const memoryPart = z.strictObject({ name: z.string(), bytes: number });
const preflight = z.strictObject({
  /** Why it cannot run; null when it can. */
  error: z.nullable(failure),
  warnings: list(z.string(), 100),
  trainProblems: int,
  heldoutProblems: int,
  /** Expected from labels that exist; null when there are none for this model. */
  signal: z.nullable(
    z.strictObject({
      labelled: int,
      never: int,
      always: int,
      /** Share of groups expected to hold right and wrong answers. */
      mixedGroups: number,
      needed: number,
    }),
  ),
  memory: z.nullable(z.strictObject({ parts: list(memoryPart, 20), totalBytes: number, availableBytes: number })),
  /** From the pace of earlier runs of this model; null when there are none. */
  remainingMs: z.nullable(number),
  basis: z.nullable(z.string()),
  writes: list(z.strictObject({ what: z.string(), path: z.string(), bytes: z.nullable(number) }), 50),
  stages: list(z.strictObject({ name: z.string(), units: number }), 50),
});
const event = z.strictObject({ eventId: id, timeMs: number, level, message: z.string() });
const series = z.strictObject({
  name: z.string(),
  firstStep: int32,
  lastStep: int32,
  points: int32,
  min: float64,
  max: float64,
  mean: float64,
});
const recipeProblem = z.strictObject({ path: z.string(), line: z.nullable(int), message: z.string() });
const recipeTemplate = z.strictObject({
  key: z.string(),
  title: z.string(),
  description: z.string(),
  yaml: z.string(),
});

// Rollouts and entropy -----------------------------------------------------------------------------
const stepKey = { runId: id, stage: int, step: int };
const rollout = z.strictObject({
  rolloutId: id,
  problemId: id,
  sample: int,
  parentSample: z.nullable(int),
  forkPosition: z.nullable(int),
  verdict,
  extractedAnswer: z.nullable(z.string()),
  response: z.string(),
  lengthTokens: int,
  truncated: flag,
  highEntropyCount: z.nullable(int),
  bucket: z.nullable(bucket),
  rewardParts: z.record(z.string(), measured),
  advantage: z.nullable(measured),
  hasTokens: flag,
});
/** Tokens with their text; pieces[i] is what token i adds to the text. All of one length. */
const tokens = {
  pieces: list(z.string(), 200_000),
  ids: int32,
  logprobs: float32,
  entropiesNats: float32,
};
const trace = z.strictObject({
  ...stepKey,
  rollout,
  ...tokens,
  /** 1 where the token is a trigger word. */
  triggers: uint8,
  /** What a position must reach to count, the scale included; null where there is none. */
  thresholdNats: z.nullable(number),
  /** 'step': as the run counted at this step. 'yardstick': measured on the base model's evaluation. */
  thresholdSource: z.nullable(z.enum(['step', 'yardstick'])),
  thresholdRule: z.string(),
  thresholdScale: number,
  /** Of the entropies, from which the rule takes a threshold. */
  thresholdQuantile: number,
  window: z.strictObject({ size: int, alignment: z.enum(['inclusive', 'exclusive']) }),
  count: z.strictObject({ definition: z.enum(['A', 'B', 'C', 'D']), word: z.enum(['sampled', 'argmax']) }),
  temperature: number,
  maxNewTokens: int,
  /** What the reward was computed from; null outside policy optimisation. */
  reward: z.nullable(
    z.strictObject({
      mode: z.string(),
      targetCount: z.nullable(number),
      /** Of the rollout's bucket at that step; null where the mode has none. */
      alpha: z.nullable(number),
      lambda: z.nullable(number),
      /** Mode 'laser' only. */
      lengthTargetTokens: z.nullable(number),
      /** The recipe's `policy.method.reward`. */
      options: json,
    }),
  ),
  /** Who wrote it, in words. */
  model: z.string(),
  problem: z.strictObject({ id: z.string(), prompt: z.string(), answer: z.string() }),
});
const generated = z.strictObject({
  ...tokens,
  /** 1 where the token is a trigger word. */
  triggers: uint8,
  response: z.string(),
  verdict,
  extractedAnswer: z.nullable(z.string()),
  /** False where the token limit ended it. */
  stopped: flag,
});
const wordRow = z.strictObject({
  word: z.string(),
  count: int,
  meanEntropyNats: number,
  isTrigger: flag,
  /** Occurrences whose window is at or above the threshold, and below; incomplete windows are neither. */
  valid: int,
  invalid: int,
});

// Comparison ---------------------------------------------------------------------------------------
/** `runId:stage`; several of one model on different benchmarks are one arm, joined by `+`. */
const armId = z.string().check(z.minLength(1), z.maxLength(400));
const problemKey = z.string().check(z.minLength(1), z.maxLength(64));
const arm = z.strictObject({
  armId,
  runId: id,
  stage: int,
  arm: z.enum(['base', 'cold-start', 'policy']),
  label: z.string(),
  runName: z.string(),
  runKind: z.string(),
  seed: int,
  /** Arms with the same value are the same weights; null where the run's folder is gone. */
  modelKey: z.nullable(z.string()),
  model: z.string(),
  dataset: z.string(),
  problems: int,
  samples: int,
  temperature: number,
  maxNewTokens: int,
  /** Arms with the same value answered the same problems. */
  problemsHash: z.string(),
  /** How many of its problems the arm asked about answered too; null where none was asked about. */
  shared: z.nullable(int),
  createdMs: number,
});
const armIds = list(armId, 12).check(z.minLength(1));
const groupKind = z.enum(['bucket', 'source', 'dataset', 'all']);
/** What a comparison is made of. Every group is tested, so every further one makes the correction stricter. */
const comparisonRequest = {
  armIds,
  /** One of armIds: what the others are measured against. */
  reference: armId,
  groupBy: list(z.enum(['source', 'dataset']), 2),
  /** Each arm against the reference, or also the others against each other. */
  pairs: z.enum(['reference', 'every']),
  resamples: z.int().check(z.minimum(100), z.maximum(100_000)),
};
/** A mean over problems with its 95 % interval. */
const armEstimate = z.strictObject({
  value: measured,
  low: measured,
  high: measured,
  /** Problems behind the value. */
  problems: int,
  interval: z.enum(['bootstrap', 'wilson', 'none']),
});
const armSummary = z.strictObject({
  armId,
  /** The group's key. */
  group: z.string(),
  accuracy: armEstimate,
  lengthTokens: armEstimate,
  accuracyPer1000Tokens: measured,
  samples: int,
  truncated: int,
  noAnswer: int,
  ungradable: int,
});
const difference = z.strictObject({
  value: measured,
  low: measured,
  high: measured,
  problems: int,
  interval: z.enum(['bootstrap', 'wilson', 'none']),
  p: measured,
  /** Holm-corrected over all tests of the comparison. */
  pHolm: measured,
  test: z.enum(['bootstrap', 'mcnemar', 'none']),
  /** Corrected p below .05 and an interval without zero. */
  shown: flag,
});
const comparison = z.strictObject({
  arms: list(z.strictObject({ armId, label: z.string(), decoding: z.string() }), 12),
  reference: armId,
  groups: list(z.strictObject({ key: z.string(), kind: groupKind, label: z.string(), problems: int }), 50),
  /** [groups × arms], groups outermost. */
  summaries: list(armSummary, 600),
  /** [groups × pairs], groups outermost: `armId` − `against`. */
  differences: list(
    z.strictObject({ armId, against: armId, group: z.string(), accuracy: difference, lengthTokens: difference }),
    5000,
  ),
  /** Mean length on hard problems minus that on easy ones; empty without both. */
  allocations: list(z.strictObject({ armId, tokens: armEstimate }), 12),
  conclusions: list(z.strictObject({ heading: z.string(), sentences: list(z.string(), 1000) }), 100),
  /** When a difference is called shown. */
  rule: z.string(),
  notes: list(z.string(), 100),
  bucketsFrom: z.string(),
  tests: int,
  resamples: int,
  seed: int,
});
/** Judgements of two arms side by side, made without knowing which is which. */
const blindChoice = z.enum(['first', 'second', 'tie', 'neither']);
const blindTest = z.strictObject({
  name: text(500),
  /** `first` and `second` of every choice. */
  firstArmId: armId,
  secondArmId: armId,
  /** Fixes order of problems, sample shown, and sides. */
  seed: int,
  judgements: list(z.strictObject({ problemKey, choice: blindChoice }), 10_000),
  isRevealed: flag,
});

// The calls ----------------------------------------------------------------------------------------
interface CallSpec<Q extends z.ZodMiniType, R extends z.ZodMiniType> {
  request: Q;
  response: R;
  /** Larger requests are refused before they are looked at. */
  maxRequestBytes: number;
}
function call<Q extends z.ZodMiniType, R extends z.ZodMiniType>(
  request: Q,
  response: R,
  maxRequestBytes = 64 * KiB,
): CallSpec<Q, R> {
  return { request, response, maxRequestBytes };
}
const ask = <S extends Record<string, z.ZodMiniType>>(shape: S) => z.strictObject(shape);
const jobStarted = ask({ jobId: id });

export const calls = {
  'app.info': call(nothing, appInfo),
  'app.doctor': call(nothing, list(doctorCheck, 100)),
  /** Trains a small model on every provider, which takes seconds. */
  'app.providers': call(nothing, list(provider, 20)),
  'settings.get': call(nothing, settings),
  'settings.set': call(z.partial(settings), settings),

  'projects.current': call(nothing, z.nullable(projectInfo)),
  'projects.recent': call(nothing, list(recentProject, 50)),
  /** Opens the project in a folder; with `create`, makes one where there is none. */
  'projects.open': call(ask({ folder: path, create: flag }), projectInfo),
  /** The sample project, made on first use. */
  'projects.openSample': call(nothing, projectInfo),
  /** A folder of the host's machine; null for the data folder. */
  'files.list': call(
    ask({ folder: z.nullable(path) }),
    ask({ folder: path, parent: z.nullable(path), entries: list(folderEntry, 10_000) }),
  ),

  'uploads.begin': call(ask({ name, sizeBytes: number }), ask({ uploadId: id })),
  'uploads.chunk': call(ask({ uploadId: id, offset: number, bytes: uint8 }), ask({ received: number }), 5 * MiB),
  'uploads.finish': call(ask({ uploadId: id }), ask({ path })),
  'jobs.list': call(nothing, list(job, 100)),
  'jobs.cancel': call(ask({ jobId: id }), nothing),

  'data.preview': call(ask({ path, mapping: z.nullable(mapping) }), dataPreview),
  /** Result of the job: `{datasetId, imported, skipped}`. */
  'data.import': call(
    ask({
      path,
      mapping,
      name,
      /** 'auto' holds a fifth out, by the hash of the text. */
      split: z.enum(['train', 'heldout', 'auto']),
      appendTo: z.nullable(id),
    }),
    jobStarted,
  ),
  'data.imports': call(ask({ datasetId: id }), list(importRecord, 1000)),
  /** Rows that an import left out, a thousand after the first `after` of them. */
  'data.skipped': call(ask({ importId: id, after: int }), list(badRow, 1000)),
  'datasets.list': call(nothing, list(dataset, 10_000)),
  'datasets.rename': call(ask({ datasetId: id, name }), nothing),
  /** Refused while a run uses it. */
  'datasets.remove': call(ask({ datasetId: id }), nothing),
  'problems.index': call(problemQuery, ask({ problemId: int32 })),
  'problems.sources': call(ask({ datasetId: id }), list(ask({ source: z.string(), problems: int }), 10_000)),
  'problems.rows': call(ask({ problemIds: list(id, 500), modelId: z.nullable(id) }), list(problemRow, 500)),
  'problems.get': call(ask({ problemId: id }), problemDetails),
  'problems.update': call(
    ask({ problemId: id, prompt: text(MiB), answer: text(64 * KiB), source: text(500), split: text(200) }),
    nothing,
    2 * MiB,
  ),
  'problems.image': call(ask({ problemId: id, index: int }), ask({ bytes: uint8, mediaType: z.string() })),

  /** One entry per problem of the dataset, in order of import; samples 0 where it is not labelled. */
  'labels.columns': call(
    ask({ datasetId: id, modelId: z.nullable(id) }),
    ask({
      problemId: int32,
      samples: int32,
      correct: int32,
      intervalLow: float32,
      intervalHigh: float32,
      meanLengthTokens: float32,
      /** 0 for none, else 1 + index into bucketNames. */
      human: uint8,
    }),
  ),
  /** Sets or, with null, withdraws labels by hand; returns what they were, to undo it. */
  'labels.setHuman': call(
    ask({ labels: list(humanLabel, 100_000) }),
    ask({ previous: list(humanLabel, 100_000) }),
    8 * MiB,
  ),
  'pools.list': call(ask({ datasetId: id }), list(pool, 1000)),
  'pools.save': call(ask({ datasetId: id, name, problemIds: int32 }), ask({ poolId: id }), 8 * MiB),
  'pools.remove': call(ask({ poolId: id }), nothing),

  /** Looks for duplicates, and for problems of evaluations. Result of the job: `{checkId}`; it replaces the one before. */
  'care.check': call(
    ask({
      datasetId: id,
      /** Jaccard similarity from which on problems are near duplicates. */
      threshold: z.number().check(z.minimum(0.1), z.maximum(1)),
      /** Evaluations; a split of null is all of a dataset. */
      against: list(z.strictObject({ datasetId: id, split: z.nullable(text(200)) }), 100),
    }),
    jobStarted,
  ),
  'care.newest': call(
    ask({ datasetId: id }),
    z.nullable(
      ask({
        checkId: id,
        createdMs: number,
        threshold: number,
        against: list(z.strictObject({ datasetId: id, split: z.nullable(z.string()), name: z.string() }), 100),
        summary: checkSummary,
      }),
    ),
  ),
  /** Members of clusters of duplicates, cluster by cluster; a cluster is named by its first problem. */
  'care.clusters': call(
    ask({ checkId: id }),
    ask({
      problemId: int32,
      cluster: int32,
      /** To the first. */
      similarity: float32,
      /** 1 where the answer is written as that of the first. */
      sameAnswer: uint8,
    }),
  ),
  /** Problems that share words with an evaluation, what covers most of the evaluation problem first. */
  'care.contamination': call(
    ask({ checkId: id }),
    ask({ problemId: int32, againstId: int32, matchedWords: int32, coverage: float32 }),
  ),
  'care.match': call(
    ask({ checkId: id, problemId: id }),
    ask({ problem: matchedText, against: matchedText, matchedWords: int, coverage: number }),
  ),
  /** Pools of what care leaves: `name`, or `name train` and `name heldout`; and `name control`. */
  'care.makePools': call(
    ask({
      checkId: id,
      name,
      dropDuplicates: flag,
      dropContaminated: flag,
      /** Of some clusters, the one problem to keep. */
      chosen: list(z.strictObject({ cluster: id, problemId: id }), 20_000),
      heldout: z.nullable(
        z.strictObject({
          fraction: z.number().check(z.minimum(0.001), z.maximum(0.9)),
          seed: countOf(0xffffffff),
          /** What never straddles, besides clusters of duplicates. */
          groupBy: z.nullable(z.enum(['source', 'level', 'group'])),
        }),
      ),
      withControl: flag,
    }),
    ask({
      pools: list(z.strictObject({ poolId: id, name: z.string(), problems: int }), 3),
      droppedDuplicates: int,
      droppedContaminated: int,
      groups: z.nullable(int),
      largestGroup: z.nullable(int),
    }),
    2 * MiB,
  ),
  /** The card of a dataset, for people and for programs. */
  'care.card': call(ask({ datasetId: id }), ask({ name: z.string(), markdown: z.string(), json: z.string() })),

  /** What AdaCS would choose from the traces of a labelling run, under these settings. */
  'curation.view': call(
    ask({
      runId: id,
      selection: z.enum(['adacs', 'vanilla']),
      easyQuantile: number,
      hardQuantile: number,
      perBracket: z.nullable(int),
    }),
    ask({
      brackets: int,
      sources: list(sourceLengths, 10_000),
      sourceNames: list(z.string(), 10_000),
      /** Per trace. */
      rolloutId: int32,
      source: int32,
      passRate: float32,
      lengthTokens: int32,
      correct: uint8,
      chosen: uint8,
      availablePerBracket: list(int, 100),
      chosenPerBracket: list(int, 100),
      warnings: list(
        z.strictObject({
          kind: z.enum(['oneBracket', 'notLonger', 'standIn', 'tooFew']),
          source: z.nullable(z.string()),
          text: z.string(),
        }),
        20_000,
      ),
    }),
  ),

  /**
   * Writes the traces AdaCS chooses, in the one shape, and a control of the same size, as LLaMA-Factory reads them.
   * Result of the job: what became of the traces (`TraceSetSummary` of core/host/traceSets.ts).
   */
  'curation.export': call(
    ask({
      runId: id,
      origin: z.enum(['dataset', 'rollouts', 'teacher']),
      /** With a teacher: the run in which it answered the same problems. */
      teacherRunId: z.nullable(id),
      target: path,
    }),
    jobStarted,
  ),

  'models.list': call(nothing, list(model, 10_000)),
  'models.inspect': call(ask({ folder: path }), modelDetails),
  'models.add': call(ask({ folder: path }), ask({ modelId: id })),
  /**
   * Downloads a model from the hub into the data folder and adds it; what is there already is only added.
   * Result of the job: `{modelId, folder, commit}`, commit null for what was there.
   */
  'models.pull': call(ask({ name, revision: name }), jobStarted),
  /** Copies a model folder, with a model card. Result of the job: `{path}`. */
  'models.export': call(ask({ modelId: id, target: path, format: modelFormat }), jobStarted),

  'endpoints.list': call(
    nothing,
    ask({
      endpoints: list(endpoint, 1000),
      /** Why keys cannot be kept by the system; null where they can. */
      keyStoreProblem: z.nullable(z.string()),
    }),
  ),
  /** Adds an endpoint, or changes the one called `previousName`. `key`: null leaves it, '' forgets it. */
  'endpoints.save': call(
    ask({
      previousName: z.nullable(name),
      name,
      url: text(2000),
      keyVariable: z.nullable(text(100)),
      concurrency: endpoint.shape.concurrency,
      timeoutSeconds: endpoint.shape.timeoutSeconds,
      key: z.nullable(text(4096)),
    }),
    endpoint,
  ),
  'endpoints.remove': call(ask({ name }), nothing),
  /** Models that it lists; null where it lists none. Asks the server. */
  'endpoints.models': call(ask({ name }), ask({ models: z.nullable(list(z.string(), 10_000)) })),
  /** Finds out what a model can do, by about ten short requests. */
  'endpoints.probe': call(ask({ name, model: text(500) }), endpoint),
  /** Makes it a model of the project, to label with; probes it where that was not done. */
  'endpoints.addModel': call(ask({ name, model: text(500) }), ask({ modelId: id })),

  'recipes.templates': call(nothing, list(recipeTemplate, 100)),
  'recipes.check': call(
    ask({ yaml: text(256 * KiB) }),
    ask({
      recipe: json,
      warnings: list(z.string(), 100),
      problems: list(recipeProblem, 100),
      /** Dotted paths of the settings that the text writes out; the others have their default. */
      written: list(z.string(), 10_000),
    }),
    300 * KiB,
  ),
  /** Leaves in which the recipes of runs differ, one value per run; null where a recipe has no such leaf. */
  'recipes.diff': call(
    ask({ runIds: list(id, 12) }),
    list(ask({ path: z.string(), values: list(z.nullable(ask({ value: json })), 12) }), 10_000),
  ),
  'runs.list': call(nothing, list(runRow, 10_000)),
  'runs.get': call(ask({ runId: id }), runDetails),
  'runs.preflight': call(runRequest, preflight, 300 * KiB),
  /** Records the run and puts it into the queue. */
  'runs.create': call(runRequest, ask({ runId: id }), 300 * KiB),
  'runs.pause': call(ask({ runId: id }), nothing),
  /** Puts a paused, interrupted, failed or stopped run back into the queue. */
  'runs.resume': call(ask({ runId: id }), nothing),
  'runs.stop': call(ask({ runId: id }), nothing),
  'runs.log': call(ask({ runId: id, afterEventId: int, limit: countOf(10_000) }), list(event, 10_000)),
  'runs.series': call(
    ask({ runId: id }),
    list(ask({ stage: int, name: z.string(), points: int, lastStep: int, lastValue: measured }), 10_000),
  ),
  /** Whole series, reduced to at most `buckets` points each. */
  'runs.metrics': call(
    ask({ runId: id, stage: int, names: list(text(200), 64), buckets: z.int().check(z.minimum(1), z.maximum(4000)) }),
    list(series, 64),
  ),
  'runs.report': call(ask({ runId: id }), ask({ html: z.string() })),

  'rollouts.steps': call(ask({ runId: id }), list(ask({ stage: int, name: z.string(), steps: int32 }), 100)),
  /** One entry per rollout of a step. */
  'rollouts.columns': call(
    ask(stepKey),
    ask({
      rolloutId: int32,
      problemId: int32,
      sample: int32,
      verdict: uint8,
      lengthTokens: int32,
      truncated: uint8,
      /** −1 where it was not counted. */
      highEntropyCount: int32,
    }),
  ),
  'rollouts.group': call(ask({ ...stepKey, problemId: id }), list(rollout, 10_000)),
  'rollouts.trace': call(ask({ rolloutId: id }), trace),
  /**
   * Most likely tokens at every position, by the model that wrote it, or by the nearest one whose weights
   * are kept. Loads the model where it must.
   */
  'rollouts.alternatives': call(
    ask({ rolloutId: id, k: z.int().check(z.minimum(1), z.maximum(20)) }),
    ask({
      /** Per position; fewer than asked for when the vocabulary is smaller. */
      k: int,
      /** [tokens × k], most likely first. */
      ids: int32,
      logprobs: float32,
      /** [tokens] place of the token itself in the whole vocabulary, from 1. */
      ranks: int32,
      /** The text of every id that occurs in `ids`. */
      pieces: list(z.strictObject({ id: int, text: z.string() }), 4_000_000),
      model: z.string(),
      /** Mean difference of log-probs from those recorded: about 0 when these are the weights that wrote it. */
      differenceNats: measured,
    }),
  ),
  /**
   * Goes on from a position of a trace, with another token there when one is given. Columns begin at that
   * position; log-probs and entropies are at the temperature of the trace, so that they can be compared.
   */
  'rollouts.fork': call(
    ask({
      rolloutId: id,
      position: int,
      tokenId: z.nullable(int),
      samples: z.int().check(z.minimum(1), z.maximum(16)),
      temperature: number,
      maxNewTokens: z.int().check(z.minimum(1), z.maximum(32_768)),
      seed: int,
    }),
    ask({ model: z.string(), branches: list(generated, 16) }),
  ),
  /** Words of a step, counted with the threshold given, or with the step's own for null. */
  'entropy.words': call(
    ask({ ...stepKey, thresholdNats: z.nullable(number) }),
    ask({ words: list(wordRow, 5000), thresholdNats: z.nullable(number) }),
  ),
  /**
   * Per response of a stage, over all its steps or one of them. Where a stage did not count, the yardstick
   * of the evaluation does; responses without token data are left out there.
   */
  'entropy.responses': call(
    ask({ runId: id, stage: int, step: z.nullable(int) }),
    ask({
      countedBy: z.nullable(z.enum(['step', 'yardstick'])),
      rolloutId: int32,
      step: int32,
      lengthTokens: int32,
      highEntropyCount: int32,
      correct: uint8,
      /** Index into bucketNames; 255 for none. */
      bucket: uint8,
    }),
  ),
  'entropy.sweep': call(
    ask({
      ...stepKey,
      windowSizes: list(z.int().check(z.minimum(1), z.maximum(128)), 12),
      percentiles: list(number, 60),
    }),
    list(
      ask({
        windowSize: int,
        percentile: number,
        thresholdNats: number,
        precision: measured,
        recall: measured,
        f1: measured,
      }),
      1000,
    ),
  ),

  /** Finished evaluations of all runs, newest run first; `shared` counts against the given arm. */
  'compare.arms': call(
    ask({ against: z.nullable(armId) }),
    ask({ arms: list(arm, 10_000), unreadable: list(ask({ runId: id, reason: z.string() }), 10_000) }),
  ),
  'compare.compute': call(ask(comparisonRequest), comparison),
  /** Accuracy when every response must end within so many tokens; one column per arm. */
  'compare.budget': call(
    ask({ armIds, reference: armId, group: text(600) }),
    ask({
      budgetTokens: float64,
      curves: list(ask({ armId, label: z.string(), accuracy: float64, low: float64, high: float64 }), 12),
    }),
  ),
  /** Every problem; columns per arm are [arms × problems], arms outermost, in the order asked for. */
  'compare.problems': call(
    ask({ armIds, reference: armId }),
    ask({
      key: list(problemKey, 100_000),
      id: list(z.string(), 100_000),
      /** The beginning of the question. */
      prompt: list(z.string(), 100_000),
      /** Index into bucketNames. */
      bucket: uint8,
      sources: list(z.string(), 100_000),
      /** Index into sources. */
      source: int32,
      correct: int32,
      /** Samples whose answer could be graded. */
      graded: int32,
      samples: int32,
      meanLengthTokens: float64,
    }),
  ),
  /** One problem in full, and what every arm answered. */
  'compare.rollouts': call(
    ask({ armIds, problemKey }),
    ask({
      id: z.string(),
      prompt: z.string(),
      answer: z.string(),
      arms: list(ask({ armId, rollouts: list(rollout, 1000) }), 12),
    }),
  ),
  'compare.report': call(
    ask({ ...comparisonRequest, format: z.enum(['html', 'csv']) }),
    ask({ fileName: z.string(), mediaType: z.string(), bytes: uint8 }),
  ),
  /** Newest first. */
  'compare.blindTests': call(nothing, list(ask({ comparisonId: id, createdMs: number, test: blindTest }), 1000)),
  /** Keeps a blind test; with its number, what it has become. */
  'compare.saveBlindTest': call(
    ask({ comparisonId: z.nullable(id), test: blindTest }),
    ask({ comparisonId: id }),
    2 * MiB,
  ),
} as const satisfies Record<string, CallSpec<z.ZodMiniType, z.ZodMiniType>>;

// The streams --------------------------------------------------------------------------------------
interface StreamSpec<P extends z.ZodMiniType, I extends z.ZodMiniType> {
  params: P;
  item: I;
}
function stream<P extends z.ZodMiniType, I extends z.ZodMiniType>(params: P, item: I): StreamSpec<P, I> {
  return { params, item };
}

/** What may have changed; a number in `ids` names the run or dataset, none means any. */
export const changeTopics = [
  'project',
  'settings',
  'datasets',
  'labels',
  'pools',
  'models',
  'runs',
  'jobs',
  'endpoints',
] as const;

/**
 * A subscriber gets one item at a time and the next only after it has acknowledged; what happens in
 * between is merged (topics are united, states replaced), so a slow front end costs no memory.
 */
export const streams = {
  changes: stream(nothing, ask({ topics: list(z.enum(changeTopics), 50) })),
  run: stream(ask({ runId: id }), runProgress),
  job: stream(ask({ jobId: id }), job),
} as const satisfies Record<string, StreamSpec<z.ZodMiniType, z.ZodMiniType>>;

// Types --------------------------------------------------------------------------------------------
export type CallName = keyof typeof calls;
export type StreamName = keyof typeof streams;
export type RequestOf<N extends CallName> = z.input<(typeof calls)[N]['request']>;
export type ResponseOf<N extends CallName> = z.output<(typeof calls)[N]['response']>;
export type ParamsOf<N extends StreamName> = z.input<(typeof streams)[N]['params']>;
export type ItemOf<N extends StreamName> = z.output<(typeof streams)[N]['item']>;

/** What a host implements: every call, none more. */
export type Handlers = { readonly [N in CallName]: (request: RequestOf<N>) => ResponseOf<N> | Promise<ResponseOf<N>> };

export type ChangeTopic = (typeof changeTopics)[number];
export type BucketName = (typeof bucketNames)[number];
export type VerdictName = (typeof verdictNames)[number];
export type RunStateName = (typeof runStateNames)[number];
export type ModelFormatName = (typeof modelFormatNames)[number];
export type RunKindName = (typeof runKindNames)[number];
export type AppInfo = z.output<typeof appInfo>;
export type ProjectInfo = z.output<typeof projectInfo>;
export type Settings = z.output<typeof settings>;
export type FolderEntry = z.output<typeof folderEntry>;
export type Job = z.output<typeof job>;
export type DataMapping = z.output<typeof mapping>;
export type DataPreview = z.output<typeof dataPreview>;
export type DatasetInfo = z.output<typeof dataset>;
export type ProblemQuery = z.output<typeof problemQuery>;
export type ProblemRow = z.output<typeof problemRow>;
export type ProblemDetails = z.output<typeof problemDetails>;
export type PoolInfo = z.output<typeof pool>;
export type CheckInfo = NonNullable<ResponseOf<'care.newest'>>;
export type ModelInfo = z.output<typeof model>;
export type ModelDetails = z.output<typeof modelDetails>;
export type EndpointInfo = z.output<typeof endpoint>;
export type RunRequest = z.output<typeof runRequest>;
export type RunRow = z.output<typeof runRow>;
export type RunDetails = z.output<typeof runDetails>;
export type RunProgress = z.output<typeof runProgress>;
export type Preflight = z.output<typeof preflight>;
export type RunEvent = z.output<typeof event>;
export type MetricSeries = z.output<typeof series>;
export type RolloutInfo = z.output<typeof rollout>;
export type Trace = z.output<typeof trace>;
export type GeneratedResponse = z.output<typeof generated>;
export type WordRow = z.output<typeof wordRow>;
export type StepKey = RequestOf<'rollouts.columns'>;
export type Alternatives = ResponseOf<'rollouts.alternatives'>;
export type SweepPoint = ResponseOf<'entropy.sweep'>[number];
export type ArmInfo = z.output<typeof arm>;
export type ComparisonResult = z.output<typeof comparison>;
export type BlindTest = z.output<typeof blindTest>;
export type BlindChoice = z.output<typeof blindChoice>;
