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

/**
 * Reads a recipe. Settings that are left out get their defaults; unknown ones are errors.
 * @param text YAML, of which JSON is a part
 * @param where the file, for errors
 * @throws AresError 'bad-recipe'
 */
export function parseRecipe(text: string, where: string): Recipe {
  if (text.length > MAX_RECIPE_CHARACTERS) throw bad('This is too long for a recipe.', where, 'Choose another file.');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [mistake] = [...document.errors, ...document.warnings];
  if (mistake !== undefined) {
    const { line, col } = lines.linePos(mistake.pos[0]);
    throw bad(
      `This is not valid YAML: ${mistake.message}`,
      `${where}, line ${line}, column ${col}`,
      'Correct the text.',
    );
  }
  const value = plainValue(document, where);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad('A recipe is a list of settings with values.', where, `Begin with "version: ${RECIPE_VERSION}".`);
  }
  const { version } = value as { version?: unknown };
  if (typeof version === 'number' && version > RECIPE_VERSION) {
    throw bad(`The recipe is of version ${version}, which this program does not know.`, where, 'Update the workbench.');
  }
  const result = recipeSchema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A misspelt setting explains more than the default it left behind.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  const { path, message, hint } = explain(issue, value);
  const others = issues.length === 1 ? '' : ` (and ${issues.length - 1} more to correct)`;
  throw bad(
    `${message}${others}`,
    [where, lineOf(document, lines, path), path.join('.')].filter(Boolean).join(', '),
    hint,
  );
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
export function recipeWarnings({ policy, checkpoints }: Recipe): string[] {
  if (!policy.enabled || checkpoints.everySteps < policy.steps) return [];
  return [
    `Policy optimisation has ${policy.steps} steps and checkpoints are made every ${checkpoints.everySteps}: ` +
      'if it is interrupted, all of it is lost.',
  ];
}

function bad(message: string, where: string, hint: string): AresError {
  return new AresError('bad-recipe', message, { where, hint });
}

function plainValue(document: Document, where: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw bad(`This is not valid YAML: ${(error as Error).message}.`, where, 'Correct the text.');
  }
}

/** "line 12" of the setting, or of the nearest thing around it that is written out. */
function lineOf(document: Document, lines: LineCounter, path: Path): string | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return `line ${lines.linePos(node.range[0]).line}`;
  }
  return undefined;
}

interface Explanation {
  path: Path;
  message: string;
  hint: string;
}

function explain(issue: z.core.$ZodIssue, document: unknown): Explanation {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') return unknownSetting(path, issue.keys[0]!);
  const found = valueAt(document, path);
  const name = `"${path.join('.')}"`;
  const options = issue.code === 'invalid_value' ? issue.values.map(String) : [];
  const meant = typeof found === 'string' ? nearestName(found, options) : undefined;
  return {
    path,
    message:
      found === undefined
        ? `${name} is missing: it ${rule(issue)}.`
        : `${name} ${rule(issue)}, but is ${shorten(found)}.`,
    hint: meant === undefined ? 'Correct the setting, or remove it to use the default.' : `Did you mean "${meant}"?`,
  };
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
