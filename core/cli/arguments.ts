/**
 * The command line as typed values.
 *
 * Owns: the vocabulary in which a command declares its options and operands as data, and the strict
 * parser over it: what is not declared, given twice, missing or out of bounds is a usage error that
 * says what to type instead. Help is generated from the same data in help.ts.
 */
import { parseArgs } from 'node:util';
import { AresError } from '#core/util/errors.ts';
import { nearestName } from '#core/util/nearestName.ts';

export type OptionSpec =
  | { readonly kind: 'flag'; readonly help: string }
  | {
      readonly kind: 'text';
      /** What stands for the value in the help, such as FILE. */
      readonly value: string;
      readonly help: string;
      readonly required?: true;
      readonly default?: string;
    }
  | {
      readonly kind: 'number';
      readonly value: string;
      readonly help: string;
      readonly required?: true;
      readonly default?: number;
      readonly integer?: true;
      readonly minimum?: number;
      readonly maximum?: number;
    }
  | {
      readonly kind: 'choice';
      readonly choices: readonly string[];
      readonly help: string;
      readonly required?: true;
      readonly default?: string;
    };

export interface OperandSpec {
  readonly help: string;
  readonly optional?: true;
  /** One or more values; only for the last operand. */
  readonly many?: true;
}

/** By name in camel case: `maxNewTokens` is --max-new-tokens. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;
/** By name, in the order they are given: `file` is FILE. */
export type OperandSpecs = Readonly<Record<string, OperandSpec>>;

type Present<S, T> = S extends { readonly required: true } | { readonly default: T } ? T : T | undefined;

type OptionValue<S extends OptionSpec> = S extends { readonly kind: 'flag' }
  ? boolean
  : S extends { readonly kind: 'number' }
    ? Present<S, number>
    : S extends { readonly kind: 'choice'; readonly choices: readonly (infer C extends string)[] }
      ? Present<S, C>
      : Present<S, string>;

/** What a command receives for the options it declares. */
export type OptionValues<S extends OptionSpecs> = { readonly [K in keyof S]: OptionValue<S[K]> };
export type OperandValues<S extends OperandSpecs> = {
  readonly [K in keyof S]: S[K] extends { readonly many: true }
    ? readonly string[]
    : S[K] extends { readonly optional: true }
      ? string | undefined
      : string;
};

