import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';

/** Answers one query in the authority's place, or alters what it would have answered. */
export type Misbehaviour = (
  query: Buffer,
  answer: ServerResponse,
  honest: (query: Buffer) => Promise<Buffer>,
) => void | Promise<void>;

export interface AuthorityKind {
  /** Arguments of `openssl genpkey`; by default an RSA key of 2048 bits. */
  readonly key?: readonly string[];
  /** What it signs with, by openssl's name. */
  readonly digest?: string;
  /** The digest by which its signature names its certificate. */
  readonly certificateNamedBy?: string;
  /** What its certificate is for. */
  readonly usage?: string;
}

/** Object identifier of the content that is a TSTInfo. */
const TIMESTAMP = '1.2.840.113549.1.9.16.1.4';
const RSA = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];

/**
 * A time-stamping authority (RFC 3161) with a certification authority of its own, over HTTP on a free port; `openssl ts -reply` makes its
 * answers.
 */
export class TimestampAuthority {
  /** How it answers from now on; undefined: honestly. */
  misbehaviour: Misbehaviour | undefined;
  /** Queries that came, in order. */
  readonly queries: { readonly body: Buffer; readonly authorization: string | undefined }[] = [];
  private answering: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly folder: string,
    private readonly server: Server,
  ) {}

  static async start(kind: AuthorityKind = {}): Promise<TimestampAuthority> {
    const folder = await mkdtemp(join(tmpdir(), 'custodiet-tsa-'));
    const server = createServer();
    const authority = new TimestampAuthority(folder, server);
    await writeFile(join(folder, 'tsa.cnf'), configuration(kind));
    const { key = RSA } = kind;
    const issued = ['-days', '30', '-config', 'tsa.cnf'];
    for (const name of ['ca', 'tsa']) await authority.openssl('genpkey', ...key, '-out', `${name}.key`);
    await authority.openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      'ca.key',
      '-subj',
      '/CN=Test CA',
      '-extensions',
      'ca',
      ...issued,
      '-out',
      'ca.pem',
    );
    await authority.openssl('req', '-new', '-key', 'tsa.key', '-subj', '/CN=Test TSA', '-config', 'tsa.cnf', '-out', 'tsa.csr');
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'tsa.cnf', '-extensions', 'signing'];
    await authority.openssl('x509', '-req', '-in', 'tsa.csr', '-days', '30', ...signing, '-out', 'tsa.pem');
    await writeFile(join(folder, 'serial'), '01\n');
    server.on(
      'request',
      (request, answer) => void authority.answer(request, answer).catch((error: unknown) => answer.destroy(error as Error)),
    );
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return authority;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/tsa`;
  }

  /** File with the certificate of its certification authority. */
  get caFile(): string {
    return join(this.folder, 'ca.pem');
  }

  /** What this authority's key signs, without asking what it is. */
  async signBytes(bytes: Uint8Array): Promise<Buffer> {
    await writeFile(join(this.folder, 'bytes'), bytes);
    return this.openssl('dgst', '-sha256', '-sign', 'tsa.key', 'bytes');
  }

  /** A timestamp of these bytes, asked for by openssl itself. */
  async stamp(data: Uint8Array): Promise<Buffer> {
    await writeFile(join(this.folder, 'stamped.data'), data);
    return this.reply(await this.openssl('ts', '-query', '-data', 'stamped.data', '-sha256', '-cert'));
  }

  /** What `openssl ts -verify` says of a response over these bytes. */
  async verify(response: Uint8Array, data: Uint8Array): Promise<{ readonly ok: boolean; readonly said: string }> {
    await Promise.all([writeFile(join(this.folder, 'asked.tsr'), response), writeFile(join(this.folder, 'asked.data'), data)]);
    return this.openssl('ts', '-verify', '-in', 'asked.tsr', '-data', 'asked.data', '-CAfile', 'ca.pem').then(
      (said) => ({ ok: true, said: said.toString() }),
      (error: unknown) => ({ ok: false, said: String(error) }),
    );
  }

  /** What an honest authority answers. */
  reply(query: Buffer): Promise<Buffer> {
    // One at a time: openssl keeps the last serial number in a file.
    const made = this.answering.then(async () => {
      await writeFile(join(this.folder, 'query.tsq'), query);
      return this.openssl('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq');
    });
    this.answering = made.catch(() => undefined);
    return made;
  }

  /** A signed message (RFC 5652), about which openssl asks nothing: what an authority that cheats could make. */
  async sign(info: Uint8Array, options: readonly string[], contentType = TIMESTAMP): Promise<Buffer> {
    await writeFile(join(this.folder, 'info'), info);
    const how = ['-binary', '-nodetach', '-nosmimecap', '-econtent_type', contentType, '-outform', 'DER'];
    return this.openssl('cms', '-sign', '-in', 'info', '-signer', 'tsa.pem', '-inkey', 'tsa.key', ...how, ...options);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.answering;
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(request);
    this.queries.push({ body, authorization: request.headers.authorization });
    if (request.method !== 'POST' || request.headers['content-type'] !== 'application/timestamp-query') {
      answer.writeHead(400).end();
    } else if (this.misbehaviour === undefined) {
      sendTimestamp(answer, await this.reply(body));
    } else {
      await this.misbehaviour(body, answer, (query) => this.reply(query));
    }
  }

  private async openssl(...args: string[]): Promise<Buffer> {
    const { stdout } = await promisify(execFile)('openssl', args, { cwd: this.folder, encoding: 'buffer' });
    return stdout;
  }
}

/** Where an authority was that is down. */
export async function nobodysUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/tsa`;
}

/** As RFC 3161 §3.4 has it. */
export function sendTimestamp(answer: ServerResponse, response: Uint8Array): void {
  answer.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(response);
}

function configuration({ digest = 'sha256', certificateNamedBy = 'sha256', usage = 'timeStamping' }: AuthorityKind): string {
  return `
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[signing]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, ${usage}
[tsa]
default_tsa = authority
[authority]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
certs = ca.pem
signer_digest = ${digest}
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = ${certificateNamedBy}
`;
}
