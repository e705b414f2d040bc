/**
 * What can be done in the Entropy room by key.
 */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

const group = 'Entropy';

export const commands: readonly CommandSpec[] = [
  { id: 'entropy.nextWindow', title: 'Go to the next high-entropy window', group, keys: 'n' },
  { id: 'entropy.previousWindow', title: 'Go to the previous high-entropy window', group, keys: 'Shift+N' },
  { id: 'entropy.nextTrigger', title: 'Go to the next trigger word', group, keys: 't' },
  { id: 'entropy.previousTrigger', title: 'Go to the previous trigger word', group, keys: 'Shift+T' },
  { id: 'entropy.colour', title: 'Colour tokens by the next measure', group, keys: 'c' },
  { id: 'entropy.scale', title: 'Use the next colour scale', group, keys: 'Shift+C' },
  { id: 'entropy.raiseThreshold', title: 'Raise the threshold', group, keys: '+' },
  { id: 'entropy.lowerThreshold', title: 'Lower the threshold', group, keys: '-' },
  { id: 'entropy.resetThreshold', title: 'Use the run’s threshold', group, keys: '0' },
  { id: 'entropy.alternatives', title: 'Show what else was likely', group, keys: 'a' },
  { id: 'entropy.nextAlternative', title: 'Choose the next alternative for a fork', group, keys: 'x' },
  { id: 'entropy.previousAlternative', title: 'Choose the previous alternative', group, keys: 'Shift+X' },
  { id: 'entropy.fork', title: 'Fork at this token', group, keys: 'f' },
  { id: 'entropy.focusTrace', title: 'Move to the tokens', group, keys: 'v v' },
  { id: 'entropy.nextProblem', title: 'Go to the next problem', group, keys: 'j' },
  { id: 'entropy.previousProblem', title: 'Go to the previous problem', group, keys: 'k' },
  { id: 'entropy.nextSample', title: 'Go to the next sample', group, keys: ']' },
  { id: 'entropy.previousSample', title: 'Go to the previous sample', group, keys: '[' },
  { id: 'entropy.nextStep', title: 'Go to the next step', group, keys: '.' },
  { id: 'entropy.previousStep', title: 'Go to the previous step', group, keys: ',' },
  { id: 'entropy.viewTrace', title: 'View the trace', group, keys: 'v t' },
  { id: 'entropy.viewBranches', title: 'View the tree of branches', group, keys: 'v b' },
  { id: 'entropy.viewWords', title: 'View the words', group, keys: 'v w' },
  { id: 'entropy.viewFindings', title: 'View length and difficulty', group, keys: 'v l' },
  { id: 'entropy.viewSweep', title: 'View windows and percentiles', group, keys: 'v p' },
];
