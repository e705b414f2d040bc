/**
 * The one error type that reaches a person.
 *
 * Owns: the shape of an error (a code for programs, a sentence for people, where it happened, what
 * to do next) and the mapping from errors to process exit codes. It does not decide how an error is
 * shown: the CLI prints it, a front end draws it.
 */

/** Machine-readable kind of failure. Tests and front ends switch on these, never on sentences. */
export type ErrorCode =
  | 'usage' // the command line or a request was malformed
  | 'not-found' // a file, folder, run or model does not exist
  | 'bad-file' // a file exists but its content is corrupt, truncated or lies
  | 'unsupported' // well-formed, but asks for something this program cannot do faithfully
  | 'bad-data' // a dataset cannot be used
  | 'bad-recipe' // a recipe does not validate
  | 'disk' // writing failed: full disk, read-only folder, permissions
  | 'memory' // the work cannot fit in the machine's memory
  | 'no-signal' // the run would train on noise
  | 'engine' // the engine process failed
  | 'endpoint' // a model server cannot be reached, refuses, or does not answer as it should
  | 'network' // the hub of models cannot be reached, or does not answer as it should
  | 'store' // the database is missing, newer than this program, or damaged
  | 'interrupted' // stopped by the user; can be resumed
  | 'internal'; // a bug here

export interface ErrorDetails {
  /** File, field, line or identifier the failure is about. */
  where?: string;
  /** One imperative sentence: what the person can do next. */
  hint?: string;
  cause?: unknown;
}

export class AresError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'AresError';
    this.code = code;
    this.where = details.where;
    this.hint = details.hint;
  }
}

/** Wraps anything thrown into an AresError; an AresError passes through unchanged. */
export function toAresError(thrown: unknown): AresError {
  if (thrown instanceof AresError) return thrown;
  if (isSystemError(thrown)) return fromErrno(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AresError('internal', message, {
    cause: thrown,
    hint: 'This looks like a bug in the workbench. Please report it with the command you ran.',
  });
}

/** What Node throws where a system call fails; spelt out, because this file is read in browsers too. */
interface SystemError extends Error {
  code: string;
  path?: string;
}

function isSystemError(thrown: unknown): thrown is SystemError {
  return thrown instanceof Error && typeof (thrown as Partial<SystemError>).code === 'string' && 'syscall' in thrown;
}

const errnoSentences: Record<string, [ErrorCode, string, string]> = {
  ENOENT: ['not-found', 'There is no such file or folder', 'Check the path.'],
  ENOSPC: [
    'disk',
    'The disk is full',
    'Free some space and run the same command again; nothing already saved was lost.',
  ],
  EDQUOT: [
    'disk',
    'The disk quota is used up',
    'Free some space and run the same command again; nothing already saved was lost.',
  ],
  EFBIG: [
    'disk',
    'The file would be larger than is allowed here',
    'Choose another folder, or raise the limit on file sizes.',
  ],
  EROFS: ['disk', 'The file system is read-only', 'Choose another folder with --out.'],
  EACCES: ['disk', 'Permission was denied', 'Choose another folder, or change its permissions.'],
  EPERM: ['disk', 'Permission was denied', 'Choose another folder, or change its permissions.'],
  EISDIR: ['usage', 'This is a folder, but a file is needed', 'Name a file.'],
  ENOTDIR: ['usage', 'A part of this path is a file, but a folder is needed', 'Check the path.'],
  EEXIST: ['usage', 'This already exists', 'Choose another name.'],
};

function fromErrno(error: SystemError): AresError {
  const [code, sentence, hint] = errnoSentences[error.code] ?? ['internal', error.message, undefined];
  return new AresError(code, `${sentence}.`, {
    ...(error.path === undefined ? {} : { where: error.path }),
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

/** Exit code of the process for an error: 2 what was asked is wrong, 130 interrupted, else 1. */
export function exitCodeOf(error: AresError): number {
  switch (error.code) {
    case 'usage':
    case 'not-found':
    case 'bad-file':
    case 'unsupported':
    case 'bad-data':
    case 'bad-recipe':
      return 2;
    case 'no-signal':
      return 3;
    case 'interrupted':
      return 130;
    default:
      return 1;
  }
}
