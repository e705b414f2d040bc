/**
 * `ares grade`: verdicts on responses, one line out per line in.
 *
 * Owns: the file format around the grader, core/grading.
 */
import { defineCommand } from '#core/cli/command.ts';
import { readJsonLinesStrictly } from '#core/cli/jsonLines.ts';
import { requireWritable } from '#core/cli/outputFile.ts';
import { type Disagreement, disagreements } from '#core/grading/audit.ts';
import type { GradeRequest } from '#core/grading/grade.ts';
import { gradeResponses } from '#core/grading/symbolic.ts';
import type { Verdict } from '#core/grading/verdict.ts';
import { isObject } from '#core/model/json.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';

export const gradeCases = defineCommand({
  summary: 'Grade responses against gold answers: correct, wrong, no_answer or ungradable.',
  options: {
    in: { kind: 'text', value: 'FILE', help: 'JSON lines with "gold" and "response".', required: true },
    audit: {
      kind: 'flag',
      help: 'List only the cases that a second, strict grader grades otherwise, likeliest mistakes first.',
    },
    out: { kind: 'text', value: 'FILE', help: 'Write the verdicts there instead of printing them.' },
  },
  operands: {},
  async run({ options, json, terminal }) {
    if (options.out !== undefined) requireWritable(options.out);
    const requests = await readJsonLinesStrictly(options.in, readCase, 'A line is {"gold": "…", "response": "…"}.');
    const grades = await gradeResponses(requests);
    const lines = options.audit
      ? disagreements(requests, grades).map(auditLine)
      : grades.map(({ verdict, extracted, timedOut }) => JSON.stringify({ verdict, extracted, timedOut }));
    if (options.out === undefined) {
      for (const line of lines) terminal.print(line);
      return 0;
    }
    writeFileAtomic(options.out, ...lines.map((line) => `${line}\n`));
    const counts: Record<Verdict, number> = { correct: 0, wrong: 0, no_answer: 0, ungradable: 0 };
    for (const { verdict } of grades) counts[verdict]++;
    const audit = options.audit ? { disagreements: lines.length } : {};
    if (json) terminal.json({ out: options.out, graded: grades.length, ...counts, ...audit });
    else
      terminal.note(
        Object.entries({ ...counts, ...audit })
          .map(([verdict, count]) => `${count} ${verdict}`)
          .join(', '),
      );
    return 0;
  },
});

/** One disagreement; the line is that of the case in the file, counted from 1. */
function auditLine({ index, ...rest }: Disagreement): string {
  return JSON.stringify({ line: index + 1, ...rest });
}

function readCase(value: unknown): GradeRequest | string {
  if (!isObject(value)) return 'it is no JSON object';
  const { gold, response } = value;
  if (typeof gold !== 'string') return '"gold" is no string';
  if (typeof response !== 'string') return '"response" is no string';
  return { gold, response };
}
