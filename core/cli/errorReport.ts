/**
 * How a failure is shown: the one place where the command line prints errors.
 */
import { oneLine } from '#core/compare/format.ts';
import { type AresError, exitCodeOf } from '#core/util/errors.ts';
import type { Terminal } from './terminal.ts';

/**
 * Prints an error: for people on stderr, or as one JSON document on stdout.
 * @returns the exit code of the process
 */
export function reportError(error: AresError, terminal: Terminal, json: boolean): number {
  const { code, message, where, hint } = error;
  if (json) {
    terminal.json({ error: { code, message, where: where ?? null, hint: hint ?? null } });
  } else {
    terminal.note(`ares: ${oneLine(message)}`);
    if (where !== undefined) terminal.note(`  where: ${oneLine(where)}`);
    if (hint !== undefined) terminal.note(`  next: ${oneLine(hint)}`);
  }
  // A bug needs its origin, whoever reads it; anything else is explained by its sentence.
  if (code === 'internal') terminal.note(String(causeOf(error).stack));
  return exitCodeOf(error);
}

function causeOf(error: AresError): Error {
  return error.cause instanceof Error ? error.cause : error;
}
