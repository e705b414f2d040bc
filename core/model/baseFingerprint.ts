/**
 * Which model an adapter was made for, told from little reading.
 *
 * Owns: a fingerprint of a model's weights that training of any kind changes: the beginning of every tensor. Two
 * models of one shape take each other's adapters without complaint and answer nonsense; this tells them apart.
 * It is no proof of identity (runs/modelHash.ts hashes every byte): it has to be read before a model is loaded.
 */
import { createHash } from 'node:crypto';
import { bytesOf } from '#core/tensor/onnx.ts';
import type { ModelFolder } from './modelFolder.ts';
import { languageSpecs } from './parameters.ts';
import { float32Pieces } from './safetensors.ts';
import { checkWeights } from './weights.ts';

/** Of each tensor; a low-rank update reaches its first row, also one that was merged long ago. */
const READ_VALUES = 1024;
/** Enough for so many values in any format. */
const READ_BYTES = 8 * READ_VALUES;

/**
 * SHA-256 over name and first values, as float32, of the tensors of the language part: the same however
 * they are split into files, and in whichever format holds them exactly.
 * @throws AresError as loading the weights does
 */
export function baseFingerprint({ folder, config }: Pick<ModelFolder, 'folder' | 'config'>): string {
  const sources = checkWeights(folder, config);
  const hash = createHash('sha256');
  for (const { name } of languageSpecs(config)) {
    const { header, stored } = sources.get(name)!;
    const { value } = float32Pieces(header, stored, READ_BYTES).next();
    hash.update(name).update(bytesOf((value as Float32Array).subarray(0, READ_VALUES)));
  }
  return hash.digest('hex');
}
