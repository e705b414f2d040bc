/**
 * Calls about recipes: templates to begin with, and what is wrong with a text.
 */
import type { Handlers } from '#core/contract/contract.ts';
import { recipeTemplates } from '#core/host/recipeTemplates.ts';
import { checkRecipe, recipeWarnings } from '#core/runs/recipe.ts';

/** More mistakes than anybody corrects at once. */
const MAX_MISTAKES = 100;

export function recipeHandlers(): Pick<Handlers, 'recipes.templates' | 'recipes.check'> {
  return {
    'recipes.templates': () => recipeTemplates(),
    'recipes.check': ({ yaml }) => {
      const { recipe, mistakes, written } = checkRecipe(yaml);
      return {
        recipe,
        warnings: recipe === null ? [] : recipeWarnings(recipe),
        written,
        problems: mistakes
          .slice(0, MAX_MISTAKES)
          .map(({ path, line, message, hint }) => ({ path, line, message: `${message} ${hint}` })),
      };
    },
  };
}