export interface ParsedArguments {
  help: boolean;
  json: boolean;
  options: Readonly<Record<string, string | number | boolean | undefined>>;
  operands: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What every command understands. */
export const commonOptions = {
  json: { kind: 'flag', help: 'Print the result (or the error) as JSON on stdout.' },
  help: { kind: 'flag', help: 'Show this help.' },
} satisfies OptionSpecs;

export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function operandName(name: string): string {
  return name.toUpperCase();
}

/**
 * Parses what follows the name of a command.
 * With --help nothing else is asked for: missing options and operands are no error then.
 * @throws AresError 'usage'
 */
export function parseArguments(
  args: readonly string[],
  command: string,
  options: OptionSpecs,
  operands: OperandSpecs,
): ParsedArguments {
  const all: OptionSpecs = { ...options, ...commonOptions };
  const given = readTokens(args, command, all);
  const help = given.options.has('help');
  const values: Record<string, string | number | boolean | undefined> = {};
  for (const [name, spec] of Object.entries(all)) {
    values[name] = valueOf(flagOf(name), spec, given.options.get(name), command, help);
  }
  return {
    help,
    json: given.options.has('json'),
    options: values,
    operands: help ? {} : assignOperands(given.operands, command, operands),
  };
}

export function usageError(command: string, message: string, hint?: string): AresError {
  return new AresError('usage', message, { hint: hint ?? `Run "ares ${command} --help" to see how it is used.` });
}

interface GivenArguments {
  /** By option name; a flag has the value ''. */
  options: Map<string, string>;
  operands: string[];
}

function readTokens(args: readonly string[], command: string, specs: OptionSpecs): GivenArguments {
  const nameOf = new Map(Object.keys(specs).map((name) => [flagOf(name).slice(2), name]));
  const declared = [...nameOf].map(([flag, name]) => {
    const type = specs[name]!.kind === 'flag' ? 'boolean' : 'string';
    return [flag, flag === 'help' ? ({ type, short: 'h' } as const) : ({ type } as const)] as const;
  });
  // Not strict: the built-in messages name no alternative. Every token is checked here instead.
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(declared),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given: GivenArguments = { options: new Map(), operands: [] };
  for (const token of tokens) {
    if (token.kind === 'positional') given.operands.push(token.value);
    if (token.kind !== 'option') continue;
    const name = nameOf.get(token.name);
    if (name === undefined) {
      const suggestion = nearestName(token.name, [...nameOf.keys()]);
      throw usageError(
        command,
        `"ares ${command}" has no option ${token.rawName}.`,
        suggestion === undefined ? undefined : `Did you mean --${suggestion}?`,
      );
    }
    const flag = flagOf(name);
    if (given.options.has(name)) throw usageError(command, `${flag} is given twice.`, `Give ${flag} once.`);
    given.options.set(name, tokenValue(token, flag, specs[name]!, command));
  }
  return given;
}

function tokenValue(
  { value, inlineValue }: { value: string | undefined; inlineValue: boolean | undefined },
  flag: string,
  spec: OptionSpec,
  command: string,
): string {
  if (spec.kind === 'flag') {
    if (value === undefined) return '';
    throw usageError(command, `${flag} takes no value.`, `Write ${flag} alone.`);
  }
  // "--model --json" has forgotten a value; "--seed -1" and "--prompt=--x" have not.
  const looksLikeOption = inlineValue !== true && value !== undefined && /^-[^\d.]/.test(value);
  if (value !== undefined && value !== '' && !looksLikeOption) return value;
  const hint = looksLikeOption ? ` If the value really is ${value}, write ${flag}=${value}.` : '';
  throw usageError(command, `${flag} needs a value.`, `Write ${flag} ${placeholderOf(spec)}.${hint}`);
}

export function placeholderOf(spec: OptionSpec): string {
  if (spec.kind === 'flag') return '';
  return spec.kind === 'choice' ? spec.choices.join('|') : spec.value;
}

function valueOf(
  flag: string,
  spec: OptionSpec,
  given: string | undefined,
  command: string,
  help: boolean,
): string | number | boolean | undefined {
  if (spec.kind === 'flag') return given !== undefined;
  if (given === undefined) {
    if (spec.required && !help) {
      throw usageError(command, `${flag} is missing.`, `Add ${flag} ${placeholderOf(spec)}: ${spec.help}`);
    }
    return spec.default;
  }
  if (spec.kind === 'number') return numberOf(flag, spec, given, command);
  if (spec.kind === 'choice' && !spec.choices.includes(given)) {
    throw usageError(command, `${flag} cannot be "${given}".`, `Choose one of: ${spec.choices.join(', ')}.`);
  }
  return given;
}

const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

function numberOf(
  flag: string,
  { integer, minimum = -Infinity, maximum = Infinity }: Extract<OptionSpec, { kind: 'number' }>,
  given: string,
  command: string,
): number {
  const number = DECIMAL.test(given) ? Number(given) : NaN;
  const proper = integer ? Number.isSafeInteger(number) : Number.isFinite(number);
  if (proper && number >= minimum && number <= maximum) return number;
  const what = integer ? 'a whole number' : 'a number';
  const lower = minimum === -Infinity ? '' : ` from ${minimum}`;
  const upper = maximum === Infinity ? '' : ` up to ${maximum}`;
  throw usageError(
    command,
    `${flag} must be ${what}${lower}${upper}, not "${given}".`,
    `Write for instance ${flag} ${exampleOf(minimum, maximum)}.`,
  );
}

function exampleOf(minimum: number, maximum: number): number {
  if (minimum <= 1 && maximum >= 1) return 1;
  return Number.isFinite(minimum) ? minimum : maximum;
}

function assignOperands(given: readonly string[], command: string, specs: OperandSpecs): ParsedArguments['operands'] {
  const names = Object.keys(specs);
  const takesRest = names.some((name) => specs[name]!.many);
  if (given.length > names.length && !takesRest) {
    throw usageError(command, `"${given[names.length]}" is one argument too many for "ares ${command}".`);
  }
  names.forEach((name, i) => {
    const { optional, help } = specs[name]!;
    if (i >= given.length && !optional) {
      throw usageError(command, `${operandName(name)} is missing.`, `Add ${operandName(name)}: ${help}`);
    }
  });
  return Object.fromEntries(names.map((name, i) => [name, specs[name]!.many ? given.slice(i) : given[i]]));
}
