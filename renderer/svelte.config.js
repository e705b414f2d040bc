/** Svelte's options, where both Vite and svelte-check look for them. */
export default {
  compilerOptions: { runes: true },
};
