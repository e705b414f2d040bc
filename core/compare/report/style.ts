/**
 * The look of a report: one inline style sheet, light and dark, screen and paper.
 *
 * Owns: typography and layout of the page. Chart colours are charts/theme.ts, whose variables are used
 * here too.
 */
import { chartStyle, colourScheme } from '#core/compare/charts/theme.ts';

/** Entropy classes of the token map, from nothing to the top of the scale. */
export const ENTROPY_LEVELS = 8;

/** Orange of growing strength; weaker on dark paper, where the text on it is light. */
function entropyClasses(strongest: number): string {
  return Array.from({ length: ENTROPY_LEVELS }, (_, level) => {
    const alpha = (strongest * level) / (ENTROPY_LEVELS - 1);
    return `.h${level}{background:rgb(230 159 0 / ${alpha.toFixed(2)})}`;
  }).join('\n');
}

export const reportStyle = `${colourScheme(':root')}${chartStyle}
*{box-sizing:border-box}
html{background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
body{max-width:1000px;margin:0 auto;padding:40px 28px 80px}
h1{font-size:26px;line-height:1.2;font-weight:650;letter-spacing:-.01em;margin:0 0 6px;overflow-wrap:anywhere}
h2{font-size:18px;font-weight:650;margin:0 0 10px}
h3{font-size:15px;font-weight:650;margin:20px 0 4px}
p{margin:6px 0 10px;max-width:46em}
section{border-top:1px solid var(--rule);margin-top:34px;padding-top:22px}
.lead{font-size:17px;color:var(--ink)}
.quiet,figcaption,.notes{color:var(--quiet)}
figcaption,.notes,summary{font-size:13px;line-height:1.45}
.notes p{margin:3px 0;max-width:58em}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px;margin:18px 0 0;font-size:13.5px}
dl.facts dt{color:var(--quiet)}
dl.facts dd{margin:0;overflow-wrap:anywhere}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:8px 0;padding:12px 14px;border:1px solid var(--rule)}
figure{margin:18px 0 22px}
figure svg{display:block;max-width:100%;height:auto}
figcaption{margin-top:8px;max-width:58em}
details{margin-top:6px}
summary{cursor:pointer;color:var(--quiet)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;margin:8px 0 12px}
caption{text-align:left;color:var(--quiet);font-size:13px;padding-bottom:4px}
th{font-weight:500;color:var(--quiet);text-align:right;padding:3px 0 5px 20px;vertical-align:bottom;white-space:nowrap}
td{text-align:right;padding:2px 0 2px 20px;white-space:nowrap;vertical-align:top}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead tr{border-bottom:1px solid var(--quiet)}
tbody tr:first-child>*{padding-top:9px}
tbody th[scope=rowgroup]{font-weight:650;color:var(--ink);text-align:left;padding-left:0}
td .bounds{color:var(--quiet);font-size:12.5px}
table.prose td,table.prose th{text-align:left;white-space:normal;min-width:9em}
table.prose td:first-child{font-weight:500}
.warning{border-left:3px solid var(--vermillion);padding:2px 0 2px 12px;margin:10px 0}
.question{white-space:pre-wrap;overflow-wrap:anywhere}
.responses{display:grid;grid-template-columns:repeat(auto-fit,minmax(270px,1fr));gap:18px;margin-top:8px}
.response h4{font-size:13px;font-weight:650;margin:0 0 5px}
.response h4 span{font-weight:400;color:var(--quiet)}
.tokens{font:12.5px/1.75 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.tokens span{border-radius:2px}
.tokens .counted{box-shadow:inset 0 -2px 0 var(--vermillion)}
.tokens .cut{color:var(--quiet);font-style:italic}
.scale{display:flex;align-items:center;gap:8px;font-size:13px;color:var(--quiet);flex-wrap:wrap}
.scale i{display:inline-block;width:22px;height:13px}
.scale .steps{display:inline-flex;border:1px solid var(--rule)}
.scale .counted{padding:0 3px;box-shadow:inset 0 -2px 0 var(--vermillion);color:var(--ink)}
footer{border-top:1px solid var(--rule);margin-top:40px;padding-top:12px;font-size:13px;color:var(--quiet)}
${entropyClasses(0.85)}
@media (prefers-color-scheme:dark){${entropyClasses(0.55)}}
@media print{body{padding:0;max-width:none}figure,table{break-inside:avoid}section{break-inside:auto}}
@media (max-width:640px){body{padding:22px 14px 60px}dl.facts{grid-template-columns:1fr}dl.facts dd{margin-bottom:6px}}
`;
