/**
 * Names of models on the hub.
 *
 * Owns: what a name looks like, `organisation/name`; a form and a download ask alike. Two names and no more:
 * nothing that could leave the hub's scheme of addresses, or a folder that is made of it.
 */
export function isHubName(name: string): boolean {
  return /^(?!\.)[\w.-]+\/(?!\.)[\w.-]+$/.test(name);
}
