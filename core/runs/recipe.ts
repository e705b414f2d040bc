/**
 * Recipes in and out: YAML or JSON text to a complete, checked recipe, and its one spelling.
 *
 * Owns: sentences for what is wrong with a recipe, with file, line and the setting's path. The
 * settings themselves are declared in recipeSchema.ts.
 */
import { type Document, LineCounter, isNode, parseDocument } from 'yaml';
import type { z } from 'zod';
import { AresError } from '#core/util/errors.ts';
import { shorten } from '#core/model/json.ts';
import { canonicalJson, sha256 } from './canonicalJson.ts';
import { nearestName } from '#core/util/nearestName.ts';
import { RECIPE_VERSION, type Recipe, recipeSchema } from './recipeSchema.ts';

export type { Recipe } from './recipeSchema.ts';

const MAX_RECIPE_CHARACTERS = 1_000_000;

type Path = readonly (string | number)[];

/** A recipe of nothing but defaults. */
export function defaultRecipe(): Recipe {
  return recipeSchema.parse({ version: RECIPE_VERSION });
}

/** Something to correct in a recipe. */
export interface RecipeMistake {
  /** Dotted path of the setting; empty for the text as a whole. */
  path: string;
  /** From 1; null where nothing is written that it is about. */
  line: number | null;
  message: string;
  hint: string;
}

/**
 * Reads a recipe. Settings that are left out get their defaults; unknown ones are errors.
 * @param text YAML, of which JSON is a part
 * @param where the file, for errors
 * @throws AresError 'bad-recipe'
 */
export function parseRecipe(text: string, where: string): Recipe {
  const { recipe, mistakes } = checkRecipe(text);
  if (recipe !== null) return recipe;
  const { path, line, message, hint } = mistakes[0]!;
  const others = mistakes.length === 1 ? '' : ` (and ${mistakes.length - 1} more to correct)`;
  throw new AresError('bad-recipe', `${message}${others}`, {
    where: [where, line === null ? '' : `line ${line}`, path].filter(Boolean).join(', '),
    hint,
  });
}

export interface CheckedRecipe {
  /** Null where something is to be corrected. */
  recipe: Recipe | null;
  mistakes: RecipeMistake[];
  /** Dotted paths of the settings that the text writes out. */
  written: string[];
}

/** Reads a recipe and finds everything that is to be corrected. */
export function checkRecipe(text: string): CheckedRecipe {
  if (text.length > MAX_RECIPE_CHARACTERS)
    return refused({ path: '', line: null, message: 'This is too long for a recipe.', hint: 'Choose another file.' });
  const stored = storedRecipe(text);
  if (stored !== null) return { recipe: stored, mistakes: [], written: leavesOf(stored) };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = [...document.errors, ...document.warnings].map(({ pos, message }): RecipeMistake => {
    const { line, col } = lines.linePos(pos[0]);
    return {
      path: '',
      line,
      message: `This is not valid YAML: ${message}`,
      hint: `Correct the text at column ${col}.`,
    };
  });
  if (syntax.length > 0) return refused(...syntax);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const message = `This is not valid YAML: ${(error as Error).message}.`;
    return refused({ path: '', line: null, message, hint: 'Correct the text.' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const hint = `Begin with "version: ${RECIPE_VERSION}".`;
    return refused({ path: '', line: null, message: 'A recipe is a list of settings with values.', hint });
  }
  const { version } = value as { version?: unknown };
  if (typeof version === 'number' && version > RECIPE_VERSION) {
    const message = `The recipe is of version ${version}, which this program does not know.`;
    return refused({ path: '', line: lineOf(document, lines, ['version']), message, hint: 'Update the workbench.' });
  }
  const result = recipeSchema.safeParse(value);
  if (result.success) return { recipe: result.data, mistakes: [], written: leavesOf(value) };
  // A misspelt setting explains more than the default it left behind.
  const misspelt = ({ code }: z.core.$ZodIssue) => Number(code === 'unrecognized_keys');
  const issues = result.error.issues.toSorted((a, b) => misspelt(b) - misspelt(a));
  return refused(
    ...issues
      .flatMap((issue) => explain(issue, value))
      .map(({ path, message, hint }) => ({
        path: path.join('.'),
        line: lineOf(document, lines, path),
        message,
        hint,
      })),
  );
}

function refused(...mistakes: RecipeMistake[]): CheckedRecipe {
  return { recipe: null, mistakes, written: [] };
}

function leavesOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`));
}

/** Recipes that the store holds are JSON, and read far more often than YAML is: without its slow parser. */
function storedRecipe(text: string): Recipe | null {
  if (!text.startsWith('{')) return null;
  try {
    return recipeSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    // Not JSON after all, or with a mistake that has a line in YAML.
    return null;
  }
}

/** The one spelling of a recipe, as it is stored with a run. */
export function recipeText(recipe: Recipe): string {
  return canonicalJson(recipe);
}

/** SHA-256 of the one spelling: equal recipes have equal hashes. */
export function recipeHash(recipe: Recipe): string {
  return sha256(recipeText(recipe));
}

/** What is allowed but probably not meant, as sentences. */
export function recipeWarnings({ label, coldStart, policy, checkpoints }: Recipe): string[] {
  const warnings: string[] = [];
  if (policy.enabled && checkpoints.everySteps >= policy.steps) {
    warnings.push(
      `Policy optimisation has ${policy.steps} steps and checkpoints are made every ${checkpoints.everySteps}: ` +
        'if it is interrupted, all of it is lost.',
    );
  }
  if (label.stopEarly.rule !== 'never' && (coldStart.enabled || policy.enabled)) {
    warnings.push('Labelling does not stop early in a run that trains: its pass rates need every sample.');
  }
  return warnings;
}

/** Line of the setting, or of the nearest thing around it that is written out. */
function lineOf(document: Document, lines: LineCounter, path: Path): number | null {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return null;
}

interface Explanation {
  path: Path;
  message: string;
  hint: string;
}

/** One explanation, or one per setting that does not exist. */
function explain(issue: z.core.$ZodIssue, document: unknown): Explanation[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownSetting(path, key));
  const found = valueAt(document, path);
  const name = `"${path.join('.')}"`;
  const options = issue.code === 'invalid_value' ? issue.values.map(String) : [];
  const meant = typeof found === 'string' ? nearestName(found, options) : undefined;
  return [
    {
      path,
      message:
        found === undefined
          ? `${name} is missing: it ${rule(issue)}.`
          : `${name} ${rule(issue)}, but is ${shorten(found)}.`,
      hint: meant === undefined ? 'Correct the setting, or remove it to use the default.' : `Did you mean "${meant}"?`,
    },
  ];
}

/** What a value must satisfy, as the rest of a sentence. */
function rule(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty';
      return `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return `must have at most ${issue.maximum} characters`;
      return `must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.join(', ')}`;
    case 'invalid_union':
      return 'has a value of the wrong kind';
    default:
      return issue.message;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of settings',
};

function unknownSetting(path: Path, key: string): Explanation {
  // The default recipe has every setting there is.
  const known = Object.keys((valueAt(defaultRecipe(), path) ?? {}) as object);
  const meant = nearestName(key, known);
  const full = [...path, key];
  return {
    path: full,
    message: `There is no setting "${full.join('.')}".`,
    hint: meant === undefined ? `The settings here are ${known.join(', ')}.` : `Did you mean "${meant}"?`,
  };
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((inner, key) => (inner as Record<string | number, unknown> | null | undefined)?.[key], value);
}
