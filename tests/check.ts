/**
 * `npm run check`: format, lint, types and unit tests, each with the time it took. Meant to be run
 * before every commit, so it must stay under two minutes.
 */
import { runSteps, seconds, staticSteps, unitStep } from './checkSteps.ts';

const startMs = performance.now();
const { lines, failed } = runSteps([...staticSteps, unitStep]);
process.stdout.write(`\n${lines.join('\n')}\n${failed === 0 ? 'ok    ' : 'FAILED'}  ${seconds(startMs)}  in all\n`);
process.exitCode = failed === 0 ? 0 : 1;
