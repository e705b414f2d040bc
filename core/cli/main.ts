/**
 * Entry of the command line: `ares`.
 *
 * Owns: the process around a command: its streams and its exit code. What happens in between is
 * dispatch.ts.
 */
import { toAresError } from '#core/util/errors.ts';
import { runCommandLine } from './dispatch.ts';
import { reportError } from './errorReport.ts';
import { registry } from './registry.ts';
import { createTerminal } from './terminal.ts';

// A reader that has seen enough (`ares … | head`) closes the pipe; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const terminal = createTerminal(process.stdout, process.stderr, process.env);
process.on('uncaughtException', (thrown) => {
  process.exit(reportError(toAresError(thrown), terminal, false));
});

// Not process.exit: what is still on its way to a pipe would be lost.
process.exitCode = await runCommandLine(process.argv.slice(2), registry, terminal);
