/**
 * Differing settings as an indented list: `policy`, below it `method`, below it `beta`.
 */
import type { RecipeDifference } from '#core/compare/recipeDiff.ts';

export interface RecipeRow {
  /** Dotted, unique. */
  path: string;
  /** Its last part. */
  name: string;
  depth: number;
  /** Null for a heading. */
  values: RecipeDifference['values'] | null;
}

/** Headings before their settings, each once, as long as the settings of a group stand together. */
export function nestedRows(differences: readonly RecipeDifference[]): RecipeRow[] {
  const rows: RecipeRow[] = [];
  const seen = new Set<string>();
  for (const { path, values } of differences) {
    const parts = path.split('.');
    for (let depth = 0; depth < parts.length - 1; depth++) {
      const heading = parts.slice(0, depth + 1).join('.');
      if (seen.has(heading)) continue;
      seen.add(heading);
      rows.push({ path: heading, name: parts[depth]!, depth, values: null });
    }
    rows.push({ path, name: parts.at(-1)!, depth: parts.length - 1, values });
  }
  return rows;
}
