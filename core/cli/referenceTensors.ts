/**
 * The tensors of a safetensors file that a command was given, each checked before it is used.
 *
 * Owns: presence, element type, shape and range, with errors that name tensor and place. What the
 * tensors mean is forwardInputs.ts.
 */
import { type Tensor, readSafetensorsHeader, readTensor } from '#core/model/safetensors.ts';
import type { SafetensorsHeader } from '#core/model/safetensorsHeader.ts';
import { AresError } from '#core/util/errors.ts';

export interface Range {
  minimum: number;
  maximum: number;
}

export class ReferenceTensors {
  readonly #header: SafetensorsHeader;

  /** @throws AresError 'not-found' or 'bad-file' */
  constructor(path: string) {
    this.#header = readSafetensorsHeader(path);
  }

  has(name: string): boolean {
    return this.#header.tensors.has(name);
  }

  /** @throws AresError 'bad-data' when there is no such tensor */
  shape(name: string): readonly number[] {
    const entry = this.#header.tensors.get(name);
    if (entry !== undefined) return entry.shape;
    throw this.#bad(`There is no tensor "${name}" among the inputs.`, `The file holds: ${this.#names()}.`);
  }

  /** An integer tensor of exactly this shape, every value within the range. */
  integers(name: string, shape: readonly number[], { minimum, maximum }: Range): Int32Array {
    const { dtype, data } = this.#read(name, shape);
    if (data instanceof Float32Array || data instanceof Float64Array) {
      throw this.#bad(`Tensor "${name}" holds ${dtype}, but whole numbers are needed.`, 'Store it as I64 or I32.');
    }
    const values = new Int32Array(data.length);
    for (let i = 0; i < data.length; i++) {
      const value = Number(data[i]);
      if (value < minimum || value > maximum) {
        const place = placeOf(i, shape);
        throw this.#bad(
          `Tensor "${name}" holds ${value} at ${place}; values from ${minimum} to ${maximum} are possible.`,
          'Check that the inputs were made for this model.',
        );
      }
      values[i] = value;
    }
    return values;
  }

  /** A floating-point tensor of exactly this shape, every value finite. */
  floats(name: string, shape: readonly number[]): Float32Array {
    const { dtype, data } = this.#read(name, shape);
    if (!(data instanceof Float32Array || data instanceof Float64Array)) {
      throw this.#bad(`Tensor "${name}" holds ${dtype}, but floating-point numbers are needed.`, 'Store it as F32.');
    }
    const odd = data.findIndex((value) => !Number.isFinite(value));
    if (odd !== -1) {
      throw this.#bad(`Tensor "${name}" holds ${data[odd]} at ${placeOf(odd, shape)}.`, 'Give finite numbers only.');
    }
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }

  #read(name: string, shape: readonly number[]): Tensor {
    const found = this.shape(name);
    if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
      throw this.#bad(
        `Tensor "${name}" has the shape [${found.join(', ')}], but [${shape.join(', ')}] is needed.`,
        'All tensors must belong to the same batch.',
      );
    }
    return readTensor(this.#header, name);
  }

  #names(): string {
    const names = [...this.#header.tensors.keys()];
    return names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ');
  }

  #bad(message: string, hint: string): AresError {
    return new AresError('bad-data', message, { where: this.#header.path, hint });
  }
}

/** [row, column, …] of a flat row-major index. */
function placeOf(index: number, shape: readonly number[]): string {
  const place: number[] = [];
  let rest = index;
  for (const size of shape.toReversed()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${place.join(', ')}]`;
}
