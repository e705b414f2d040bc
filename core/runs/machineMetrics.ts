/**
 * What the machine did during a step: its pace and its memory.
 *
 * Owns: the names of these metrics. Unlike all others they are measured and not computed, so they differ
 * between two runs that are otherwise equal bit for bit; nothing of a run may depend on them.
 */
import type { Engine } from '#core/engine/api.ts';

export const MACHINE = 'machine/';

/** Memory now: of this process, and of the engine where there is one. */
export async function machineUse(
  engine: Pick<Engine, 'memoryBytes'> | null,
): Promise<Readonly<Record<string, number>>> {
  return {
    ...(engine === null ? {} : { [`${MACHINE}engineBytes`]: await engine.memoryBytes() }),
    [`${MACHINE}hostBytes`]: process.memoryUsage.rss(),
  };
}

/**
 * @param use asked at the end of the step
 * @returns to be called when the step is over, with the response tokens it made or trained on
 */
export function watchMachine(
  use: () => Promise<Readonly<Record<string, number>>>,
): (tokens: number) => Promise<Readonly<Record<string, number>>> {
  const startedMs = performance.now();
  return async (tokens) => {
    const seconds = (performance.now() - startedMs) / 1000;
    return {
      [`${MACHINE}stepSeconds`]: seconds,
      [`${MACHINE}tokensPerSecond`]: tokens / seconds,
      ...(await use()),
    };
  };
}
