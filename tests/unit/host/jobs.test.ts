/** Jobs: progress, the three ways to end, cancelling, and what is remembered. */
import { describe, expect, it } from 'vitest';
import type { ChangeTopic, Job } from '#core/contract/contract.ts';
import type { JobControl } from '#core/host/hostContext.ts';
import { createJobs } from '#core/host/jobs.ts';
import { AresError } from '#core/util/errors.ts';

const about = { kind: 'import', title: 'Import data.csv', unit: 'rows' } as const;

/** Jobs on a clock of the test's own. */
function started() {
  let nowMs = 0;
  const announced: ChangeTopic[] = [];
  const jobs = createJobs({ announce: (...topics) => void announced.push(...topics) }, () => nowMs);
  let control!: JobControl;
  let finish!: (result: unknown) => void;
  let fail!: (thrown: unknown) => void;
  const jobId = jobs.start(about, (given) => {
    control = given;
    return new Promise((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
  });
  const seen: Job[] = [];
  jobs.follow(jobId, (job) => void seen.push(job));
  const begun = Promise.resolve().then(() => undefined);
  return {
    jobs,
    jobId,
    seen,
    announced,
    begun,
    control: () => control,
    finish: (result: unknown) => finish(result),
    fail: (thrown: unknown) => fail(thrown),
    tick: (ms: number) => void (nowMs += ms),
  };
}

describe('a job', () => {
  it('begins after its number is known, and estimates its remaining time from its pace', async () => {
    const { seen, begun, control, tick } = started();
    expect(seen).toMatchObject([{ state: 'running', done: 0, total: null, remainingMs: null }]);
    await begun;
    tick(1000);
    control().progress(25, 100);
    expect(seen.at(-1)).toMatchObject({ done: 25, total: 100, remainingMs: 3000 });
    control().progress(30, null);
    expect(seen.at(-1)).toMatchObject({ done: 30, total: null, remainingMs: null });
  });

  it('ends with its result, and is announced', async () => {
    const { seen, begun, finish, announced } = started();
    await begun;
    finish({ datasetId: 4 });
    await expect
      .poll(() => seen.at(-1))
      .toMatchObject({ state: 'finished', result: { datasetId: 4 }, remainingMs: null });
    expect(announced).toEqual(['jobs', 'jobs']);
  });

  it('ends with the error of its work', async () => {
    const { seen, begun, fail } = started();
    await begun;
    fail(new AresError('bad-file', 'The file is cut off.', { hint: 'Fetch it again.' }));
    await expect
      .poll(() => seen.at(-1))
      .toMatchObject({
        state: 'failed',
        error: { code: 'bad-file', message: 'The file is cut off.', where: null, hint: 'Fetch it again.' },
      });
  });

  it('is cancelled by its signal; what was complete before it noticed is complete', async () => {
    const cancelled = started();
    await cancelled.begun;
    cancelled.jobs.cancel(cancelled.jobId);
    expect(cancelled.control().signal.aborted).toBe(true);
    cancelled.fail(new Error('aborted'));
    await expect.poll(() => cancelled.seen.at(-1)).toMatchObject({ state: 'cancelled', error: null });

    const late = started();
    await late.begun;
    late.jobs.cancel(late.jobId);
    late.finish(null);
    await expect.poll(() => late.seen.at(-1)).toMatchObject({ state: 'finished' });
  });
});

describe('the list of jobs', () => {
  it('forgets the oldest that have ended, never one that runs', async () => {
    const { jobs, jobId } = started();
    for (let i = 0; i < 150; i++) jobs.start(about, async () => null);
    await expect.poll(() => jobs.list().filter(({ state }) => state === 'running')).toHaveLength(1);
    jobs.start(about, async () => null);
    expect(jobs.list().length).toBeLessThanOrEqual(100);
    expect(jobs.list().some((job) => job.jobId === jobId)).toBe(true);
  });

  it('refuses numbers it does not know', () => {
    const { jobs } = started();
    expect(() => jobs.cancel(99)).toThrow(AresError);
    expect(() => jobs.follow(99, () => undefined)).toThrow(AresError);
  });

  it('cancels what runs when it is closed, and waits for it', async () => {
    const jobs = createJobs({ announce: () => undefined });
    let hasStopped = false;
    jobs.start(about, async ({ signal }) => {
      await new Promise((resolve) => void signal.addEventListener('abort', resolve));
      hasStopped = true;
      throw signal.reason;
    });
    await Promise.resolve();
    await jobs.close();
    expect(hasStopped).toBe(true);
    expect(jobs.list()).toMatchObject([{ state: 'cancelled' }]);
  });
});

describe('work that somebody waits for', () => {
  it('is a job while it lasts, and its result is not kept', async () => {
    const jobs = createJobs({ announce: () => undefined });
    let control!: JobControl;
    let finish!: (value: string) => void;
    const answer = jobs.run(about, (given) => {
      control = given;
      return new Promise<string>((resolve) => (finish = resolve));
    });
    await Promise.resolve();
    control.progress(3, 10);
    expect(jobs.list()).toMatchObject([{ state: 'running', done: 3, total: 10 }]);
    finish('done');
    expect(await answer).toBe('done');
    await Promise.resolve();
    expect(jobs.list()).toMatchObject([{ state: 'finished', result: null }]);
  });

  it('fails as what it threw, and as interrupted when it was cancelled', async () => {
    const jobs = createJobs({ announce: () => undefined });
    await expect(jobs.run(about, () => Promise.reject(new AresError('bad-data', 'no')))).rejects.toThrow('no');
    const stopped = jobs.run(
      about,
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('killed')))),
    );
    await Promise.resolve();
    jobs.cancel(jobs.list().at(-1)!.jobId);
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted', message: 'Stopped: Import data.csv.' });
    await Promise.resolve();
    expect(jobs.list().map(({ state }) => state)).toEqual(['failed', 'cancelled']);
  });
});
