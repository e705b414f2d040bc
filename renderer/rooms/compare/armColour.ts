/**
 * The colour of an arm, the same in every chart, table and trace: grey for the reference, a hue for each other.
 */
import { type Colour, hueOf } from '#core/compare/charts/theme.ts';

/** Custom properties of tokens.css that stand for the chart's colours. */
const variables: Readonly<Record<Colour, string>> = {
  neutral: '--series-neutral',
  blue: '--series-1',
  vermillion: '--series-2',
  green: '--series-3',
  purple: '--series-4',
  orange: '--series-5',
  sky: '--series-6',
};

/** @param armIds in the order in which they are shown */
export function colourOfArms(armIds: readonly string[], reference: string | null): (armId: string) => Colour {
  const others = armIds.filter((armId) => armId !== reference);
  return (armId) => {
    const index = others.indexOf(armId);
    return index === -1 ? 'neutral' : hueOf(index);
  };
}

export function cssColour(colour: Colour): string {
  return `var(${variables[colour]})`;
}

/** The chart's colour names in the window's colours, as declarations. */
export const chartColours = Object.entries(variables)
  .map(([name, variable]) => `--${name}:var(${variable})`)
  .join(';');
