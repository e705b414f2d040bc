/**
 * A run in the foreground of a terminal: started or resumed, watched, paused by Ctrl-C.
 *
 * Owns: the options that all commands starting a run share, the two meanings of Ctrl-C (pause; end at
 * once), and what is printed at the end. The run itself is host/.
 */
import { readFileSync } from 'node:fs';
import { createRun, createServedRun } from '#core/host/createRun.ts';
import { type Execution, type RunEnd, executeRun } from '#core/host/executeRun.ts';
import { workOfRun } from '#core/host/runList.ts';
import type { ServedModel } from '#core/remote/endpoint.ts';
import type { RunKind } from '#core/runs/context.ts';
import { type Recipe, defaultRecipe, parseRecipe } from '#core/runs/recipe.ts';
import type { Provider } from '#core/tensor/provider.ts';
import { toAresError } from '#core/util/errors.ts';
import { usageError } from './arguments.ts';
import { providerOption } from './engine.ts';
import { createRunDisplay } from './runProgress.ts';
import type { Terminal } from './terminal.ts';

export const runOptions = {
  data: {
    kind: 'text',
    value: 'FILE',
    help: 'Problems with answers: JSONL, JSON, CSV, Parquet, Arrow or a folder.',
    required: true,
  },
  model: { kind: 'text', value: 'DIR', help: 'Hugging Face folder of the base model.', required: true },
  recipe: { kind: 'text', value: 'FILE', help: 'Recipe (YAML or JSON); the defaults unless given.' },
  seed: {
    kind: 'number',
    value: 'N',
    help: "Seed instead of the recipe's.",
    integer: true,
    minimum: 0,
    maximum: 2 ** 32 - 1,
  },
  ...providerOption,
} as const;

/** Where the run goes. */
export const outOption = {
  out: {
    kind: 'text',
    value: 'DIR',
    help: 'Project folder; made if need be. The run goes into its runs/.',
    required: true,
  },
} as const;

export const heldoutOption = {
  heldout: { kind: 'text', value: 'FILE', help: 'Problems to evaluate on; otherwise a fifth of the data is held out.' },
} as const;

/** Exit code of a process that SIGINT ended, by convention. */
const INTERRUPTED = 130;

interface StartOptions {
  data: string;
  /** A folder, or a model on a server. */
  model: string | ServedModel;
  out: string;
  recipe: string | undefined;
  seed: number | undefined;
  provider?: Provider | undefined;
  heldout?: string | undefined;
}

/**
 * Creates a run from the options of a command and works on it; returns the exit code.
 * @param isKept false when the project is removed afterwards: then no path in it is shown
 */
export async function startRun(
  kind: RunKind,
  { data, model, out, recipe, seed, provider, heldout }: StartOptions,
  json: boolean,
  terminal: Terminal,
  isKept = true,
): Promise<number> {
  const read = recipe === undefined ? recipeFor(model) : readRecipe(recipe);
  const common = {
    projectFolder: out,
    recipe: {
      ...read,
      ...(seed === undefined ? {} : { seed }),
      ...(provider === undefined ? {} : { engine: { ...read.engine, provider } }),
    },
    dataFile: data,
  };
  const { runId, folder } =
    typeof model === 'string'
      ? await createRun({
          ...common,
          kind,
          ...(heldout === undefined ? {} : { heldoutFile: heldout }),
          modelFolder: model,
        })
      : await createServedRun({ ...common, served: model });
  if (isKept) terminal.note(`Run ${runId} in ${folder}`);
  return watchRun(executeRun, out, runId, json, terminal, isKept);
}

/** Responses of a server may be paid for: none more than it takes to know the bucket, unless a recipe wants them. */
function recipeFor(model: string | ServedModel): Recipe {
  const recipe = defaultRecipe();
  if (typeof model === 'string') return recipe;
  const stopEarly = { ...recipe.label.stopEarly, rule: 'settled' as const };
  return { ...recipe, label: { ...recipe.label, extraSamples: 0, stopEarly } };
}

function readRecipe(file: string): Recipe {
  try {
    return parseRecipe(readFileSync(file, 'utf8'), file);
  } catch (thrown) {
    throw toAresError(thrown);
  }
}

/** Works on a run that exists, by `execute`; returns the exit code. */
export async function watchRun(
  execute: (execution: Execution) => Promise<RunEnd>,
  projectFolder: string,
  runId: number,
  json: boolean,
  terminal: Terminal,
  isKept = true,
): Promise<number> {
  const { work, log } = workOfRun(projectFolder, runId);
  for (const line of log) terminal.note(line);
  const display = createRunDisplay(work, terminal);
  let interrupts = 0;
  const onInterrupt = () => {
    interrupts++;
    if (interrupts > 1) process.exit(INTERRUPTED);
    display.listener.message('info', 'Pausing after this step. Press Ctrl-C again to end at once.');
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  let end: RunEnd;
  try {
    end = await execute({
      projectFolder,
      runId,
      listener: display.listener,
      stopRequested: () => interrupts > 0,
    });
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
    display.end();
  }
  if (end.state === 'paused') {
    const resume = isKept ? `ares resume ${projectFolder}` : null;
    if (json) terminal.json({ runId, state: end.state, resume });
    else
      terminal.print(
        resume === null ? 'Stopped. Add --out DIR to be able to resume.' : `Paused. Resume with: ${resume}`,
      );
    return INTERRUPTED;
  }
  const { table, html, json: resultsFile, csv } = end.report;
  if (json) {
    const results: unknown = JSON.parse(readFileSync(resultsFile, 'utf8'));
    terminal.json({ runId, state: end.state, ...(isKept ? { report: html, csv } : {}), results });
    return 0;
  }
  for (const text of table.trimEnd().split('\n')) terminal.print(text);
  if (isKept) terminal.note(`Report: ${html}`);
  return 0;
}

/** The number of a run, as it is typed. @throws AresError 'usage' */
export function parseRunId(text: string, command: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw usageError(command, `"${text}" is not the number of a run.`, 'List the runs with "ares runs DIR".');
}
