/**
 * The shape of a reward: shaping against N_HE, right and wrong answers, one panel per bucket (METHOD §5,
 * "Fig. 9").
 *
 * Owns: the panels. The curves are sampled from whatever reward the recipe uses, by the caller.
 */
import type { Bucket } from '#core/ares/options.ts';
import { type Drawing, arrange } from './drawing.ts';
import { lineChart } from './lineChart.ts';

export interface RewardShape {
  bucket: Bucket;
  /** N_target of the bucket. */
  target: number;
  /** N_HE, ascending. */
  count: readonly number[];
  /** Reward of a right and of a wrong answer with that many high-entropy tokens. */
  right: readonly number[];
  wrong: readonly number[];
}

export function rewardChart(shapes: readonly RewardShape[]): Drawing {
  const every = shapes.flatMap(({ right, wrong }) => [...right, ...wrong]).filter(Number.isFinite);
  const panels = shapes.map((shape) =>
    lineChart(
      [
        { label: 'right', colour: 'blue', x: shape.count, y: shape.right },
        { label: 'wrong', colour: 'vermillion', x: shape.count, y: shape.wrong, dashed: true },
      ],
      {
        title: `Reward of ${shape.bucket} problems`,
        description: `Reward of right and wrong answers on ${shape.bucket} problems by number of high-entropy tokens.`,
        heading: shape.bucket,
        xLabel: 'high-entropy tokens',
        yLabel: 'reward',
        widthPx: 290,
        heightPx: 210,
        yAlso: every,
        references: [{ axis: 'x', value: shape.target, label: 'target' }],
      },
    ),
  );
  return arrange(panels, 3, {
    title: 'Reward by number of high-entropy tokens',
    description: 'One panel per difficulty bucket; a solid line for right answers, a dashed one for wrong ones.',
  });
}
