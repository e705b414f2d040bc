/**
 * What is known of endpoints, in the words of the settings.
 */
import type { EndpointInfo } from '#core/contract/contract.ts';

export const keyPlaceTexts: Readonly<Record<EndpointInfo['keyPlace'], string>> = {
  none: 'No key',
  environment: 'Key in the environment variable',
  system: "Key in the system's store of secrets",
  process: 'Key kept until this program ends',
};

/** What a model was seen to lack, as badges. */
export function lacking({ findings }: Pick<EndpointInfo['probes'][number], 'findings'>): string[] {
  return findings.filter(({ status }) => status === 'lacks').map(({ name }) => `no ${name.toLowerCase()}`);
}
