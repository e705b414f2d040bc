/**
 * Help texts, generated from what commands declare.
 *
 * Owns: the layout of the overview and of one command's help. No command writes its own.
 */
import { type OptionSpec, type OptionSpecs, commonOptions, flagOf, operandName, placeholderOf } from './arguments.ts';
import type { Command } from './command.ts';
import { alignColumns } from './columns.ts';
import type { ProgramFacts } from '#core/host/programFacts.ts';

/** Overview of all commands, or of those of one group such as `model`. */
export function overview(
  { version, description }: Pick<ProgramFacts, 'version' | 'description'>,
  commands: readonly (readonly [name: string, summary: string])[],
  bold: (text: string) => string,
): string {
  return [
    `${bold('ARES Workbench')} ${version}`,
    description,
    '',
    `${bold('Usage:')} ares COMMAND [options]`,
    '',
    bold('Commands:'),
    ...alignColumns(commands).map((line) => `  ${line}`),
    '',
    'Every command explains itself with --help and answers in JSON with --json.',
  ].join('\n');
}

export function commandHelp(
  name: string,
  { summary, options, operands }: Command,
  bold: (text: string) => string,
): string {
  const operandRows = Object.entries(operands).map(([operand, { help }]) => [operandName(operand), help]);
  const optionRows = Object.entries<OptionSpec>({ ...options, ...commonOptions }).map(([option, spec]) => [
    `${flagOf(option)} ${placeholderOf(spec)}`.trimEnd(),
    `${spec.help}${defaultNote(spec)}`,
  ]);
  const lines = alignColumns([...operandRows, ...optionRows]).map((line) => `  ${line}`);
  return [
    bold(`ares ${name}`),
    summary,
    '',
    `${bold('Usage:')} ${usageLine(name, options, operands)}`,
    '',
    ...lines,
  ].join('\n');
}

function usageLine(name: string, options: OptionSpecs, operands: Command['operands']): string {
  const required = Object.entries(options)
    .filter(([, spec]) => isRequired(spec))
    .map(([option, spec]) => `${flagOf(option)} ${placeholderOf(spec)}`);
  const positional = Object.entries(operands).map(([operand, { optional, many }]) => {
    const name = `${operandName(operand)}${many ? '...' : ''}`;
    return optional ? `[${name}]` : name;
  });
  return ['ares', name, ...positional, ...required, '[options]'].join(' ');
}

function isRequired(spec: OptionSpec): boolean {
  return spec.kind !== 'flag' && spec.required === true;
}

function defaultNote(spec: OptionSpec): string {
  if (spec.kind === 'flag') return '';
  if (spec.required) return ' Required.';
  return spec.default === undefined ? '' : ` Default: ${spec.default}.`;
}
