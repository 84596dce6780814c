import { readFileSync } from 'node:fs';
import { ConfigurationFaulty, type Config } from '#platform';
import { parsePolicy, TlogError, type WitnessPolicy } from '#tlog';

/** The agency's witness policy: whose cosignatures a checkpoint needs before evidence leaves on its strength. Undefined: nobody's. */
export const WITNESS_POLICY = Symbol('WITNESS_POLICY');

export interface PolicyFile {
  /** Exactly as it stands in the file; goes into bundles. */
  readonly text: string;
  readonly policy: WitnessPolicy;
}

/** @throws ConfigurationFaulty when the file cannot be read or is no policy, or a witness has no URL where it could be asked */
export function readPolicyFile({ WITNESS_POLICY_FILE: file }: Pick<Config, 'WITNESS_POLICY_FILE'>): PolicyFile | undefined {
  if (file === undefined) return undefined;
  const faulty = (why: string): never => {
    throw new ConfigurationFaulty([`WITNESS_POLICY_FILE: ${file} ${why}`]);
  };
  const text = textOf(file) ?? faulty('cannot be read');
  try {
    const policy = parsePolicy(text);
    const mute = policy.witnesses.find(({ url }) => url === undefined || !/^https?:$/.test(URL.parse(url)?.protocol ?? ''));
    if (mute !== undefined) faulty(`gives no http or https URL for the witness ${mute.alias}`);
    return { text, policy };
  } catch (error) {
    if (error instanceof TlogError) return faulty(`is no witness policy: ${error.message}`);
    throw error;
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
