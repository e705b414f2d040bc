/**
 * What is looked at in the Entropy room, and everything that follows from it.
 *
 * Owns: the way down from run to stage, step, problem and sample, loading each level, and what is chosen
 * in between. An answer that comes after another choice was made is dropped. Looking at one trace closely
 * (threshold, alternatives, forks) is traceView.svelte.ts.
 */
import type { Client, ContractError } from '#core/contract/client.ts';
import type { ResponseOf, RunRow, Trace } from '#core/contract/contract.ts';
import { type ProblemEntry, neighbouringProblem, neighbouringSample, problemEntries } from './stepList.ts';

export type StageSteps = ResponseOf<'rollouts.steps'>[number];

/** What an address or another room asks to see; the rest is chosen to fit. */
export interface RolloutTarget {
  runId?: number;
  stage?: number;
  step?: number;
  rolloutId?: number;
}

/** Problems whose texts are asked for at once. */
const PROMPTS_PER_CALL = 500;

export class RolloutChoice {
  readonly #client: Client;
  runs = $state.raw<RunRow[]>([]);
  runId = $state<number | null>(null);
  /** Only those that have responses. */
  stages = $state.raw<StageSteps[]>([]);
  stage = $state<number | null>(null);
  step = $state<number | null>(null);
  problems = $state.raw<ProblemEntry[]>([]);
  prompts = $state.raw<ReadonlyMap<number, { id: string; prompt: string }>>(new Map());
  rolloutId = $state<number | null>(null);
  trace = $state.raw<Trace | null>(null);
  error = $state.raw<ContractError | null>(null);
  isLoading = $state(true);
  #turn = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  get steps(): Int32Array {
    return this.stages.find(({ stage }) => stage === this.stage)?.steps ?? new Int32Array(0);
  }

  get stageName(): string {
    return this.stages.find(({ stage }) => stage === this.stage)?.name ?? '';
  }

  /** The step that is shown, as the contract names it; null while none is. */
  get key(): { runId: number; stage: number; step: number } | null {
    const { runId, stage, step } = this;
    return runId === null || stage === null || step === null ? null : { runId, stage, step };
  }

  get problem(): ProblemEntry | null {
    return this.problems.find(({ samples }) => samples.some(({ rolloutId }) => rolloutId === this.rolloutId)) ?? null;
  }

  /** Whether a run is at work, whose memory and cores looking at a model would share. */
  get isRunAtWork(): boolean {
    return this.runs.some(({ state }) => state === 'running');
  }

  open(target: RolloutTarget): Promise<void> {
    return this.#load(async (isCurrent) => {
      const runs = await this.#client.call('runs.list', {});
      if (!isCurrent()) return;
      this.runs = runs;
      if (target.rolloutId !== undefined) {
        const trace = await this.#client.call('rollouts.trace', { rolloutId: target.rolloutId });
        if (isCurrent()) await this.#openRun(trace.runId, trace, isCurrent);
        return;
      }
      const runId = target.runId ?? (runs.find(({ method }) => method !== null) ?? runs[0])?.runId;
      if (runId !== undefined) await this.#openRun(runId, target, isCurrent);
    });
  }

  /** After runs have changed: new ones, new steps. What is looked at stays. */
  async refresh(): Promise<void> {
    try {
      this.runs = await this.#client.call('runs.list', {});
      const { runId } = this;
      if (runId === null) return;
      const stages = await this.#client.call('rollouts.steps', { runId });
      if (runId === this.runId) this.stages = stages.filter(({ steps }) => steps.length > 0);
    } catch (thrown) {
      this.error = thrown as ContractError;
    }
  }

  chooseRun(runId: number): Promise<void> {
    return this.#load((isCurrent) => this.#openRun(runId, {}, isCurrent));
  }

  chooseStage(stage: number): Promise<void> {
    return this.#load((isCurrent) => this.#openStep(this.runId!, stage, null, null, isCurrent));
  }

  /** Stays with the problem where the new step has it too. */
  chooseStep(step: number): Promise<void> {
    return this.#load((isCurrent) => this.#openStep(this.runId!, this.stage!, step, null, isCurrent));
  }

  chooseRollout(rolloutId: number): Promise<void> {
    return this.#load((isCurrent) => this.#openTrace(rolloutId, isCurrent));
  }

  moveProblem(by: 1 | -1): void {
    this.#follow(this.rolloutId === null ? null : neighbouringProblem(this.problems, this.rolloutId, by));
  }

  moveSample(by: 1 | -1): void {
    this.#follow(this.rolloutId === null ? null : neighbouringSample(this.problems, this.rolloutId, by));
  }

  moveStep(by: 1 | -1): void {
    if (this.step === null) return;
    const next = this.steps[this.steps.indexOf(this.step) + by];
    if (next !== undefined) void this.chooseStep(next);
  }

  #follow(rolloutId: number | null): void {
    if (rolloutId !== null) void this.chooseRollout(rolloutId);
  }

  async #load(work: (isCurrent: () => boolean) => Promise<void>): Promise<void> {
    const turn = ++this.#turn;
    const isCurrent = () => turn === this.#turn;
    this.error = null;
    this.isLoading = true;
    try {
      await work(isCurrent);
    } catch (thrown) {
      // Sound: a client throws nothing else.
      if (isCurrent()) this.error = thrown as ContractError;
    }
    if (isCurrent()) this.isLoading = false;
  }

  async #openRun(
    runId: number,
    target: { stage?: number; step?: number; rollout?: Trace['rollout'] },
    isCurrent: () => boolean,
  ): Promise<void> {
    const stages = (await this.#client.call('rollouts.steps', { runId })).filter(({ steps }) => steps.length > 0);
    if (!isCurrent()) return;
    this.runId = runId;
    this.stages = stages;
    const stage =
      stages.find((each) => each.stage === target.stage) ?? stages.find(({ name }) => name === 'policy') ?? stages[0];
    if (stage === undefined) {
      this.stage = null;
      this.step = null;
      this.problems = [];
      this.rolloutId = null;
      this.trace = null;
      return;
    }
    await this.#openStep(runId, stage.stage, target.step ?? null, target.rollout?.rolloutId ?? null, isCurrent);
  }

  async #openStep(
    runId: number,
    stage: number,
    wanted: number | null,
    rolloutId: number | null,
    isCurrent: () => boolean,
  ): Promise<void> {
    const before = this.problem?.problemId;
    const steps = this.stages.find((each) => each.stage === stage)!.steps;
    const step = wanted !== null && steps.includes(wanted) ? wanted : steps.at(-1)!;
    const columns = await this.#client.call('rollouts.columns', { runId, stage, step });
    if (!isCurrent()) return;
    const problems = problemEntries(columns);
    this.stage = stage;
    this.step = step;
    this.problems = problems;
    void this.#loadPrompts(problems);
    const same = problems.find(({ problemId }) => problemId === before) ?? problems[0];
    const first = rolloutId ?? same?.samples[0]?.rolloutId;
    if (first !== undefined) await this.#openTrace(first, isCurrent);
  }

  async #openTrace(rolloutId: number, isCurrent: () => boolean): Promise<void> {
    this.rolloutId = rolloutId;
    const trace = await this.#client.call('rollouts.trace', { rolloutId });
    if (isCurrent()) this.trace = trace;
  }

  async #loadPrompts(problems: readonly ProblemEntry[]): Promise<void> {
    const missing = problems.map(({ problemId }) => problemId).filter((id) => !this.prompts.has(id));
    for (let i = 0; i < missing.length; i += PROMPTS_PER_CALL) {
      const problemIds = missing.slice(i, i + PROMPTS_PER_CALL);
      try {
        const rows = await this.#client.call('problems.rows', { problemIds, modelId: null });
        const added = rows.map(({ problemId, id, prompt }) => [problemId, { id, prompt }] as const);
        this.prompts = new Map([...this.prompts, ...added]);
      } catch (thrown) {
        this.error = thrown as ContractError;
        return;
      }
    }
  }
}
