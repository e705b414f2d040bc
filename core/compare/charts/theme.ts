/**
 * The look of the charts, in light and dark.
 *
 * Owns: colours and type, as one style sheet for `.chart`. Hues are those of Okabe and Ito (2008),
 * which stay apart for colour-blind readers, lightened for dark paper; they mark measurements only.
 * Axes, text and the reference arm are grey.
 */

/** Colours a series can have: `neutral` for the reference, the hues in this order for the others. */
const hues = ['blue', 'vermillion', 'green', 'purple', 'orange', 'sky'] as const;
export type Colour = 'neutral' | (typeof hues)[number];

/** The colour of an arm, the same in every chart of a page. */
export type ColourOf = (arm: string) => Colour;

/** The hue of the n-th series; after six they repeat. */
export function hueOf(index: number): Colour {
  return hues[index % hues.length]!;
}

const light = {
  ink: '#1c1c1a',
  quiet: '#63635e',
  rule: '#dcdcd6',
  paper: '#ffffff',
  neutral: '#7d7d78',
  blue: '#0072b2',
  vermillion: '#d55e00',
  green: '#009e73',
  purple: '#b8609a',
  orange: '#d08f00',
  sky: '#3a9fd8',
};
const dark: typeof light = {
  ink: '#ecece8',
  quiet: '#a3a39c',
  rule: '#3a3a38',
  paper: '#161615',
  neutral: '#9b9b95',
  blue: '#4aa8e0',
  vermillion: '#f0803a',
  green: '#2cbf94',
  purple: '#dd97c4',
  orange: '#e8b13a',
  sky: '#8fd0f5',
};

function variables(colours: typeof light): string {
  return Object.entries(colours)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');
}

/** Custom properties of both colour schemes, for the given selector. */
export function colourScheme(selector: string): string {
  return (
    `${selector}{color-scheme:light dark;${variables(light)}}\n` +
    `@media (prefers-color-scheme:dark){${selector}{${variables(dark)}}}\n`
  );
}

const colourClasses = (['neutral', ...hues] as const).map((name) => `.chart .${name}{--c:var(--${name})}`).join('\n');

/** How marks are drawn, in colours that the page defines. */
export const chartRules = `.chart{font:11px/1.2 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
${colourClasses}
.chart .paper{fill:var(--paper)}
.chart text{fill:var(--ink)}
.chart text.quiet{fill:var(--quiet)}
.chart text.heading{font-weight:600;font-size:12px}
.chart text.small{font-size:10px}
.chart text.halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
.chart .rule{stroke:var(--rule);stroke-width:1;shape-rendering:crispEdges}
.chart .axis{stroke:var(--quiet);stroke-width:1;shape-rendering:crispEdges}
.chart .leader{stroke:var(--quiet);stroke-width:.6;fill:none}
.chart .reference{stroke:var(--quiet);stroke-width:1;stroke-dasharray:2 3;fill:none}
.chart .line{stroke:var(--c);stroke-width:1.9;fill:none;stroke-linejoin:round;stroke-linecap:round}
.chart .dashed{stroke-dasharray:5 3}
.chart .faint{stroke-width:1;opacity:.3}
.chart .band{fill:var(--c);opacity:.13}
.chart .whisker{stroke:var(--c);stroke-width:1.4;fill:none}
.chart .onBar{stroke:var(--ink);stroke-width:1.1;fill:none}
.chart .dot{fill:var(--c)}
.chart .hollow{fill:var(--paper);stroke:var(--c);stroke-width:1.4}
.chart .point{fill:var(--c);opacity:.45}
.chart .bar{fill:var(--c)}
.chart .hatched{fill:var(--paper);stroke:var(--c);stroke-width:1.2}
.chart .hatch{stroke:var(--c);stroke-width:1.2;fill:none}
.chart .ring{stroke:var(--rule);stroke-width:1;fill:none}
.chart .area{fill:var(--c);fill-opacity:.1;stroke:var(--c);stroke-width:1.7;stroke-linejoin:round}
`;

export const chartStyle = `${colourScheme('.chart')}\n${chartRules}`;
/** The same on white paper, whatever the reader's colour scheme. */
export const lightChartStyle = `.chart{color-scheme:light;${variables(light)}}\n${chartRules}`;
