/**
 * Calls about what is under way beside the runs: jobs and uploads.
 */
import type { Handlers } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import type { Uploads } from '#core/host/uploads.ts';

export function transferHandlers(
  { jobs }: Pick<HostContext, 'jobs'>,
  uploads: Uploads,
): Pick<Handlers, 'jobs.list' | 'jobs.cancel' | 'uploads.begin' | 'uploads.chunk' | 'uploads.finish'> {
  return {
    'jobs.list': () => jobs.list(),
    'jobs.cancel': ({ jobId }) => {
      jobs.cancel(jobId);
      return {};
    },
    'uploads.begin': ({ name, sizeBytes }) => ({ uploadId: uploads.begin(name, sizeBytes) }),
    'uploads.chunk': ({ uploadId, offset, bytes }) => ({ received: uploads.chunk(uploadId, offset, bytes) }),
    'uploads.finish': ({ uploadId }) => ({ path: uploads.finish(uploadId) }),
  };
}
