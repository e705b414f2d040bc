// The line that shows a run at work: stages, newest figures, time left; messages above it.
import { describe, expect, it } from 'vitest';
import { createRunDisplay } from '#core/cli/runProgress.ts';
import { captureTerminal } from './capturedTerminal.ts';

const work = [
  { name: 'label', units: 100, costPerUnit: 1 },
  { name: 'policy', units: 10, costPerUnit: 30 },
];

describe('createRunDisplay', () => {
  it('estimates over all stages, also where one turns out to be longer', () => {
    let nowMs = 0;
    const { terminal, stderr } = captureTerminal({ now: () => nowMs });
    const { listener } = createRunDisplay(work, terminal);
    listener.metrics(0, 0, { 'accuracy/mean': 0.25, 'length/mean': 41.5 });
    nowMs = 20_000;
    listener.progress(0, 50, 100);
    // 50 of 400 units of cost in 20 s; 350 more at the same pace.
    expect(stderr()).toBe('Run: 12 %  1/2 label 50/100  accuracy .250, 41.5 tokens  2 min 20 s left\n');
    nowMs = 40_000;
    listener.progress(0, 100, 200);
    expect(stderr().split('\n')[1]).toBe('Run: 20 %  1/2 label 100/200  accuracy .250, 41.5 tokens  2 min 40 s left');
  });

  it('puts messages above the line of a terminal, and removes the line in the end', () => {
    let nowMs = 0;
    const { terminal, stderr } = captureTerminal({ columns: 80, now: () => nowMs });
    const { listener, end } = createRunDisplay(work, terminal);
    nowMs = 1000;
    listener.progress(0, 10, 100);
    listener.message('warning', 'Something is odd.');
    end();
    const erase = '\r\u001b[2K';
    expect(stderr()).toContain('1/2 label 10/100');
    expect(stderr().endsWith(`${erase}Warning: Something is odd.\n${erase}`)).toBe(true);
  });
});
