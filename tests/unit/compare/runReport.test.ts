// The report of a run: what is read from the store, under which names, and what is written.
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { curate } from '#core/ares/adacs.ts';
import { problemMeans } from '#core/compare/problems.ts';
import {
  comparisonOfRun,
  curvesOfRun,
  evaluationsOfRun,
  reportOfRun,
  writeRunReport,
} from '#core/compare/runReport.ts';
import { errorOf, temporaryFolder } from '../store/helpers.ts';
import { type Answers, SAMPLES, TRAIN_PROBLEMS, storedRun } from './storedRun.ts';

/** Base: easy always right, medium every other time, hard never; the trained ones better and better. */
const graded: readonly Answers[] = [
  (id, sample) => ({ correct: id.startsWith('easy') || (id.startsWith('medium') && sample === 0), hesitations: 4 }),
  (id, sample) => ({ correct: !id.startsWith('hard') || sample === 0, hesitations: 3 }),
  (id) => ({ correct: true, hesitations: id.startsWith('hard') ? 6 : 1 }),
];

describe('evaluationsOfRun', () => {
  it('gives one evaluation per arm, named, with the means of the stored samples', () => {
    const { store, runId } = storedRun({ answers: graded });
    const evaluations = evaluationsOfRun(store, runId);
    expect(evaluations.map(({ arm, label }) => [arm, label])).toEqual([
      ['base', 'Base'],
      ['cold-start', 'AdaCS'],
      ['policy', 'AEPO without KL'],
    ]);
    const [base, , policy] = evaluations;
    expect(Array.from(problemMeans(base!).accuracy)).toEqual([1, 1, 0.5, 0.5, 0, 0]);
    expect(Array.from(problemMeans(policy!).lengthTokens)).toEqual([3, 3, 3, 3, 8, 8]);
    expect(base!.decoding).toEqual({ temperature: 1, maxNewTokens: 64, seed: 11 });
  });

  it('takes buckets from the grade where every problem has one', () => {
    const { store, runId } = storedRun({ answers: graded.map(() => graded[2]!) });
    const buckets = evaluationsOfRun(store, runId).map(({ problems }) => problems.map(({ bucket }) => bucket));
    expect(buckets).toEqual([1, 2, 3].map(() => ['easy', 'easy', 'medium', 'medium', 'hard', 'hard']));
  });

  it('else from the answers of the base model, the same for every arm', () => {
    const { store, runId, facts } = storedRun({ answers: graded, graded: false });
    for (const { problems } of evaluationsOfRun(store, runId)) {
      expect(problems.map(({ bucket }) => bucket)).toEqual(['easy', 'easy', 'medium', 'medium', 'hard', 'hard']);
    }
    const stated = new Map(reportOfRun(store, runId, facts).measurement);
    expect(stated.get('Buckets')).toMatch(/base model.*biased/);
  });

  it('calls a control and a baseline by their names', () => {
    const { store, runId } = storedRun({ preset: 'dapo', selection: 'vanilla' });
    expect(evaluationsOfRun(store, runId).map(({ label }) => label)).toEqual(['Base', 'CS-Vanilla', 'DAPO']);
  });

  it('leaves out what is not finished', () => {
    const { store, runId } = storedRun({ finishedStages: 3 });
    expect(evaluationsOfRun(store, runId).map(({ arm }) => arm)).toEqual(['base']);
    expect(evaluationsOfRun(store, runId)[0]!.outcomes.correct).toHaveLength(6 * SAMPLES);
  });

  it('states the token limit that cut responses off, not the one that was asked for', () => {
    const cut: Answers = () => ({ correct: false, hesitations: 8, truncated: true });
    const { store, runId } = storedRun({ answers: [graded[0]!, cut] });
    expect(evaluationsOfRun(store, runId)[0]!.decoding.maxNewTokens).toBe(10);
  });

  it('refuses a run that does not exist', () => {
    const { store } = storedRun({ finishedStages: 0 });
    expect(errorOf(() => evaluationsOfRun(store, 99)).code).toBe('not-found');
  });
});

