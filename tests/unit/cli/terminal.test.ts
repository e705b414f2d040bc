/** What goes to stdout and what to stderr, and how progress looks on a terminal and in a log. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth } from '#core/compare/terminalTable.ts';
import { captureTerminal } from './capturedTerminal.ts';

describe('output', () => {
  it('keeps stdout for results', () => {
    const { terminal, stdout, stderr } = captureTerminal({ columns: 80 });
    const bar = terminal.progress('Working', 3);
    bar.update(1);
    terminal.note('Careful.');
    terminal.print('result');
    terminal.json({ a: 1 });
    bar.end();
    expect(stdout()).toBe('result\n{"a":1}\n');
    expect(stderr()).toContain('Careful.\n');
  });

  it('is bold on a terminal that allows it, and nowhere else', () => {
    expect(captureTerminal({ columns: 80 }).terminal.bold('x')).not.toBe('x');
    expect(captureTerminal().terminal.bold('x')).toBe('x');
    expect(captureTerminal({ columns: 80, environment: { NO_COLOR: '1' } }).terminal.bold('x')).toBe('x');
    expect(captureTerminal({ columns: 80, environment: { TERM: 'dumb' } }).terminal.bold('x')).toBe('x');
  });
});

describe('progress on a terminal', () => {
  /** The lines that were drawn one over the other. */
  const drawn = (text: string) => text.split('\r\u001b[2K').filter((line) => line !== '');

  it('is one line that is rewritten, estimates the remaining time, and disappears', () => {
    let nowMs = 0;
    const { terminal, stderr } = captureTerminal({ columns: 80, now: () => nowMs });
    const bar = terminal.progress('Working', 10);
    for (let done = 1; done <= 5; done++) {
      nowMs += 2000;
      bar.update(done, `${done} tokens`);
    }
    expect(drawn(stderr()).at(-1)).toMatch(/^Working {2}█{12}░{12} {2}5\/10 {2}5 tokens {2}10 s left$/);
    expect(stderr()).not.toContain('\n');
    bar.end();
    expect(stderr().endsWith('\r\u001b[2K')).toBe(true);
  });

  it('is not redrawn for every one of many updates', () => {
    let nowMs = 0;
    const { terminal, stderr } = captureTerminal({ columns: 80, now: () => nowMs });
    const bar = terminal.progress('Working', 1000);
    for (let done = 1; done <= 1000; done++) {
      nowMs += 1;
      bar.update(done);
    }
    expect(drawn(stderr()).length).toBeLessThanOrEqual(11);
  });

  it('never reaches the last column, however narrow the terminal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.string({ maxLength: 30 }),
        (columns, done, detail) => {
          let nowMs = 0;
          const { terminal, stderr } = captureTerminal({ columns, now: () => (nowMs += 500) });
          const bar = terminal.progress('Generating', 1000);
          bar.update(done, detail);
          for (const line of drawn(stderr())) expect(displayWidth(line)).toBeLessThan(columns);
        },
      ),
    );
  });
});

describe('progress in a log', () => {
  it('is silent about short work and sparse about long work', () => {
    let nowMs = 0;
    const { terminal, stderr } = captureTerminal({ now: () => nowMs });
    const bar = terminal.progress('Working', 100);
    for (let done = 1; done <= 9; done++) {
      nowMs += 1000;
      bar.update(done);
    }
    expect(stderr()).toBe('');
    for (let done = 10; done <= 100; done++) {
      nowMs += 1000;
      bar.update(done);
    }
    bar.end();
    const lines = stderr().trimEnd().split('\n');
    expect(lines[0]).toBe('Working: 10 %  10/100  1 min 30 s left');
    expect(lines).toHaveLength(10);
    expect(stderr()).not.toContain('\u001b');
  });
});
