/**
 * From a command line to an exit code.
 *
 * Owns: finding the command, parsing its arguments, running it, and turning whatever it throws into a
 * printed error and an exit code. It touches no process: main.ts does.
 */
import { AresError, toAresError } from '#core/util/errors.ts';
import { parseArguments, usageError } from './arguments.ts';
import { reportError } from './errorReport.ts';
import { commandHelp, overview } from './help.ts';
import { readProgramFacts } from '#core/host/programFacts.ts';
import type { Registry } from './registry.ts';
import { nearestName } from '#core/util/nearestName.ts';
import type { Terminal } from './terminal.ts';

/** @param args what follows the program's name */
export async function runCommandLine(args: readonly string[], registry: Registry, terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, registry, terminal);
  } catch (thrown) {
    return reportError(toAresError(thrown), terminal, wantsJson(args));
  }
}

async function dispatch(args: readonly string[], registry: Registry, terminal: Terminal): Promise<number> {
  const [first] = args;
  if (first === undefined || first === '--help' || first === '-h') {
    terminal.print(await overviewOf(registry, '', terminal));
    return 0;
  }
  if (first === '--version') {
    terminal.print(readProgramFacts().version);
    return 0;
  }
  const found = findCommand(args, registry);
  if (found === null) return answerGroup(args, registry, terminal);
  const command = await registry[found.name]!();
  const parsed = parseArguments(found.rest, found.name, command.options, command.operands);
  if (parsed.help) {
    terminal.print(commandHelp(found.name, command, terminal.bold));
    return 0;
  }
  return command.run(parsed, terminal);
}

/** Names have one word or two; the longer one wins. */
function findCommand(args: readonly string[], registry: Registry): { name: string; rest: readonly string[] } | null {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(' ');
    if (args.length >= words && Object.hasOwn(registry, name)) return { name, rest: args.slice(words) };
  }
  return null;
}

/** `ares model --help` explains the group; `ares model` and `ares modle` are mistakes. */
async function answerGroup(args: readonly string[], registry: Registry, terminal: Terminal): Promise<number> {
  const [first = '', second] = args;
  const names = Object.keys(registry);
  const group = names.filter((name) => name.startsWith(`${first} `));
  if (group.length > 0 && (second === '--help' || second === '-h')) {
    terminal.print(await overviewOf(registry, `${first} `, terminal));
    return 0;
  }
  if (group.length > 0 && (second === undefined || second.startsWith('-'))) {
    throw usageError(first, `"ares ${first}" needs to know what to do.`, `Write one of: ${listed(group)}.`);
  }
  if (first.startsWith('-')) {
    throw new AresError('usage', `${first} stands where a command should be.`, {
      hint: 'Run "ares" to see all commands.',
    });
  }
  const typed = group.length > 0 ? `${first} ${second}` : first;
  const candidates = group.length > 0 ? group : names.flatMap((name) => [name, name.split(' ')[0]!]);
  const suggestion = nearestName(typed, candidates);
  throw new AresError('usage', `There is no command "${typed}".`, {
    hint: suggestion === undefined ? 'Run "ares" to see all commands.' : `Did you mean "ares ${suggestion}"?`,
  });
}

function listed(names: readonly string[]): string {
  return names.map((name) => `ares ${name}`).join(', ');
}

async function overviewOf(registry: Registry, prefix: string, terminal: Terminal): Promise<string> {
  const chosen = Object.entries(registry).filter(([name]) => name.startsWith(prefix));
  const rows = await Promise.all(chosen.map(async ([name, load]) => [name, (await load()).summary] as const));
  return overview(readProgramFacts(), rows, terminal.bold);
}

/** Whether the error is wanted as JSON; asked of a command line that may not parse. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? undefined : end).includes('--json');
}
