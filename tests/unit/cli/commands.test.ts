/** Commands in this process, as far as they need no engine: grading, inspecting, prompts, and where results go. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { runCommandLine } from '#core/cli/dispatch.ts';
import { requireWritable } from '#core/cli/outputFile.ts';
import { readPromptFile } from '#core/cli/promptFile.ts';
import { registry } from '#core/cli/registry.ts';
import { toAresError } from '#core/util/errors.ts';
import { captureTerminal } from './capturedTerminal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

function fileWith(name: string, ...lines: (string | object)[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return path;
}

async function ares(...args: string[]) {
  const captured = captureTerminal();
  const code = await runCommandLine(args, registry, captured.terminal);
  return { code, stdout: captured.stdout(), stderr: captured.stderr() };
}

const cases = [
  { gold: '1/2', response: 'So it is \\boxed{0.5}.' },
  { gold: '7', response: 'The answer is \\boxed{8}.' },
  { gold: '7', response: 'Hard to say.' },
];
const verdicts = [
  '{"verdict":"correct","extracted":"0.5"}',
  '{"verdict":"wrong","extracted":"8"}',
  '{"verdict":"no_answer","extracted":null}',
];

describe('ares grade', () => {
  it('answers line by line, with JSON and without', async () => {
    const path = fileWith('cases.jsonl', ...cases);
    for (const args of [[], ['--json']]) {
      expect(await ares('grade', '--in', path, ...args)).toEqual({
        code: 0,
        stdout: `${verdicts.join('\n')}\n`,
        stderr: '',
      });
    }
  });

  it('writes the same lines to a file and counts them', async () => {
    const out = join(folder, 'verdicts.jsonl');
    const { code, stdout } = await ares('grade', '--in', fileWith('cases.jsonl', ...cases), '--out', out, '--json');
    expect(code).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(`${verdicts.join('\n')}\n`);
    expect(JSON.parse(stdout)).toEqual({ out, graded: 3, correct: 1, wrong: 1, no_answer: 1, ungradable: 0 });
  });

  it.each<[string, string | object, string]>([
    ['no JSON', 'gold: 4', 'it is no JSON object'],
    ['an empty line', '', 'it is no JSON object'],
    ['a list', ['4', '4'], 'it is no JSON object'],
    ['a number for the gold', { gold: 4, response: '4' }, '"gold" is no string'],
    ['no response', { gold: '4' }, '"response" is no string'],
  ])('refuses the whole file for %s and names the line', async (_name, line, reason) => {
    const path = fileWith('cases.jsonl', cases[0]!, line, cases[1]!);
    const out = join(folder, 'verdicts.jsonl');
    const { code, stdout, stderr } = await ares('grade', '--in', path, '--out', out);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`ares: Line 2 cannot be used: ${reason}.\n  where: ${path}:2\n`);
    expect(readdirSync(folder)).toEqual(['cases.jsonl']);
  });

  it('says that a file is not there', async () => {
    const { code, stderr } = await ares('grade', '--in', join(folder, 'none.jsonl'));
    expect(code).toBe(2);
    expect(stderr).toContain('There is no such file or folder.');
  });
});

describe('ares data inspect', () => {
  const rows = [{ question: 'What is 1 + 1?', answer: '2' }, 'not json', { question: 'What is 2 + 2?', answer: '4' }];

  it('prints exactly the inspection with --json', async () => {
    const { code, stdout } = await ares('data', 'inspect', fileWith('problems.jsonl', ...rows), '--json');
    expect(code).toBe(0);
    const inspection = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(inspection).sort()).toEqual(['bad', 'columns', 'format', 'images', 'mapping', 'rows']);
    expect(inspection).toMatchObject({ format: 'jsonl', rows: 2, columns: ['question', 'answer'], images: 0 });
    expect(inspection['bad']).toEqual([{ line: 2, reason: expect.any(String) }]);
  });

  it('shows a person the roles of columns and the first bad rows', async () => {
    const path = fileWith('problems.jsonl', rows[0]!, ...Array.from({ length: 12 }, () => 'bad'), rows[2]!);
    const { stdout } = await ares('data', 'inspect', path);
    expect(stdout).toContain('jsonl: 2 rows, 0 images\n');
    expect(stdout).toMatch(/^ {2}prompt {2}question$/m);
    expect(stdout).toContain('12 rows cannot be used:\n  line 2: ');
    expect(stdout).toContain('  and 2 more; --json lists them all\n');
  });

  it('refuses what is no dataset with one sentence', async () => {
    const path = join(folder, 'data.pkl');
    writeFileSync(path, Buffer.from('\x80\x04\x95 a pickle', 'latin1'));
    const { code, stdout, stderr } = await ares('data', 'inspect', path);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toMatch(/^ares: .*pickle.*\.$/);
  });
});

describe('prompt files', () => {
  it('take text, chats and tokens', async () => {
    const path = fileWith(
      'prompts.jsonl',
      '"bare"',
      { prompt: 'text' },
      { messages: [{ role: 'user', content: 'chat' }] },
      { ids: [3, 1] },
    );
    expect(await readPromptFile(path)).toEqual([
      { text: 'bare' },
      { text: 'text' },
      { messages: [{ role: 'user', content: 'chat' }] },
      { ids: [3, 1] },
    ]);
  });

  it.each<object>([
    {},
    { prompt: 3 },
    { messages: [] },
    { messages: [{ role: 'user' }] },
    { ids: [1, -1] },
    { ids: [] },
  ])('refuse %j with the number of the line', async (line) => {
    const error = await readPromptFile(fileWith('prompts.jsonl', { prompt: 'fine' }, line)).catch(toAresError);
    expect(error).toMatchObject({ code: 'bad-data', message: expect.stringMatching(/^Line 2 cannot be used: /) });
  });

  it('must hold something', async () => {
    expect(await readPromptFile(fileWith('prompts.jsonl')).catch(toAresError)).toMatchObject({ code: 'bad-data' });
  });

  it('are given instead of a prompt, not beside it', async () => {
    for (const args of [[], ['--prompt', 'a', '--prompts', 'b']]) {
      const { code, stderr } = await ares('model', 'generate', '--model', folder, ...args);
      expect(code).toBe(2);
      expect(stderr).toContain('There must be either --prompt or --prompts.');
    }
  });
});

describe('a place for the result', () => {
  const codeOf = (path: string) => {
    try {
      requireWritable(path);
      return null;
    } catch (error) {
      return toAresError(error).code;
    }
  };

  it('is a file in a folder that exists', () => {
    expect(codeOf(join(folder, 'out'))).toBeNull();
    expect(codeOf(fileWith('there', 'old'))).toBeNull();
    expect(codeOf(folder)).toBe('usage');
    expect(codeOf(join(folder, 'none', 'out'))).toBe('not-found');
    expect(codeOf(join(fileWith('file', ''), 'out'))).not.toBeNull();
  });
});
