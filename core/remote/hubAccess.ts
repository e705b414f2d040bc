/**
 * Which hub is asked, and as whom: what the environment says, as the hub's own tools read it.
 *
 * Owns: HF_ENDPOINT, HF_TOKEN and the token that `hf auth login` leaves. It keeps no token.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AresError } from '#core/util/errors.ts';

export interface HubAccess {
  hubUrl: string;
  token: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws AresError 'usage' when HF_ENDPOINT is no address, or the token no token */
export function hubAccess(environment: Environment = process.env): HubAccess {
  const hubUrl = (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '');
  if (!/^https?:\/\/[^/]/.test(hubUrl)) {
    throw new AresError('usage', 'HF_ENDPOINT is not an address.', {
      where: hubUrl,
      hint: 'Write it as https://host, or leave it out.',
    });
  }
  const token = environment['HF_TOKEN']?.trim() || storedToken(environment);
  if (token !== null && !token.startsWith('hf_')) {
    throw new AresError('usage', 'The access token for the hub does not begin with "hf_".', {
      where: environment['HF_TOKEN'] ? 'HF_TOKEN' : tokenPath(environment),
      hint: 'Make one in the settings of your account on the hub.',
    });
  }
  return { hubUrl, token };
}

function storedToken(environment: Environment): string | null {
  try {
    return readFileSync(tokenPath(environment), 'utf8').trim() || null;
  } catch {
    // Nobody has logged in here, which is no error: most models are open to everyone.
    return null;
  }
}

function tokenPath(environment: Environment): string {
  const home =
    environment['HF_HOME'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface');
  return environment['HF_TOKEN_PATH'] || join(home, 'token');
}
