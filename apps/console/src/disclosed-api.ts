import { call } from './service.js';

/** What a recipient is told of the package that they were sent a link to. */
export interface Disclosed {
  readonly disclosure: string;
  readonly agency: string;
  readonly recipient: { readonly name: string; readonly organisation: string };
  readonly legalBasis: string;
  readonly conditions: string;
  readonly recordings: number;
  readonly size: number | null;
  readonly sha256: string | null;
  readonly until: string;
  readonly fetchesLeft: number;
  readonly confirmedAt: string | null;
}

/** Asked for by a link of the page, so that the browser goes on with a download that broke off. */
export const PACKAGE = '/api/disclosed/package';
export const PROOF = '/api/disclosed/proof';

/** @param token of the link @param code that was sent apart from it @throws Refused, Unreachable */
export async function openDisclosed(token: string, code: string): Promise<Disclosed> {
  await call('POST', '/api/disclosed/open', { json: { token, code } });
  return disclosed();
}

/** @throws Refused, Unreachable */
export async function disclosed(): Promise<Disclosed> {
  return (await (await call('GET', '/api/disclosed')).json()) as Disclosed;
}

/** "Received and verified", on the record. @param sha256 of what was received @throws Refused, Unreachable */
export async function confirmReceived(sha256: string): Promise<void> {
  await call('POST', '/api/disclosed/confirm', { json: { sha256 } });
}
