/**
 * The machine's own float32 matrix-product rate, as the runtime reaches it: the yardstick that other
 * timings are given as a fraction of.
 */
import { Graph } from './graph.ts';
import { matmul } from './ops.ts';
import { Session } from './runtime.ts';
import { float32 } from './types.ts';

const SIZE = 2048;

/** GFLOP/s of one SIZE³ product, the best of a few in a row after a warm-up. */
export async function measureMatmulGflops(threads: number): Promise<number> {
  const g = new Graph();
  const a = g.input('a', 'float32', [SIZE, SIZE]);
  const b = g.input('b', 'float32', [SIZE, SIZE]);
  g.namedOutput(matmul(g, a, b), 'product');
  const session = await Session.create(g.build(), { threads, optimisation: 'disabled' });
  const matrix = (value: number) => float32(new Float32Array(SIZE * SIZE).fill(value), [SIZE, SIZE]);
  const feeds = { a: matrix(0.5), b: matrix(0.25) };
  await session.run(feeds);
  let bestMs = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await session.run(feeds);
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  await session.release();
  return (2 * SIZE ** 3) / (bestMs * 1e6);
}
