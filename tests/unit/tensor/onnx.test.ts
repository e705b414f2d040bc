/** The wire format against bytes worked out by hand, and what it writes against the runtime that loads it. */
import { describe, expect, it } from 'vitest';
import { Graph } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import { ProtobufWriter } from '#core/tensor/protobuf.ts';
import { Session } from '#core/tensor/runtime.ts';
import { float32, int64 } from '#core/tensor/types.ts';

const options = { threads: 1, optimisation: 'disabled' } as const;

describe('ProtobufWriter', () => {
  it('writes varints in groups of seven bits, lowest first', () => {
    expect([...new ProtobufWriter().integer(1, 300).finish()]).toEqual([0x08, 0xac, 0x02]);
  });
  it('writes negative integers in ten bytes', () => {
    expect([...new ProtobufWriter().integer(1, -1).finish()]).toEqual([0x08, ...Array<number>(9).fill(0xff), 0x01]);
  });
  it('writes strings and nested messages with their lengths', () => {
    const inner = new ProtobufWriter().string(2, 'é');
    expect([...new ProtobufWriter().message(3, inner).finish()]).toEqual([0x1a, 0x04, 0x12, 0x02, 0xc3, 0xa9]);
  });
  it('writes floats in little-endian order', () => {
    expect([...new ProtobufWriter().float(2, 1).finish()]).toEqual([0x15, 0x00, 0x00, 0x80, 0x3f]);
  });
});

describe('a message of very many parts', () => {
  it('is written whole, as the graph of a large model is', () => {
    const inner = new ProtobufWriter();
    for (let i = 0; i < 200_000; i++) inner.integer(1, 1);
    expect(new ProtobufWriter().message(2, inner).finish().length).toBe(1 + 3 + 2 * 200_000);
  });
});

describe('a written model', () => {
  it('serves every size of its named dimensions', async () => {
    const g = new Graph();
    const x = g.input('x', 'float32', ['rows', 3]);
    g.namedOutput(ops.reduceSum(g, ops.mul(g, x, g.scalar(2)), [1]), 'y');
    const session = await Session.create(g.build(), options);
    for (const rows of [1, 4]) {
      const { y } = await session.run({ x: float32(new Float32Array(rows * 3).fill(1), [rows, 3]) });
      expect(y!.shape).toEqual([rows, 1]);
      expect([...(y!.data as Float32Array)]).toEqual(Array(rows).fill(6));
    }
    await session.release();
  });

  it('takes initializers from outside its bytes', async () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [1, 2]);
    const weight = g.initializer('weight', float32(Float32Array.of(1, 2, 3, 4), [2, 2]), true);
    g.namedOutput(ops.matmul(g, x, weight), 'y');
    const model = g.build();
    expect(model.external.map(({ name }) => name)).toEqual(['weight']);
    const session = await Session.create(model, options);
    const { y } = await session.run({ x: float32(Float32Array.of(1, 10), [1, 2]) });
    expect([...(y!.data as Float32Array)]).toEqual([31, 42]);
    await session.release();
  });

  it('runs a Loop whose body refers to outer values and stops when its condition says so', async () => {
    const g = new Graph();
    const limit = g.input('limit', 'float32', []);
    const steps = g.constant(int64([100], []));
    const body = g.subgraph();
    body.input('iteration', 'int64', []);
    body.input('condition', 'bool', []);
    const sum = body.input('sum', 'float32', []);
    const next = ops.add(body, sum, body.scalar(1));
    for (const value of [ops.less(body, next, limit), next]) body.output(value);
    const [result] = g.apply({
      op: 'Loop',
      inputs: [steps, g.constant({ type: 'bool', shape: [], data: Uint8Array.of(1) }), g.scalar(0)],
      outputs: [{ type: 'float32', shape: [] }],
      attributes: { body: { kind: 'graph', value: body.toOnnx('body') } },
    });
    g.namedOutput(result!, 'result');
    const session = await Session.create(g.build(), options);
    const { result: value } = await session.run({ limit: float32(Float32Array.of(7), []) });
    expect(Number(value!.data[0])).toBe(7);
    await session.release();
  });

  it('that the runtime cannot load is a typed error', async () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [1]);
    g.namedOutput(g.apply({ op: 'NoSuchOperator', inputs: [x], outputs: [x] })[0]!, 'y');
    await expect(Session.create(g.build(), options)).rejects.toMatchObject({ name: 'AresError', code: 'engine' });
  });
});

describe('shape rules', () => {
  const g = new Graph();
  const value = (...shape: (number | string)[]) => g.input(`v${shape.join('x')}`, 'float32', shape);
  it('broadcast names only with themselves and 1', () => {
    expect(ops.broadcastShape('Add', ['B', 1], ['B', 3])).toEqual(['B', 3]);
    expect(() => ops.broadcastShape('Add', ['B', 3], ['T', 3])).toThrow(/Add cannot take shapes \[B, 3\] and \[T, 3\]/);
  });
  it('refuse products whose inner sizes differ', () => {
    expect(() => ops.matmul(g, value(2, 3), value(4, 5))).toThrow(/MatMul cannot take shapes/);
  });
  it('refuse a dimension that no input binds', () => {
    expect(() => ops.zeros(new Graph(), ['nowhere'])).toThrow(/"nowhere" is bound by no graph input/);
  });
});
