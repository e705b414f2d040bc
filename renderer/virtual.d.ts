/** Modules that the build makes (vite.config.ts). */
declare module 'virtual:packages' {
  /** Packages that are part of the program, by name. */
  export const packages: readonly { name: string; version: string; licence: string }[];
}
