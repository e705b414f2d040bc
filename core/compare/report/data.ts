/**
 * What a report is made from.
 *
 * Owns: the types. Every section may be absent; the report then leaves it out instead of showing an
 * empty frame. Only `comparison` is computed in this room, the rest is measured elsewhere.
 */
import type { Bucket } from '#core/ares/options.ts';
import type { Bracket, CurationPoint } from '#core/compare/charts/difficultyCharts.ts';
import type { RewardShape } from '#core/compare/charts/rewardChart.ts';
import type { Comparison } from '#core/compare/comparison.ts';
import type { TrainingCurve } from '#core/compare/types.ts';
import type { Verdict } from '#core/grading/verdict.ts';

/** Where and how the run took place. What belongs to one run alone is absent where several are compared. */
export interface RunFacts {
  /** One sentence: what was run. */
  what: string;
  seed?: number;
  recipeName?: string;
  recipeHash?: string;
  /** ISO 8601. */
  startedAt?: string;
  finishedAt?: string;
  /** Processor, memory, system. */
  machine: string;
  /** Program or library to version. */
  versions: Readonly<Record<string, string>>;
  /** Stages in order. */
  times: readonly { stage: string; durationMs: number }[];
}

export interface DifficultySection {
  /** By number of right answers out of all samples; by pass rate where sampling stopped early. */
  brackets: readonly Bracket[];
  /** Over the problems, each weighing the same. */
  meanPassRate: number;
  /** Fewest samples of any problem; all of them unless sampling stopped early. */
  fewestSamples: number;
  /** Who answered, how, and who graded: a difficulty is one model's. */
  model: string;
  grader: string;
  temperature: number;
}

export interface CurationSection {
  points: readonly CurationPoint[];
  warnings: readonly string[];
}

export interface TraceToken {
  text: string;
  entropyNats: number;
  /** Whether the token was counted in N_HE. */
  counted?: boolean;
}

export interface TraceResponse {
  label: string;
  verdict: Verdict;
  tokens: readonly TraceToken[];
}

/** One problem and how the arms answered it. */
export interface TraceSample {
  problemId: string;
  bucket: Bucket;
  question: string;
  answer: string;
  responses: readonly TraceResponse[];
}

/** Where what ran is not what was published. */
export interface DeviationSection {
  /** Named methods, where they are published, and what they themselves do otherwise, one sentence each. */
  methods: readonly { title: string; source: string; sentences: readonly string[] }[];
  /** What the recipe changes beyond that. */
  settings: readonly { setting: string; named: string; here: string }[];
}

export interface RecipeDifferenceSection {
  /** What the columns are called. */
  runs: readonly string[];
  rows: readonly { path: string; values: readonly string[] }[];
}

export interface ReportData {
  title: string;
  run: RunFacts;
  comparison?: Comparison;
  /** Name and version of the grader behind every verdict. */
  grader?: string;
  /** Of policy optimisation, and of the cold start before it. */
  curves?: readonly TrainingCurve[];
  coldStartCurves?: readonly TrainingCurve[];
  difficulty?: DifficultySection;
  curation?: CurationSection;
  rewardShapes?: readonly RewardShape[];
  traces?: readonly TraceSample[];
  deviations?: DeviationSection;
  /** In which settings the recipes of several runs differ. */
  recipeDifferences?: RecipeDifferenceSection;
  /** Further facts on how the numbers were measured: name and value. */
  measurement?: readonly (readonly [string, string])[];
  /** What the person should know before believing the rest. */
  warnings?: readonly string[];
  /** The recipe document as it was run. */
  recipe?: string;
}