describe('curvesOfRun', () => {
  it('has a curve per training stage with every series as logged', () => {
    const { store, runId } = storedRun();
    const curves = curvesOfRun(store, runId);
    expect(curves.map(({ arm, seed, steps }) => [arm, seed, steps])).toEqual([
      ['cold-start', 11, 3],
      ['policy', 11, 3],
    ]);
    expect(Array.from(curves[1]!.series['accuracy/mean']!.value)).toEqual([0, 0.5, 1]);
  });

  it('is empty before training', () => {
    const { store, runId } = storedRun({ finishedStages: 2 });
    expect(curvesOfRun(store, runId)).toEqual([]);
  });
});

describe('comparisonOfRun', () => {
  it('compares every pair of arms', () => {
    const { store, runId } = storedRun({ answers: graded });
    const pairs = comparisonOfRun(store, runId)!.pairs.filter(({ group }) => group === 'all');
    expect(pairs.map(({ arm, against }) => `${arm} ${against}`)).toEqual([
      'cold-start base',
      'policy base',
      'policy cold-start',
    ]);
    expect(pairs[1]!.accuracy.value).toBeCloseTo(0.5, 12);
  });

  it('is undefined without an evaluation', () => {
    const { store, runId } = storedRun({ finishedStages: 1 });
    expect(comparisonOfRun(store, runId)).toBeUndefined();
  });
});

describe('reportOfRun', () => {
  it('counts difficulty by right answers, and repeats the curation that was trained on', () => {
    const { store, runId, facts } = storedRun();
    const { difficulty, curation } = reportOfRun(store, runId, facts);
    expect(difficulty!.brackets.map(({ problems }) => problems)).toEqual([1, 1, 1, 1, 1]);
    expect(difficulty!.temperature).toBe(0.9);
    // Problem i is solved i times out of four with 11 − 2i tokens: written out, not read back.
    const traces = Array.from({ length: TRAIN_PROBLEMS * 4 }, (_, i) => {
      const solved = Math.floor(i / 4);
      const problem = `train-${solved}`;
      return {
        problem,
        source: 'sums',
        lengthTokens: 11 - 2 * solved,
        correct: i % 4 < solved,
        problemCorrect: solved,
        problemSamples: 4,
      };
    });
    const options = {
      selection: 'adacs',
      easyQuantile: 0.25,
      hardQuantile: 0.5,
      lengthsFrom: 'correct',
      brackets: 4,
      perBracket: 1,
      tracesPerProblem: 1,
    } as const;
    const expected = curate(traces, options, 11);
    expect(curation!.points.map(({ chosen }) => chosen?.traces ?? 0)).toEqual(expected.chosenPerBracket);
    expect(curation!.points.map(({ chosen }) => chosen?.medianTokens)).toEqual([undefined, 9, 7, 5, 3]);
    expect(curation!.warnings).toEqual(expected.warnings.map(({ text }) => text));
  });

  it('names what the method and the recipe do otherwise than published', () => {
    const { store, runId, facts } = storedRun();
    const { methods, settings } = reportOfRun(store, runId, facts).deviations!;
    expect(methods.map(({ title }) => title)).toEqual(['AdaCS', 'AEPO without KL']);
    // An ablation inherits what the method it ablates does otherwise.
    expect(methods[1]!.sentences.some((sentence) => sentence.startsWith('All-right groups stay'))).toBe(true);
    expect(settings).toContainEqual({ setting: 'curation.easyQuantile', named: '0.5', here: '0.25' });
    expect(settings).toContainEqual({ setting: 'curation.perBracket', named: 'none', here: '1' });
    expect(settings).toContainEqual({ setting: 'method.entropy.window.size', named: '4', here: '1' });
    expect(settings.some(({ setting }) => setting.startsWith('method.kl'))).toBe(false);
  });

  it('draws the reward at the target the run ended with', () => {
    const { store, runId, facts } = storedRun();
    const [shape, ...others] = reportOfRun(store, runId, facts).rewardShapes!;
    expect(others).toEqual([]);
    expect(shape!.target).toBe(4);
    expect(shape!.right[0]).toBe(1);
    expect(shape!.wrong[0]).toBe(0);
    expect(shape!.right.at(-1)).toBeCloseTo(0.5, 6);
    expect([...shape!.right, ...shape!.wrong].every(Number.isFinite)).toBe(true);
  });

  it('has no reward curve where the reward is no function of the count', () => {
    for (const preset of ['grpo', 'laser', 'aepo-alg1'] as const) {
      const { store, runId, facts } = storedRun({ preset });
      expect(reportOfRun(store, runId, facts)).not.toHaveProperty('rewardShapes');
    }
  });

  it('shows the same problems across arms, token by token, and counts N_HE alike for all', () => {
    const { store, runId, facts } = storedRun({ answers: graded });
    const { traces, comparison } = reportOfRun(store, runId, facts);
    expect(traces!.map(({ problemId }) => problemId)).toEqual([
      'easy-0',
      'easy-1',
      'medium-0',
      'medium-1',
      'hard-0',
      'hard-1',
    ]);
    const [base, , policy] = traces!.at(-1)!.responses;
    expect(base!.tokens.map(({ text }) => text).join('')).toBe(' wait wait wait wait gives.');
    expect(base!.verdict).toBe('wrong');
    expect(policy!.tokens.filter(({ counted }) => counted).map(({ text }) => text)).toEqual(Array(6).fill(' wait'));
    const counts = comparison!.evaluations.map(({ outcomes }) => outcomes.highEntropyCount!);
    expect([counts[0]![0], counts[1]![0], counts[2]![0], counts[2]!.at(-1)]).toEqual([4, 3, 1, 6]);
  });

  it('warns of what is not finished and of what the run warned of, once', () => {
    const { store, runId, facts } = storedRun({ finishedStages: 5 });
    const event = { runId, timeMs: 1, level: 'warning' as const, message: 'Passed over a checkpoint.', details: {} };
    for (let i = 0; i < 2; i++) store.events.add(event);
    store.events.add({ ...event, level: 'info', message: 'Nothing of note.' });
    for (const message of reportOfRun(store, runId, facts).curation!.warnings) store.events.add({ ...event, message });
    expect(reportOfRun(store, runId, facts).warnings).toEqual([
      'This run is not finished; still to do: evaluate policy.',
      'Passed over a checkpoint.',
    ]);
  });

  it('has nothing but facts about a run that has only begun', () => {
    const { store, runId, facts } = storedRun({ finishedStages: 0 });
    const report = reportOfRun(store, runId, facts);
    for (const part of ['comparison', 'curves', 'difficulty', 'curation', 'rewardShapes', 'traces'] as const) {
      expect(report).not.toHaveProperty(part);
    }
    expect(report.run.seed).toBe(11);
  });
});

