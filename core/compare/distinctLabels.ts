/**
 * Names that tell the arms of a comparison apart.
 */

export interface LabelledArm {
  /** What it is called where nothing else is called so. */
  label: string;
  /** What it could be told apart by, in order of preference; every arm has the same kinds of marks. */
  marks: readonly string[];
}

/** The labels; those that are shared with the first kind of mark that makes all of them different. */
export function distinctLabels(arms: readonly LabelledArm[]): string[] {
  const plain = arms.map(({ label }) => label);
  const isShared = plain.map((label) => plain.filter((other) => other === label).length > 1);
  const marked = (kind: number): string[] =>
    arms.map(({ label, marks }, i) => (isShared[i] ? `${label}, ${marks[kind]!}` : label));
  const kinds = arms[0]?.marks.keys() ?? [];
  const candidates = [...kinds].map(marked);
  return candidates.find((labels) => new Set(labels).size === labels.length) ?? candidates.at(-1) ?? plain;
}
