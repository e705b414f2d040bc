/**
 * Cold-start data as files: traces of one origin, graded, brought into one shape, chosen by AdaCS, and the control
 * beside them (ARES-CS-Vanilla, METHOD §2.4).
 *
 * Owns: where the traces of an origin are, what becomes of each (chosen, wrong, set aside with a reason), and the files.
 * Pass rates are always those of the run that labelled; the traces may be another model's. Selection is ares/adacs.ts,
 * shape ares/traceShape.ts, verdicts the grader's.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Curation, type CurationWarning, type Trace, curate } from '#core/ares/adacs.ts';
import type { AdacsSelection } from '#core/ares/options.ts';
import { type ShapeProblem, shapeProblems, shapeTrace } from '#core/ares/traceShape.ts';
import type { SourcedTrace, TraceOrigin } from '#core/ares/traces.ts';
import { readLabelling } from '#core/compare/run/labelling.ts';
import { readRun } from '#core/compare/run/record.ts';
import { toJsonLines } from '#core/data/export.ts';
import { type ExportedTrace, llamaFactoryFiles } from '#core/data/exporters/schemas.ts';
import type { ProblemMeta } from '#core/data/problems.ts';
import { grade } from '#core/grading/grade.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { readLabels } from '#core/runs/labelStage.ts';
import type { Problem } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { fillFolderAtomic, writeFlushed } from '#core/util/atomicFiles.ts';
import { createBreather } from '#core/util/breather.ts';
import { AresError } from '#core/util/errors.ts';
import { mean } from '#core/util/statistics.ts';
import type { JobControl } from './hostContext.ts';
import { imagePath } from './projectImages.ts';
import { readRunFile } from './runFile.ts';

export interface TraceSetRequest {
  /** The run whose labels say how hard each problem is. */
  runId: number;
  origin: TraceOrigin;
  /** With origin 'teacher': the run in which the teacher answered the same problems; null takes traces kept by themselves. */
  teacherRunId: number | null;
  /** Folder to make. */
  target: string;
}

export interface TraceSetSummary {
  origin: TraceOrigin;
  /** Traces there were, and what became of them. */
  traces: number;
  wrong: number;
  setAside: { problem: ShapeProblem; reason: string; traces: number }[];
  sets: {
    name: 'adacs' | 'control';
    traces: number;
    meanLengthTokens: number | null;
    chosenPerBracket: number[];
    warnings: CurationWarning[];
  }[];
}

interface Candidate extends Trace {
  problemId: number;
  text: string;
}

const CHUNK = 200;
const setNames: Readonly<Record<AdacsSelection, 'adacs' | 'control'>> = { adacs: 'adacs', vanilla: 'control' };

/**
 * Makes the two sets, or nothing.
 * @throws AresError 'not-found' when the run labelled nothing or the origin has no traces for its problems, 'no-signal'
 *   when nothing can be chosen, 'interrupted', 'disk'
 */
export async function writeTraceSets(
  store: Store,
  projectFolder: string,
  { runId, origin, teacherRunId, target }: TraceSetRequest,
  { signal, progress }: JobControl,
): Promise<TraceSetSummary> {
  const record = readRun(store, runId);
  const labelling = readLabelling(record, { folder: '' });
  if (labelling === null) {
    throw new AresError('not-found', `Run ${runId} has no labels.`, { hint: 'Name a run that measured difficulty.' });
  }
  const { run, stage } = labelling;
  const labels = readLabels(run, stage);
  const { folder } = store.models.get(readRunFile(record.run.folder).baseModelId)!;
  const { tokenizer } = openModelFolder(folder);
  const breathe = createBreather();
  const candidates: Candidate[] = [];
  const aside: { problem: ShapeProblem; problemId: number; text: string }[] = [];
  let traces = 0;
  let wrong = 0;
  for (const [i, { problem, label }] of labels.entries()) {
    if (i % CHUNK === 0) progress(i, labels.length);
    await breathe();
    if (signal.aborted) throw new AresError('interrupted', 'Making the sets was cancelled. Nothing was written.');
    const stored = store.problems.get(problem.problemId)!;
    const from = origin === 'rollouts' ? { runId, stage } : teacherStage(store, origin, teacherRunId);
    for (const trace of tracesOf(store, stored, origin, from)) {
      traces++;
      if (!trace.correct) {
        wrong++;
        continue;
      }
      const { trace: shaped, problem: reason } = shapeTrace(trace.text);
      if (shaped === null) {
        aside.push({ problem: reason, problemId: trace.problemId, text: trace.text });
        continue;
      }
      candidates.push({
        problemId: problem.problemId,
        text: shaped.text,
        problem: problem.id,
        source: problem.source,
        lengthTokens: tokenizer.encode(shaped.text).length,
        correct: true,
        problemCorrect: label.correct,
        problemSamples: label.samples,
      });
    }
  }
  if (traces === 0) throw noTraces(origin);
  const options = run.recipe.coldStart.curation;
  const chosen = curate(candidates, { ...options, selection: 'adacs' }, run.recipe.seed);
  if (chosen.chosen.length === 0) {
    throw new AresError('no-signal', 'No trace can be chosen.', {
      hint: `${chosen.warnings[0]?.text ?? `${wrong} of ${traces} are wrong, ${aside.length} could not be brought into shape.`}`,
    });
  }
  // As large as the set it is the control of.
  const perBracket = Math.max(...chosen.chosenPerBracket);
  const control = curate(candidates, { ...options, selection: 'vanilla', perBracket }, run.recipe.seed);
  const sets = [
    { selection: 'adacs' as const, curation: chosen },
    { selection: 'vanilla' as const, curation: control },
  ];
  const summary: TraceSetSummary = {
    origin,
    traces,
    wrong,
    setAside: countAside(aside),
    sets: sets.map(({ selection, curation }) => summaryOf(setNames[selection], curation, candidates)),
  };
  await fillFolderAtomic(target, async (temporary) => {
    for (const { selection, curation } of sets) {
      await breathe();
      const picked = curation.chosen.map(({ index }) => candidates[index]!);
      writeTraceFiles(
        store,
        projectFolder,
        join(temporary, setNames[selection]),
        `ares_${setNames[selection]}`,
        picked,
      );
    }
    const rows = aside.map(({ problem, problemId, text }) => ({
      id: store.problems.get(problemId)!.id,
      reason: shapeProblems[problem],
      text,
    }));
    writeFlushed(join(temporary, 'set-aside.jsonl'), [toJsonLines(rows)]);
    writeFlushed(join(temporary, 'summary.json'), [`${JSON.stringify(summary, null, 2)}\n`]);
  });
  progress(labels.length, labels.length);
  return summary;
}

