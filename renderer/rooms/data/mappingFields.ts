/**
 * The fields a column can become, in words, and changing one of them.
 */
import type { DataMapping } from '#core/contract/contract.ts';

export type MappedField = keyof DataMapping;

export const mappedFields: readonly { field: MappedField; label: string; hint: string; isRequired: boolean }[] = [
  { field: 'prompt', label: 'Question', hint: 'What the model is asked: a text, or a conversation.', isRequired: true },
  { field: 'answer', label: 'Answer', hint: 'The result, or a solution that marks it.', isRequired: true },
  { field: 'input', label: 'Added input', hint: 'Put below the question.', isRequired: false },
  { field: 'id', label: 'Id', hint: 'A name to find the problem by; else its line.', isRequired: false },
  { field: 'source', label: 'Source', hint: 'Lengths are fitted per source; else the file.', isRequired: false },
  { field: 'images', label: 'Images', hint: 'Bytes, or paths beside the file.', isRequired: false },
  { field: 'response', label: 'Solution', hint: 'A worked solution.', isRequired: false },
  { field: 'level', label: 'Level', hint: 'Difficulty as its makers say.', isRequired: false },
  {
    field: 'choices',
    label: 'Options',
    hint: 'Of multiple choice: a list, put below the question as A, B, C.',
    isRequired: false,
  },
  { field: 'passRate', label: 'Pass rate', hint: 'As somebody else measured it.', isRequired: false },
  { field: 'group', label: 'Group', hint: 'What never stands on both sides of a split.', isRequired: false },
];

/** @param column empty for none */
export function withField(mapping: DataMapping, field: MappedField, column: string): DataMapping {
  if (field === 'prompt' || field === 'answer') return { ...mapping, [field]: column === '' ? null : column };
  const { [field]: _, ...rest } = mapping;
  return column === '' ? (rest as DataMapping) : { ...mapping, [field]: column };
}

/** The fields a column becomes, for its heading. */
export function fieldsOf(mapping: DataMapping, column: string): string[] {
  return mappedFields.filter(({ field }) => mapping[field] === column).map(({ label }) => label);
}

export function isComplete({ prompt, answer }: DataMapping): boolean {
  return prompt !== null && answer !== null;
}

/** The columns a table of raw rows shows: those of the file, and nested ones that are mapped. */
export function shownColumns(columns: readonly string[], mapping: DataMapping): string[] {
  const mapped = new Set(Object.values(mapping));
  const isNested = (column: string) => columns.some((other) => other !== column && column.startsWith(`${other}.`));
  return columns.filter((column) => !isNested(column) || mapped.has(column));
}

/** A dataset's name from its file's: without extension, not taken yet. */
export function proposedName(fileName: string, taken: readonly string[]): string {
  const base = fileName.replace(/\.(?:jsonl|ndjson|json|csv|tsv|parquet|arrow|zip|gz)$/i, '') || fileName;
  const names = new Set(taken);
  let name = base;
  for (let number = 2; names.has(name); number++) name = `${base} (${number})`;
  return name;
}
