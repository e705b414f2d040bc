/**
 * What can be done in the Compare room by key.
 */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

const group = 'Compare';

export const commands: readonly CommandSpec[] = [
  { id: 'compare.viewResult', title: 'View the result', group, keys: 'v r' },
  { id: 'compare.viewCharts', title: 'View the charts', group, keys: 'v c' },
  { id: 'compare.viewCurves', title: 'View the training curves', group, keys: 'v t' },
  { id: 'compare.viewRecipes', title: 'View in what the recipes differ', group, keys: 'v d' },
  { id: 'compare.viewProblems', title: 'View problems and flips', group, keys: 'v p' },
  { id: 'compare.viewBlind', title: 'View the blind test', group, keys: 'v b' },
  { id: 'compare.exportHtml', title: 'Export the report as HTML', group, keys: 'Mod+E' },
  { id: 'compare.exportCsv', title: 'Export the table as CSV', group, keys: '' },
  { id: 'compare.exportImages', title: 'Export every chart as PNG', group, keys: '' },
  { id: 'compare.nextProblem', title: 'Go to the next problem of the list', group, keys: 'j' },
  { id: 'compare.previousProblem', title: 'Go to the previous problem of the list', group, keys: 'k' },
  { id: 'compare.swapArms', title: 'Swap the two arms of the list', group, keys: 'x' },
  { id: 'compare.nextSampleFirst', title: 'Show the next sample on the left', group, keys: '[' },
  { id: 'compare.nextSampleSecond', title: 'Show the next sample on the right', group, keys: ']' },
  { id: 'compare.divergence', title: 'Go to where the traces part', group, keys: 'n' },
  { id: 'compare.judgeLeft', title: 'Blind test: the left is better', group, keys: '1' },
  { id: 'compare.judgeRight', title: 'Blind test: the right is better', group, keys: '2' },
  { id: 'compare.judgeTie', title: 'Blind test: both are as good', group, keys: '0' },
  { id: 'compare.judgeNeither', title: 'Blind test: both are bad', group, keys: 'b' },
  { id: 'compare.judgeUndo', title: 'Blind test: take the last judgement back', group, keys: 'u' },
];
