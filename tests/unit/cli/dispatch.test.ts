/** From a command line to an exit code: finding commands, help, and every kind of error. */
import { describe, expect, it } from 'vitest';
import { defineCommand } from '#core/cli/command.ts';
import { runCommandLine } from '#core/cli/dispatch.ts';
import type { Registry } from '#core/cli/registry.ts';
import { registry } from '#core/cli/registry.ts';
import { AresError, type ErrorCode } from '#core/util/errors.ts';
import { captureTerminal } from './capturedTerminal.ts';

/** Commands that echo what they were given, and one that fails as told. */
function testRegistry(failure: unknown): Registry {
  const echo = defineCommand({
    summary: 'Say it again.',
    options: { times: { kind: 'number', value: 'N', help: 'How often.', default: 1 } },
    operands: { word: { help: 'What to say.' } },
    async run({ options, operands, terminal }) {
      terminal.print(operands.word.repeat(options.times));
      return 0;
    },
  });
  const fail = defineCommand({
    summary: 'Fail.',
    options: {},
    operands: {},
    run: () => Promise.reject(failure),
  });
  return { 'say echo': async () => echo, say: async () => echo, fail: async () => fail, 'data look': async () => echo };
}

async function run(args: readonly string[], failure: unknown = new Error('unused')) {
  const captured = captureTerminal();
  const code = await runCommandLine(args, testRegistry(failure), captured.terminal);
  return { code, stdout: captured.stdout(), stderr: captured.stderr() };
}

describe('commands', () => {
  it('are found by the longest name and get their arguments', async () => {
    expect(await run(['say', 'echo', 'ab', '--times', '2'])).toEqual({ code: 0, stdout: 'abab\n', stderr: '' });
    expect(await run(['say', 'other'])).toEqual({ code: 0, stdout: 'other\n', stderr: '' });
  });

  it('explain themselves, all together and one by one, on stdout', async () => {
    for (const args of [[], ['--help']]) {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const name of ['say echo', 'fail', 'data look']) expect(stdout).toContain(name);
    }
    expect((await run(['data', '--help'])).stdout).not.toContain('fail');
    const help = await run(['say', 'echo', '--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('Usage: ares say echo WORD [options]');
    expect(help.stdout).toContain('How often. Default: 1.');
  });

  it('print the version alone', async () => {
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['fial'], 'There is no command "fial".', 'Did you mean "ares fail"?'],
    [['data', 'lokk'], 'There is no command "data lokk".', 'Did you mean "ares data look"?'],
    [['data'], '"ares data" needs to know what to do.', 'Write one of: ares data look.'],
    [['qqqqqqqq'], 'There is no command "qqqqqqqq".', 'Run "ares" to see all commands.'],
    [['--seed', '3'], '--seed stands where a command should be.', 'Run "ares" to see all commands.'],
  ])('that do not exist are usage errors: %j', async (args, sentence, hint) => {
    expect(await run(args)).toEqual({ code: 2, stdout: '', stderr: `ares: ${sentence}\n  next: ${hint}\n` });
  });
});

describe('errors', () => {
  const codes: [ErrorCode, number][] = [
    ['usage', 2],
    ['not-found', 2],
    ['bad-file', 2],
    ['unsupported', 2],
    ['bad-data', 2],
    ['bad-recipe', 2],
    ['no-signal', 3],
    ['disk', 1],
    ['memory', 1],
    ['engine', 1],
    ['store', 1],
    ['interrupted', 130],
  ];

  it.each(codes)('%s exits with %i', async (code, exitCode) => {
    const outcome = await run(['fail'], new AresError(code, 'It went wrong.', { where: 'here', hint: 'Do this.' }));
    expect(outcome).toEqual({
      code: exitCode,
      stdout: '',
      stderr: 'ares: It went wrong.\n  where: here\n  next: Do this.\n',
    });
  });

  it('are one JSON document on stdout where JSON is wanted, even if the arguments do not parse', async () => {
    const failed = await run(['fail', '--json'], new AresError('disk', 'Full.', { where: '/x' }));
    expect(JSON.parse(failed.stdout)).toEqual({ error: { code: 'disk', message: 'Full.', where: '/x', hint: null } });
    expect(failed.stderr).toBe('');
    const usage = await run(['say', 'echo', '--tmies', '3', '--json']);
    expect(JSON.parse(usage.stdout)).toMatchObject({ error: { code: 'usage', hint: 'Did you mean --times?' } });
    expect(usage.code).toBe(2);
  });

  it('from the operating system become sentences', async () => {
    const error = Object.assign(new Error('ENOSPC: no space left'), {
      code: 'ENOSPC',
      syscall: 'write',
      path: '/full',
    });
    const { code, stderr } = await run(['fail'], error);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ares: The disk is full\.\n {2}where: \/full\n {2}next: Free some space/);
  });

  it('that are bugs come with their origin, all others without', async () => {
    const bug = await run(['fail'], new TypeError('x is not a function'));
    expect(bug.code).toBe(1);
    expect(bug.stderr).toContain('ares: x is not a function');
    expect(bug.stderr).toContain('dispatch.test.ts');
  });

  it('cannot smuggle control characters into the terminal', async () => {
    const { stderr } = await run(['fail'], new AresError('bad-data', 'A name:\u001b[2J\nares: all is well'));
    expect(stderr).not.toContain('\u001b');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('the registry', () => {
  it.each(Object.keys(registry))('%s loads, and its help shows every option', async (name) => {
    const command = await registry[name]!();
    expect(command.summary).toMatch(/^[A-Z].*\.$/);
    const captured = captureTerminal();
    expect(await runCommandLine([...name.split(' '), '--help'], registry, captured.terminal)).toBe(0);
    for (const spec of [...Object.values(command.options), ...Object.values(command.operands)]) {
      expect(captured.stdout()).toContain(spec.help);
    }
  });
});
