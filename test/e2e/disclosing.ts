import { eventually } from '../support/eventually.js';
import { HttpClient, type Answer } from '../support/http.js';
import { inSeconds } from './watching.js';

export interface DisclosureAnswer {
  readonly id: string;
  readonly state: 'proposed' | 'approved' | 'refused' | 'packaging' | 'ready' | 'failed' | 'revoked' | 'expired';
  readonly items: readonly { readonly recording: string; readonly fromMs: number | null; readonly toMs: number | null }[];
  readonly recipient: { readonly name: string };
  readonly fetchesBegun: number;
  readonly problem: string | null;
  readonly package: { readonly size: number; readonly files: number; readonly sha256: string } | null;
  readonly linkLocked: boolean;
  readonly confirmedAt: string | null;
}

/** A request body that the service accepts. */
export function disclosing(
  recordings: readonly string[],
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    items: recordings.map((recording) => ({ recording })),
    recipient: { name: 'Dana Defender', organisation: 'Defender & Sons', kind: 'defence' },
    legalBasis: 'Order of the court of 12 March 2026',
    conditions: 'For the defence in case 26-CR-1042 only',
    until: inSeconds(3600),
    form: 'unaltered',
    ...changes,
  };
}

export async function propose(
  proposer: HttpClient,
  recordings: readonly string[],
  changes: Readonly<Record<string, unknown>> = {},
): Promise<DisclosureAnswer> {
  return (await proposer.post<DisclosureAnswer>('/api/disclosures', disclosing(recordings, changes))).expect(201).body;
}

/** Waits until its package is made, or cannot be. */
export async function settledDisclosure(reader: HttpClient, id: string, withinMs = 120_000): Promise<DisclosureAnswer> {
  const look = async (): Promise<DisclosureAnswer | undefined> => {
    const { body } = (await reader.get<DisclosureAnswer>(`/api/disclosures/${id}`)).expect(200);
    return ['proposed', 'approved', 'packaging'].includes(body.state) ? undefined : body;
  };
  return eventually(`disclosure ${id} is packed`, look, { withinMs });
}

/** Proposed by one, approved by another, packed. */
export async function disclosed(
  [proposer, approver]: readonly [HttpClient, HttpClient],
  recordings: readonly string[],
  changes: Readonly<Record<string, unknown>> = {},
): Promise<DisclosureAnswer> {
  const { id } = await propose(proposer, recordings, changes);
  (await approver.post(`/api/disclosures/${id}/approve`, {})).expect(200);
  const settled = await settledDisclosure(proposer, id);
  if (settled.state !== 'ready') throw new Error(`The package was not made: ${settled.problem ?? settled.state}`);
  return settled;
}

export interface Keys {
  readonly token: string;
  readonly code: string;
}

/** The link's token and the code, as they go two ways to the recipient. */
export async function issue(custodian: HttpClient, id: string): Promise<Keys> {
  const { token } = (await custodian.post<{ token: string }>(`/api/disclosures/${id}/link`)).expect(201).body;
  const { code } = (await custodian.post<{ code: string }>(`/api/disclosures/${id}/code`)).expect(201).body;
  return { token, code };
}

/** Somebody outside, who has a cookie of their own and no account. */
export class Recipient {
  private readonly http: HttpClient;

  constructor(url: string) {
    this.http = new HttpClient(url);
  }

  static async comeIn(url: string, keys: Keys): Promise<Recipient> {
    const recipient = new Recipient(url);
    (await recipient.open(keys)).expect(200);
    return recipient;
  }

  async open({ token, code }: Keys): Promise<Answer<{ expiresAt: string }>> {
    return this.http.post<{ expiresAt: string }>('/api/disclosed/open', { token, code });
  }

  async get<T = unknown>(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
    return this.http.get<T>(path, headers);
  }

  async send<T = unknown>(method: string, path: string, json?: unknown): Promise<Answer<T>> {
    return this.http.send<T>(method, path, json === undefined ? {} : { json });
  }

  /** The package, or a range of it. */
  async fetch(range?: string): Promise<Answer<unknown>> {
    return this.get('/api/disclosed/package', range === undefined ? {} : { range });
  }

  /** An answer whose body is not read yet. */
  async begin(signal: AbortSignal): Promise<Response> {
    return this.http.open('/api/disclosed/package', {}, signal);
  }
}
