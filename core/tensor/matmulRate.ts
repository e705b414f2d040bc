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
/** Sizes and products in a row on a device: more until starting a run does not count, which a slow one shows early. */
const DEVICE_WORK = [
  { size: 256, products: 1 },
  { size: 512, products: 1 },
  { size: 1024, products: 1 },
  { size: SIZE, products: 1 },
  { size: SIZE, products: 16 },
];
const LONG_ENOUGH_MS = 200;

/** GFLOP/s of SIZE³ products (smaller ones on a slow device), the best of a few in a row after a warm-up. */
export async function measureMatmulGflops(threads: number, provider: Provider = 'cpu'): Promise<number> {
  if (provider === 'cpu') {
    const g = new Graph();
    const feeds = emitOne(g);
    return (2 * SIZE ** 3) / ((await bestMs(g, feeds, threads, provider)) * 1e6);
  }
  let gflops = 0;
  for (const { size, products } of DEVICE_WORK) {
    const g = new Graph();
    const feeds = emitChain(g, size, products);
    const ms = await bestMs(g, feeds, threads, provider);
    gflops = (products * 2 * size ** 3) / (ms * 1e6);
    if (ms >= LONG_ENOUGH_MS) break;
  }
  return gflops;
}

async function bestMs(g: Graph, feeds: Feeds, threads: number, provider: Provider): Promise<number> {
  const session = await Session.create(g.build(), { threads, optimisation: 'disabled', provider });
  await session.run(feeds);
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await session.run(feeds);
    best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return best;
}

function emitOne(g: Graph): Feeds {
  const a = g.input('a', 'float32', [SIZE, SIZE]);
  const b = g.input('b', 'float32', [SIZE, SIZE]);
  g.namedOutput(matmul(g, a, b), 'product');
  const matrix = (value: number) => float32(new Float32Array(SIZE * SIZE).fill(value), [SIZE, SIZE]);
  return { a: matrix(0.5), b: matrix(0.25) };
}

/** Made on the device from single numbers, with a single number as the result: nothing large crosses the bus. */
function emitChain(g: Graph, size: number, products: number): Feeds {
  const matrix = (name: string) => expand(g, g.input(name, 'float32', [1, 1]), [size, size]);
  let product: Value = matrix('a');
  const factor = matrix('b');
  for (let i = 0; i < products; i++) product = matmul(g, product, factor);
  g.namedOutput(reduceSum(g, product, [0, 1]), 'total');
  const number = (value: number) => float32(Float32Array.of(value), [1, 1]);
  return { a: number(1), b: number(1 / size) };
}
