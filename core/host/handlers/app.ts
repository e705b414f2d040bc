/**
 * Calls about this program and the machine it runs on.
 */
import { availableParallelism, totalmem } from 'node:os';
import type { Handlers } from '#core/contract/contract.ts';
import { runChecks } from '#core/host/checks.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { checkProviders } from '#core/host/providers.ts';
import { readProgramFacts } from '#core/host/programFacts.ts';

type Subject = Pick<Handlers, 'app.info' | 'app.doctor' | 'app.providers' | 'settings.get' | 'settings.set'>;

/** What can be short for a while without anything being broken. */
const passing = ['memory', 'disk'];

export function appHandlers(host: HostContext): Subject {
  return {
    'app.info': () => ({
      version: readProgramFacts().version,
      shell: host.shell,
      platform: `${process.platform} ${process.arch}`,
      versions: runtimeVersions(),
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      availableMemoryBytes: process.availableMemory(),
      isFirstStart: !host.settings().isTourDone,
    }),
    'app.doctor': async () => {
      const findings = await runChecks(host.currentProject()?.folder ?? host.userFolder, host.startEngine);
      return findings.map(({ name, ok, detail, next }) => ({
        name,
        status: ok ? 'ok' : passing.includes(name) ? 'warning' : 'failed',
        detail,
        hint: next,
      }));
    },
    'app.providers': () => checkProviders(host.startEngine),
    'settings.get': () => host.settings(),
    'settings.set': (patch) => host.changeSettings(patch),
  };
}

function runtimeVersions(): Record<string, string> {
  const names = ['node', 'electron', 'chrome', 'v8'] as const;
  const versions: NodeJS.Dict<string> = process.versions;
  return Object.fromEntries(names.flatMap((name) => (versions[name] === undefined ? [] : [[name, versions[name]]])));
}
