/**
 * The machine's own float32 matrix-product rate, as the runtime reaches it: the yardstick that other
 * timings are given as a fraction of.
 */
import { Graph, type Value } from './graph.ts';
import { expand, matmul, reduceSum } from './ops.ts';
import type { Provider } from './provider.ts';
import { type Feeds, Session } from './runtime.ts';
import { float32 } from './types.ts';

const SIZE = 2048;
/** Products in a row on a device, so that starting a run does not count. */
const CHAIN = 16;

/** GFLOP/s of SIZE³ products, the best of a few runs in a row after a warm-up. */
export async function measureMatmulGflops(threads: number, provider: Provider = 'cpu'): Promise<number> {
  const g = new Graph();
  const { feeds, products } = provider === 'cpu' ? emitOne(g) : emitChain(g);
  const session = await Session.create(g.build(), { threads, optimisation: 'disabled', provider });
  await session.run(feeds);
  let bestMs = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await session.run(feeds);
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  await session.release();
  return (products * 2 * SIZE ** 3) / (bestMs * 1e6);
}

interface Work {
  feeds: Feeds;
  products: number;
}

function emitOne(g: Graph): Work {
  const a = g.input('a', 'float32', [SIZE, SIZE]);
  const b = g.input('b', 'float32', [SIZE, SIZE]);
  g.namedOutput(matmul(g, a, b), 'product');
  const matrix = (value: number) => float32(new Float32Array(SIZE * SIZE).fill(value), [SIZE, SIZE]);
  return { feeds: { a: matrix(0.5), b: matrix(0.25) }, products: 1 };
}

/** Made on the device from single numbers, with a single number as the result: nothing large crosses the bus. */
function emitChain(g: Graph): Work {
  const matrix = (name: string) => expand(g, g.input(name, 'float32', [1, 1]), [SIZE, SIZE]);
  let product: Value = matrix('a');
  const factor = matrix('b');
  for (let i = 0; i < CHAIN; i++) product = matmul(g, product, factor);
  g.namedOutput(reduceSum(g, product, [0, 1]), 'total');
  const number = (value: number) => float32(Float32Array.of(value), [1, 1]);
  return { feeds: { a: number(1), b: number(1 / SIZE) }, products: CHAIN };
}
