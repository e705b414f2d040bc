/**
 * What the machine did during a step: its pace and its memory.
 *
 * Owns: the names of these metrics. Unlike all others they are measured and not computed, so they differ
 * between two runs that are otherwise equal bit for bit; nothing of a run may depend on them.
 */
import type { Engine } from '#core/engine/api.ts';

export const MACHINE = 'machine/';

/** @returns to be called when the step is over, with the response tokens it made or trained on */
export function watchMachine(
  engine: Pick<Engine, 'memoryBytes'>,
): (tokens: number) => Promise<Readonly<Record<string, number>>> {
  const startedMs = performance.now();
  return async (tokens) => {
    const seconds = (performance.now() - startedMs) / 1000;
    return {
      [`${MACHINE}stepSeconds`]: seconds,
      [`${MACHINE}tokensPerSecond`]: tokens / seconds,
      [`${MACHINE}engineBytes`]: await engine.memoryBytes(),
      [`${MACHINE}hostBytes`]: process.memoryUsage.rss(),
    };
  };
}
