/**
 * Execution providers: what the runtime computes on.
 *
 * Owns: their names, in the order in which they are offered. What one needs of a graph is lowering.ts,
 * how a session is put on one is runtime.ts.
 */

export const providers = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;

/** 'cpu', any GPU through WebGPU, NVIDIA through CUDA (Linux), DirectML (Windows), Core ML (macOS). */
export type Provider = (typeof providers)[number];

/**
 * Whether tensors can stay on the device between runs. The runtime's Node binding can do so with WebGPU
 * alone; with the others every output comes back to the CPU (ENGINE §2).
 */
export function keepsTensorsOnDevice(provider: Provider): boolean {
  return provider === 'webgpu';
}
