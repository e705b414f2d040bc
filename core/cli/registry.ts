/**
 * The list of commands.
 *
 * Owns: their names and order in the overview. A command is loaded when it is called for, so that none
 * waits for what the others need (the runtime, the database, the importers).
 */
import type { Command } from './command.ts';

export type Registry = Readonly<Record<string, () => Promise<Command>>>;

export const registry: Registry = {
  'model forward': async () => (await import('./commands/modelForward.ts')).modelForward,
  'model generate': async () => (await import('./commands/modelGenerate.ts')).modelGenerate,
  grade: async () => (await import('./commands/grade.ts')).gradeCases,
  'data inspect': async () => (await import('./commands/dataInspect.ts')).dataInspect,
  bench: async () => (await import('./commands/bench.ts')).bench,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
};
