/**
 * Telling whether the process that worked on a run is still there.
 *
 * Owns: the identity of a process beyond its number, which the system gives again to others. On Linux
 * that is the boot and the start time; elsewhere only the number and the time of the last boot are
 * known, so a new process may be taken for the old one until it ends.
 */
import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import type { RunOwner } from '#core/store/runs.ts';

/** What is known of the processes of this machine. */
export interface ProcessTable {
  host: string;
  bootMs: number;
  /** When a process started, null where the system does not say, undefined when there is none. */
  startOf(pid: number): string | null | undefined;
}

export const systemProcesses: ProcessTable = {
  host: hostname(),
  bootMs: Date.now() - uptime() * 1000,
  startOf(pid) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      // EPERM: there is one, but it belongs to somebody else.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
    }
    if (process.platform !== 'linux') return null;
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      // Field 22 is the start time; the second field, a name in parentheses, may contain anything.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
      return `${boot}/${fields[19]}`;
    } catch {
      return null;
    }
  },
};

/** This process, as the owner of a run from now on. */
export function currentOwner(nowMs: number): RunOwner {
  const { host, startOf } = systemProcesses;
  return { pid: process.pid, host, processStart: startOf(process.pid) ?? null, claimedMs: nowMs };
}

/** Whether an owner certainly no longer works. On another machine nothing is certain. */
export function hasEnded(owner: RunOwner, processes: ProcessTable): boolean {
  if (owner.host !== processes.host) return false;
  const start = processes.startOf(owner.pid);
  if (start === undefined) return true;
  if (start !== null && owner.processStart !== null) return start !== owner.processStart;
  return owner.claimedMs < processes.bootMs;
}
