/**
 * What a command is.
 *
 * Owns: the shape of a command and the typed definition behind it. Names are in registry.ts, finding
 * and running commands is dispatch.ts.
 */
import {
  type OperandSpecs,
  type OperandValues,
  type OptionSpecs,
  type OptionValues,
  type ParsedArguments,
} from './arguments.ts';
import type { Terminal } from './terminal.ts';

/** What a command gets to work with. */
export interface CommandContext<O extends OptionSpecs, P extends OperandSpecs> {
  options: OptionValues<O>;
  operands: OperandValues<P>;
  /** Results are wanted as JSON. */
  json: boolean;
  terminal: Terminal;
}

export interface CommandDefinition<O extends OptionSpecs, P extends OperandSpecs> {
  /** One line for the overview, beginning with a verb. */
  summary: string;
  options: O;
  operands: P;
  /** @returns the exit code; failures are thrown as AresError instead */
  run(context: CommandContext<O, P>): Promise<number>;
}

export interface Command {
  summary: string;
  options: OptionSpecs;
  operands: OperandSpecs;
  run(parsed: ParsedArguments, terminal: Terminal): Promise<number>;
}

/** Declares a command; `run` receives options and operands in the types they are declared with. */
export function defineCommand<const O extends OptionSpecs, const P extends OperandSpecs>(
  definition: CommandDefinition<O, P>,
): Command {
  return {
    ...definition,
    run: ({ options, operands, json }, terminal) =>
      definition.run({
        // Sound: the parser made these values from the very same specifications.
        options: options as OptionValues<O>,
        operands: operands as OperandValues<P>,
        json,
        terminal,
      }),
  };
}
