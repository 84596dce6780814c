import { readFileSync } from 'node:fs';
import { ConfigurationFaulty, type Config } from '#platform';
import { AccessPolicySchema, DEFAULT_POLICY, faultsOfPolicy, type AccessPolicy } from './access-policy.rules.js';

/** The access policy in force in this process: the agency's file, or the built-in one. */
export const ACCESS_POLICY = Symbol('ACCESS_POLICY');

/** @throws ConfigurationFaulty naming every fault of the file at once */
export function readAccessPolicy({ ACCESS_POLICY_FILE: file }: Pick<Config, 'ACCESS_POLICY_FILE'>): AccessPolicy {
  if (file === undefined) return DEFAULT_POLICY;
  const given = parsed(file);
  const faults = faultsOfPolicy(given);
  if (faults.length > 0) throw new ConfigurationFaulty(faults.map((fault) => `ACCESS_POLICY_FILE: ${file}: ${fault}`));
  return AccessPolicySchema.parse(given);
}

function parsed(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new ConfigurationFaulty([`ACCESS_POLICY_FILE: ${file} cannot be read`]);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigurationFaulty([`ACCESS_POLICY_FILE: ${file} is not JSON`]);
  }
}