interface StageOfRun {
  runId: number;
  stage: number;
}

function teacherStage(store: Store, origin: TraceOrigin, teacherRunId: number | null): StageOfRun | null {
  if (origin !== 'teacher' || teacherRunId === null) return null;
  const stage = store.runs.stages(teacherRunId).find(({ name }) => name === 'label' || name.startsWith('evaluate'));
  if (stage === undefined) {
    throw new AresError('not-found', `Run ${teacherRunId} has no responses of a teacher.`, {
      hint: 'Name a run in which the teacher labelled or was evaluated on the same problems.',
    });
  }
  return { runId: teacherRunId, stage: stage.stage };
}

function* tracesOf(
  store: Store,
  { problemId, answer, meta }: Problem,
  origin: TraceOrigin,
  from: StageOfRun | null,
): Generator<SourcedTrace> {
  if (from !== null) {
    for (const step of store.rollouts.steps(from.runId, from.stage)) {
      for (const rollout of store.rollouts.ofProblem({ ...from, step }, problemId)) {
        yield { problemId, source: origin, text: rollout.response, correct: rollout.verdict === 'correct' };
      }
    }
    return;
  }
  if (origin === 'dataset') {
    // Sound: the importer stored what it read.
    const { response } = meta as ProblemMeta;
    if (response === undefined) return;
    const { verdict } = grade({ gold: answer, response });
    yield { problemId, source: 'dataset', text: response, correct: verdict === 'correct' };
  }
  for (const trace of store.traces.ofProblem(problemId)) if (trace.origin === origin) yield trace;
}

function noTraces(origin: TraceOrigin): AresError {
  const hints: Readonly<Record<TraceOrigin, string>> = {
    dataset: 'Import the data with its solutions mapped to "Solution".',
    rollouts: 'The responses of this run were not kept.',
    teacher: 'Let the teacher answer these problems first: a labelling run with its model.',
  };
  return new AresError('not-found', 'There are no traces of this origin for the problems of the run.', {
    hint: hints[origin],
  });
}

function countAside(aside: readonly { problem: ShapeProblem }[]): TraceSetSummary['setAside'] {
  const counts = Map.groupBy(aside, ({ problem }) => problem);
  return Array.from(counts, ([problem, traces]) => ({
    problem,
    reason: shapeProblems[problem],
    traces: traces.length,
  })).sort((a, b) => b.traces - a.traces);
}

function summaryOf(name: 'adacs' | 'control', curation: Curation, candidates: readonly Candidate[]) {
  const lengths = curation.chosen.map(({ index }) => candidates[index]!.lengthTokens);
  return {
    name,
    traces: lengths.length,
    meanLengthTokens: lengths.length === 0 ? null : mean(lengths),
    chosenPerBracket: curation.chosenPerBracket,
    warnings: curation.warnings,
  };
}

/**
 * Traces for LLaMA-Factory in a folder that is made: chats, dataset_info.json, and the images they show.
 * @returns the file of chats
 */
export function writeTraceFiles(
  store: Pick<Store, 'problems'>,
  projectFolder: string,
  folder: string,
  name: string,
  traces: readonly { problemId: number; text: string }[],
): string {
  mkdirSync(folder, { recursive: true });
  const copied = new Set<string>();
  const exported = traces.map(({ problemId, text }): ExportedTrace => {
    const { prompt, images } = store.problems.get(problemId)!;
    for (const image of images) {
      if (copied.has(image)) continue;
      mkdirSync(join(folder, 'images'), { recursive: true });
      copyFileSync(imagePath(projectFolder, image), join(folder, 'images', image));
      copied.add(image);
    }
    // Sound: the importer stored a text or a list of messages.
    return {
      prompt: prompt as ExportedTrace['prompt'],
      response: text,
      images: images.map((image) => `images/${image}`),
    };
  });
  const { fileName, chats, info } = llamaFactoryFiles(name, exported);
  writeFlushed(join(folder, fileName), [JSON.stringify(chats, null, 1)]);
  writeFlushed(join(folder, 'dataset_info.json'), [`${JSON.stringify(info, null, 2)}\n`]);
  return join(folder, fileName);
}
