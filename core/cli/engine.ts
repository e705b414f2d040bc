/**
 * An engine process for the duration of one command.
 */
import { availableParallelism } from 'node:os';
import type { Engine } from '#core/engine/api.ts';
import { startEngine } from '#core/engine/client.ts';
import { type Provider, providers } from '#core/tensor/provider.ts';

/** Padded tokens per micro-batch; a few hundred MB of activations with the models this runs on. */
const TOKEN_BUDGET = 8192;
/** Rows generated side by side. */
const MAX_ROWS = 64;
/** Tokens between two reports of progress. */
const CHUNK_TOKENS = 32;

/** All cores the process may use. */
export const threads = availableParallelism();

/** What a command computes on. */
export const providerOption = {
  provider: {
    kind: 'choice',
    choices: providers,
    help: 'What to compute on; cpu unless given. "ares doctor" says what works here.',
  },
} as const;

/** Starts an engine, and ends it whatever happens. */
export async function withEngine<T>(use: (engine: Engine) => Promise<T>, provider: Provider = 'cpu'): Promise<T> {
  const engine = await startEngine({
    threads,
    tokenBudget: TOKEN_BUDGET,
    checkpointBlocks: false,
    maxRows: MAX_ROWS,
    chunkTokens: CHUNK_TOKENS,
    provider,
  });
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}
