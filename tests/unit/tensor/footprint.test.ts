// What a graph takes, counted from the graph, against cases that can be counted by hand.
import { describe, expect, it } from 'vitest';
import { Arena } from '#core/tensor/arena.ts';
import { differentiate } from '#core/tensor/differentiate.ts';
import { footprint } from '#core/tensor/footprint.ts';
import { Graph } from '#core/tensor/graph.ts';
import { mapParts } from '#core/tensor/mapParts.ts';
import * as ops from '#core/tensor/ops.ts';

const MATRIX = 4 * 64 * 1024;

describe('footprint', () => {
  it('frees what nobody reads any more, and keeps outputs', () => {
    const g = new Graph();
    let x = g.input('x', 'float32', ['N', 1024]);
    for (let i = 0; i < 10; i++) x = ops.exp(g, x);
    g.namedOutput(x, 'y');
    const { aliveBytes, outputBytes, nodes } = footprint(g.build().graph, { N: 64 });
    // An exponential needs its operand and its result; the output is one more.
    expect(aliveBytes).toBe(2 * MATRIX);
    expect(outputBytes).toBe(MATRIX);
    expect(nodes).toBe(11);
  });

  it('keeps what the backward pass reads, and grows with the batch', () => {
    const g = new Graph();
    const input = g.input('x', 'float32', ['N', 1024]);
    let x = input;
    for (let i = 0; i < 6; i++) x = ops.exp(g, x);
    const loss = ops.reshape(g, ops.reduceSum(g, x, [0, 1]), []);
    g.namedOutput(differentiate(g, loss, [input])[0]!, 'gradient');
    const { graph } = g.build();
    const at = (rows: number) => footprint(graph, { N: rows }).aliveBytes;
    expect(at(64)).toBeGreaterThanOrEqual(6 * MATRIX);
    expect(at(64)).toBeLessThanOrEqual(9 * MATRIX);
    expect(at(128) / at(64)).toBeCloseTo(2, 1);
  });

  it('counts one part at a time of a loop, and all of what it gives', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', ['parts', 'N', 1024]);
    const [sums] = mapParts(g, [x], [], (body, [part]) => [ops.reduceSum(body, ops.exp(body, part!), [1])]);
    g.namedOutput(sums!, 'sums');
    const { graph } = g.build();
    const at = (parts: number) => footprint(graph, { parts, N: 64 }).aliveBytes;
    expect(at(1)).toBeGreaterThanOrEqual(2 * MATRIX);
    expect(at(64)).toBeLessThan(2 * at(1));
  });

  it('says which size it was not given', () => {
    const g = new Graph();
    g.namedOutput(ops.exp(g, g.input('x', 'float32', ['N'])), 'y');
    expect(() => footprint(g.build().graph, {})).toThrow('"N"');
  });
});

describe('Arena', () => {
  it('hands out freed memory again, joined with its neighbours', () => {
    const arena = new Arena();
    const pieces = [100_000, 100_000, 100_000].map((bytes) => arena.allocate(bytes));
    const touched = arena.touchedBytes;
    for (const piece of pieces) arena.free(piece);
    arena.free(arena.allocate(300_000));
    expect(arena.touchedBytes).toBe(touched);
    expect(arena.mostAliveBytes).toBe(touched);
  });

  it('touches more than is ever alive where freed pieces are too small', () => {
    const arena = new Arena();
    const small = Array.from({ length: 64 }, () => arena.allocate(2 ** 20));
    for (const piece of small.filter((_, i) => i % 2 === 0)) arena.free(piece);
    arena.allocate(8 * 2 ** 20);
    expect(arena.mostAliveBytes).toBe(64 * 2 ** 20);
    expect(arena.touchedBytes).toBe(72 * 2 ** 20);
  });
});
