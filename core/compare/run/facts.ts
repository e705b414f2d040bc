/**
 * What a report says about the machine and the programs it was made with.
 */
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { programFolder } from '#core/util/programFolder.ts';

export interface MachineFacts {
  /** Processor, memory, system, in one line. */
  machine: string;
  /** Program or library to version. */
  versions: Readonly<Record<string, string>>;
}

const BYTES_PER_GIB = 2 ** 30;
const manifestFile = join(programFolder, 'package.json');

/** Of this machine, now. */
export function machineFacts(): MachineFacts {
  const processors = cpus();
  const { version, dependencies } = JSON.parse(readFileSync(manifestFile, 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };
  const name = processors[0]?.model.trim() ?? 'unknown processor';
  const memory = `${(totalmem() / BYTES_PER_GIB).toFixed(1)} GiB`;
  return {
    machine: `${name}, ${processors.length} cores, ${memory} memory, ${platform()} ${release().split('.').slice(0, 2).join('.')} ${arch()}`,
    versions: {
      'ARES Workbench': version,
      'onnxruntime-node': dependencies['onnxruntime-node'] ?? 'unknown',
      'Node.js': process.versions.node,
    },
  };
}
