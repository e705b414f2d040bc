/**
 * What crosses between a host and an engine process.
 *
 * Owns: the shapes of messages and the list of methods. Both ends are typed from the Engine interface,
 * so a method added there and forgotten here is a compile error.
 */
import { AresError, type ErrorCode, toAresError } from '#core/util/errors.ts';
import type { Engine, RolloutProgress } from './api.ts';
import type { EngineOptions } from './localEngine.ts';

export type EngineMethod = keyof Engine;

/** Every method, as data: a request naming anything else is refused. */
export const engineMethods: Record<EngineMethod, true> = {
  openModel: true,
  addAdapter: true,
  loadAdapter: true,
  cloneModel: true,
  closeModel: true,
  openTrainer: true,
  generate: true,
  score: true,
  trainStep: true,
  saveModel: true,
  saveAdapter: true,
  saveTrainer: true,
  loadTrainer: true,
  memoryBytes: true,
  close: true,
};

export type ToEngine =
  | { kind: 'start'; options: EngineOptions; isBackground: boolean }
  | { kind: 'call'; id: number; method: EngineMethod; argument: readonly unknown[] };

export type FromEngine =
  | { kind: 'ready' }
  | { kind: 'result'; id: number; value: unknown }
  | { kind: 'error'; id: number; error: PlainError }
  | { kind: 'progress'; id: number; progress: RolloutProgress };

/** An error as data: classes do not survive the crossing. */
export interface PlainError {
  code: ErrorCode;
  message: string;
  where: string | undefined;
  hint: string | undefined;
}

export function toPlainError(thrown: unknown): PlainError {
  const { code, message, where, hint } = toAresError(thrown);
  return { code, message, where, hint };
}

export function fromPlainError({ code, message, where, hint }: PlainError): AresError {
  return new AresError(code, message, {
    ...(where === undefined ? {} : { where }),
    ...(hint === undefined ? {} : { hint }),
  });
}
