/**
 * WebGPU without a GPU: where the tests find an adapter in software, and suites that need it.
 *
 * Owns: finding SwiftShader, which Debian's Chromium brings along, and the Vulkan loader. Both must be in the
 * environment before a process starts, so tests/run.ts puts them there for the workers and what they start.
 * Speed on it says nothing about a GPU; numbers do.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe } from 'vitest';

const ADAPTERS = ['/usr/lib/chromium/vk_swiftshader_icd.json'];
const LOADER = 'libvulkan.so.1';
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'];
const ICD = 'VK_ICD_FILENAMES';

export type SoftwareAdapter = { environment: Readonly<Record<string, string>> } | { missing: string };

export function findSoftwareAdapter(): SoftwareAdapter {
  const adapter = ADAPTERS.find((file) => existsSync(file));
  if (adapter === undefined) {
    return { missing: `there is no SwiftShader (${ADAPTERS.join(', ')}; on Debian it comes with chromium-common)` };
  }
  const variables = { [ICD]: adapter, VK_DRIVER_FILES: adapter };
  if (LIBRARY_FOLDERS.some((folder) => existsSync(join(folder, LOADER)))) return { environment: variables };
  const beside = dirname(adapter);
  if (!existsSync(join(beside, LOADER)))
    return { missing: `there is no Vulkan loader (${LOADER}; on Debian: libvulkan1)` };
  const path = [beside, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  return { environment: { ...variables, LD_LIBRARY_PATH: path } };
}

/** Why suites with WebGPU cannot run in this process; undefined where they can. */
function reasonToSkip(): string | undefined {
  const found = findSoftwareAdapter();
  if ('missing' in found) return found.missing;
  return process.env[ICD] === undefined ? `${ICD} is not set; start the tests with "npm test"` : undefined;
}

/** `describe`, or a suite that is skipped with a line on stderr that says why. */
export function describeWithWebGpu(name: string, body: () => void): void {
  const reason = reasonToSkip();
  if (reason !== undefined) process.stderr.write(`SKIPPED: "${name}" needs WebGPU in software, but ${reason}\n`);
  describe.skipIf(reason !== undefined)(name, { timeout: 240_000 }, body);
}
