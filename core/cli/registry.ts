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
  'model pull': async () => (await import('./commands/modelPull.ts')).modelPull,
  'model generate': async () => (await import('./commands/modelGenerate.ts')).modelGenerate,
  grade: async () => (await import('./commands/grade.ts')).gradeCases,
  run: async () => (await import('./commands/run.ts')).run,
  label: async () => (await import('./commands/label.ts')).label,
  adacs: async () => (await import('./commands/adacs.ts')).adacs,
  aepo: async () => (await import('./commands/aepo.ts')).aepo,
  eval: async () => (await import('./commands/eval.ts')).evaluate,
  resume: async () => (await import('./commands/resume.ts')).resume,
  runs: async () => (await import('./commands/runs.ts')).runs,
  compare: async () => (await import('./commands/compare.ts')).compare,
  export: async () => (await import('./commands/export.ts')).exportRun,
  'data import': async () => (await import('./commands/dataImport.ts')).dataImport,
  'data inspect': async () => (await import('./commands/dataInspect.ts')).dataInspect,
  'data check': async () => (await import('./commands/dataCheck.ts')).dataCheck,
  'data split': async () => (await import('./commands/dataSplit.ts')).dataSplit,
  'data card': async () => (await import('./commands/dataCard.ts')).dataCard,
  'data traces': async () => (await import('./commands/dataTraces.ts')).dataTraces,
  'endpoint add': async () => (await import('./commands/endpoint.ts')).endpointAdd,
  'endpoint list': async () => (await import('./commands/endpoint.ts')).endpointList,
  'endpoint probe': async () => (await import('./commands/endpoint.ts')).endpointProbe,
  'endpoint remove': async () => (await import('./commands/endpoint.ts')).endpointRemove,
  bench: async () => (await import('./commands/bench.ts')).bench,
  'sample pretrain': async () => (await import('./commands/samplePretrain.ts')).samplePretrain,
  serve: async () => (await import('./commands/serve.ts')).serve,
  start: async () => (await import('./commands/start.ts')).start,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
};