describe('writeRunReport', () => {
  it('writes page, numbers and table, and nothing else', () => {
    const { store, runId, facts } = storedRun({ answers: graded });
    const folder = temporaryFolder();
    const written = writeRunReport(store, runId, folder, facts, 100);
    expect(readdirSync(folder).sort()).toEqual(['report.html', 'results.csv', 'results.json']);
    const page = readFileSync(written.html, 'utf8');
    for (const heading of ['Result', 'Cold-start data', 'Training', 'The reward', 'Sample traces', 'Recipe']) {
      expect(page).toContain(`<h2>${heading}</h2>`);
    }
    const { result } = JSON.parse(readFileSync(written.json, 'utf8')) as {
      result: { summaries: { arm: string; group: string; accuracy: { value: number } }[] };
    };
    const hard = result.summaries.filter(({ group }) => group === 'hard');
    expect(hard.map(({ arm, accuracy }) => [arm, accuracy.value])).toEqual([
      ['base', 0],
      ['cold-start', 0.5],
      ['policy', 1],
    ]);
    expect(readFileSync(written.csv, 'utf8').split('\r\n')[0]).toMatch(
      /^group,row,accuracy,accuracy_low,accuracy_high,length/,
    );
    for (const label of ['Base', 'AdaCS', 'AEPO without KL']) expect(written.table).toContain(label);
  });

  it('shows the labels where a run only labelled', () => {
    const { store, runId, facts } = storedRun({ finishedStages: 1 });
    const { table, csv } = writeRunReport(store, runId, temporaryFolder(), facts, 100);
    expect(table).toMatch(/Right answers of .* to 5 problems/);
    expect(readFileSync(csv, 'utf8').trim().split('\r\n')).toHaveLength(6);
  });

  it('leaves nothing half-written where the page cannot be written', () => {
    const { store, runId, facts } = storedRun();
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'report.html'));
    expect(() => writeRunReport(store, runId, folder, facts)).toThrow();
    expect(readdirSync(folder).filter((name) => name.startsWith('results'))).toEqual([]);
  });
});
