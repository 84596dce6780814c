import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { DER, DerReader, encodeDer, readTimestamp, TlogError, type DerValue, type Timestamp } from '#tlog';
import {
  nobodysUrl,
  sendTimestamp,
  TimestampAuthority,
  type AuthorityKind,
  type Misbehaviour,
} from '../../../test/support/timestamp-authority.js';
import { askForTimestamp, authorityName, type TimestampAnswer } from './timestamp-authority.js';
import { checkTimestampSignature, SignatureRefused } from './timestamp-signature.js';

const NOTE = Buffer.from('example.com/log\n3\nAAAA\n\n— example.com/log AAAA\n', 'utf8');

function granted(answer: TimestampAnswer): Buffer {
  if (answer.kind === 'refused') throw new Error(answer.why);
  return answer.response;
}

describe('a time-stamping authority', () => {
  let authority: TimestampAuthority;

  beforeAll(async () => {
    authority = await TimestampAuthority.start();
  });
  afterAll(() => authority.stop());
  afterEach(() => {
    authority.misbehaviour = undefined;
  });

  const ask = (timeLimitMs = 20_000): Promise<TimestampAnswer> => askForTimestamp(authority.url, NOTE, timeLimitMs);
  const whyRefused = async (misbehaviour: Misbehaviour, timeLimitMs?: number): Promise<string> => {
    authority.misbehaviour = misbehaviour;
    const answer = await ask(timeLimitMs);
    return answer.kind === 'refused' ? answer.why : 'granted';
  };

  it('gives a timestamp of exactly these bytes, which openssl verifies', async () => {
    const response = granted(await ask());
    expect(await authority.verify(response, NOTE)).toMatchObject({ ok: true, said: expect.stringContaining('Verification: OK') });
    expect((await authority.verify(response, Buffer.concat([NOTE, Buffer.from('\n')]))).ok).toBe(false);
    const { time } = readTimestamp(response);
    expect(Math.abs(Date.now() - Date.parse(time))).toBeLessThan(60_000);
  });

  it.each<AuthorityKind>([
    { digest: 'sha512' },
    { digest: 'sha384', key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'] },
    { digest: 'sha256', key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] },
    { certificateNamedBy: 'sha1' },
    { certificateNamedBy: 'sha512' },
  ])('may sign with other keys and digests: %j', async (kind) => {
    const other = await TimestampAuthority.start(kind);
    try {
      expect(await other.verify(granted(await askForTimestamp(other.url, NOTE, 20_000)), NOTE)).toMatchObject({ ok: true });
    } finally {
      await other.stop();
    }
  });

  it('is refused when its certificate is not one for timestamps', async () => {
    const webServer = await TimestampAuthority.start({ usage: 'serverAuth' });
    try {
      webServer.misbehaviour = cheating(webServer, '-cades');
      expect(await askForTimestamp(webServer.url, NOTE, 20_000)).toEqual({
        kind: 'refused',
        why: 'its timestamp is not to be used: its certificate is not one for timestamps',
      });
    } finally {
      await webServer.stop();
    }
  });

  it('is refused when its signature does not name its certificate, or comes without it, alone or with another', async () => {
    expect(await whyRefused(cheating(authority, '-cades'))).toBe('granted'); // so that what follows is refused for its own sake
    for (const [why, ...options] of [
      ['its signature does not name a certificate'],
      ['its certificate is not in it', '-cades', '-nocerts'],
      ['The signature of the timestamp is malformed', '-noattr'],
      ['it has 2 signatures, not one', '-cades', '-signer', 'ca.pem', '-inkey', 'ca.key'],
      ['its signature is over a digest that is not known here', '-cades', '-md', 'sha1'],
      ['its signature has unknown parameters', '-cades', '-keyopt', 'rsa_padding_mode:pss'],
    ] as const)
      expect(await whyRefused(cheating(authority, ...options))).toContain(`its timestamp is not to be used: ${why}`);
  });

  it('is refused when its signature is of another kind of content, which was renamed afterwards', async () => {
    const [other, renamed] = ['2a864886f70d0109100105', '2a864886f70d0109100104'];
    const rename = (response: Buffer): Buffer => Buffer.from(response.toString('hex').replace(other, renamed), 'hex');
    const signsOther = (change?: (response: Buffer) => Buffer): Misbehaviour =>
      cheatingWith((info) => authority.sign(info, ['-cades'], '1.2.840.113549.1.9.16.1.5'), change);
    expect(await whyRefused(signsOther())).toContain('is no timestamp: The timestamp is not of a time.');
    expect(await whyRefused(signsOther(rename))).toBe('its timestamp is not to be used: its signature is not of a timestamp');
  });

  it('is refused when what it signed has an attribute twice, or one with two values', async () => {
    const timestamp = readTimestamp(granted(await ask()));
    const check = async (change: (attributes: Uint8Array[]) => Uint8Array[]): Promise<void> =>
      checkTimestampSignature({ ...timestamp, signers: [await signedAgain(authority, timestamp, change)] });
    await check((attributes) => attributes); // so that what follows is refused for its own sake
    await expect(check(([first, ...others]) => [first!, first!, ...others])).rejects.toThrow('has an attribute twice');
    await expect(check(([first, ...others]) => [twoValues(first!), ...others])).rejects.toThrow(
      'has an attribute with two values',
    );
    await expect(check((attributes) => attributes.slice(1))).rejects.toThrow('is not of a timestamp');
  });

  it('is refused when it answers with a timestamp of something else, of another request, or without a nonce', async () => {
    const earlier = granted(await ask());
    expect(await whyRefused((query, answer) => sendTimestamp(answer, query))).toContain('is no timestamp');
    expect(await whyRefused((_, answer) => sendTimestamp(answer, earlier))).toBe(
      'it answered with the timestamp of another request',
    );
    const other: Misbehaviour = async (query, answer, honest) => {
      const imprint = query.indexOf(Buffer.from('0420', 'hex')) + 2;
      const asked = Buffer.from(query);
      asked[imprint] = (asked[imprint] ?? 0) ^ 1;
      sendTimestamp(answer, await honest(asked));
    };
    expect(await whyRefused(other)).toBe('it answered with a timestamp of something else');
    const without: Misbehaviour = async (query, answer, honest) => {
      const [version, imprint] = fields(query);
      sendTimestamp(answer, await honest(Buffer.from(encodeDer(DER.sequence, version!, imprint!, CERT_WANTED))));
    };
    expect(await whyRefused(without)).toBe('it answered with the timestamp of another request');
  });

  it('is refused when it rejects the request, and its own words are kept', async () => {
    // It knows no such digest: the algorithm is named SHA-384 in what it is asked.
    const rejected: Misbehaviour = async (query, answer, honest) => {
      const asked = Buffer.from(query.toString('hex').replace('608648016503040201', '608648016503040206'), 'hex');
      sendTimestamp(answer, await honest(asked));
    };
    expect(await whyRefused(rejected)).toMatch(/^its answer is no timestamp: The authority did not grant it \(status 0x02\): /);
  });

  it('is refused when it answers with a fault, another kind of content, too much, rubbish or nothing', async () => {
    expect(await whyRefused(async (query, answer, honest) => void answer.writeHead(500).end(await honest(query)))).toBe(
      'it answered 500',
    );
    expect(
      await whyRefused(async (query, answer, honest) => {
        answer.writeHead(200, { 'content-type': 'application/octet-stream' }).end(await honest(query));
      }),
    ).toContain('"application/octet-stream"');
    expect(await whyRefused((_, answer) => void answer.writeHead(200).end())).toContain('no content type');
    expect(await whyRefused((_, answer) => void answer.writeHead(302, { location: authority.url }).end())).toContain(
      'cannot be reached',
    );
    expect(await whyRefused((_, answer) => sendTimestamp(answer, Buffer.alloc(300_000, 0x30)))).toContain(
      'more than 262144 bytes',
    );
    expect(await whyRefused((_, answer) => endlessly(answer))).toContain('more than 262144 bytes');
    expect(await whyRefused((_, answer) => sendTimestamp(answer, Buffer.from('<html>')))).toContain('is no timestamp');
    expect(await whyRefused((_, answer) => sendTimestamp(answer, Buffer.alloc(0)))).toContain('is no timestamp');
    expect(await whyRefused((_, answer) => void answer.destroy())).toContain('cannot be reached');
  });

  it('is refused when it does not answer in time, or not to its end', async () => {
    expect(await whyRefused(() => undefined, 300)).toBe('it did not answer within 0.3 s');
    expect(
      await whyRefused((_, answer) => {
        answer.writeHead(200, { 'content-type': 'application/timestamp-reply' }).write('0');
      }, 300),
    ).toBe('it did not answer within 0.3 s');
    expect(await askForTimestamp(await nobodysUrl(), NOTE, 20_000)).toMatchObject({
      kind: 'refused',
      why: expect.stringMatching(/^it cannot be reached: connect ECONNREFUSED/),
    });
  });

  it('is told the user name and password of its URL, which are part of nothing else', async () => {
    const url = authority.url.replace('http://', 'http://agency:p%40ss@');
    granted(await askForTimestamp(url, NOTE, 20_000));
    expect(authority.queries.at(-1)?.authorization).toBe(`Basic ${Buffer.from('agency:p@ss').toString('base64')}`);
    expect(authorityName(url)).toBe(authority.url);
    const broken = await askForTimestamp(url.replace('%40', '%'), NOTE, 20_000);
    expect(JSON.stringify(broken)).not.toContain('ss@');
  });

  it('has said nothing that could be altered unseen: what is still taken openssl takes too, and no change to what counts is', async () => {
    const response = granted(await ask());
    const { info, certificates } = readTimestamp(response);
    const signatureBytes = 256;
    const counts = [info, certificates[0]!.bytes, response.subarray(-signatureBytes)].map(({ byteOffset, length }) => {
      return { from: byteOffset - response.byteOffset, to: byteOffset - response.byteOffset + length };
    });
    const change = fc.record({ at: fc.nat(response.length - 1), bit: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, bit }) => {
        const changed = Buffer.from(response);
        changed[at]! ^= 1 << bit;
        const taken = isTaken(changed);
        if (counts.some(({ from, to }) => at >= from && at < to)) expect(taken).toBe(false);
        if (taken) expect(await authority.verify(changed, NOTE)).toMatchObject({ ok: true });
      }),
      { numRuns: 500 },
    );
  });
});

/** Answers with the right content, signed in another way. */
function cheating(authority: TimestampAuthority, ...options: readonly string[]): Misbehaviour {
  return cheatingWith((info) => authority.sign(info, options));
}

function cheatingWith(
  sign: (info: Uint8Array) => Promise<Buffer>,
  change = (response: Buffer): Buffer => response,
): Misbehaviour {
  return async (query, answer) => {
    const [version, imprint, nonce] = fields(query);
    const policy = encodeDer(DER.oid, Uint8Array.of(0x2a, 3));
    const time = encodeDer(DER.generalizedTime, Buffer.from('20261121120000Z', 'latin1'));
    const info = encodeDer(DER.sequence, version!, policy, imprint!, encodeDer(DER.integer, Uint8Array.of(7)), time, nonce!);
    const status = encodeDer(DER.sequence, encodeDer(DER.integer, Uint8Array.of(0)));
    sendTimestamp(answer, change(Buffer.from(encodeDer(DER.sequence, status, await sign(info)))));
  };
}

/** The SignerInfo with other attributes, signed by the same key. */
async function signedAgain(
  authority: TimestampAuthority,
  { signers }: Timestamp,
  change: (attributes: Uint8Array[]) => Uint8Array[],
): Promise<DerValue> {
  const signer = new DerReader(signers[0]!.bytes, 'signer').enter(DER.sequence);
  const before = [DER.integer, DER.sequence, DER.sequence].map((tag) => signer.read(tag).bytes);
  const attributes = change(valuesIn(signer.enter(DER.context0)));
  const algorithm = signer.read(DER.sequence).bytes;
  const signature = encodeDer(DER.octetString, await authority.signBytes(encodeDer(DER.set, ...attributes)));
  const signed = encodeDer(DER.sequence, ...before, encodeDer(DER.context0, ...attributes), algorithm, signature);
  return new DerReader(signed, 'signer').next();
}

function twoValues(attribute: Uint8Array): Uint8Array {
  const reader = new DerReader(attribute, 'attribute').enter(DER.sequence);
  const kind = reader.read(DER.oid).bytes;
  const [value] = valuesIn(reader.enter(DER.set));
  return encodeDer(DER.sequence, kind, encodeDer(DER.set, value!, value!));
}

function valuesIn(reader: DerReader): Uint8Array[] {
  const values: Uint8Array[] = [];
  while (!reader.atEnd) values.push(reader.next().bytes);
  return values;
}

function isTaken(response: Buffer): boolean {
  try {
    checkTimestampSignature(readTimestamp(response));
    return true;
  } catch (error) {
    if (error instanceof TlogError || error instanceof SignatureRefused) return false;
    throw error;
  }
}

const CERT_WANTED = encodeDer(DER.boolean, Uint8Array.of(0xff));

function fields(query: Uint8Array): Uint8Array[] {
  const reader = new DerReader(query, 'query').enter(DER.sequence);
  return [reader.read(DER.integer), reader.read(DER.sequence), reader.read(DER.integer)].map(({ bytes }) => bytes);
}

function endlessly(answer: ServerResponse): void {
  answer.writeHead(200, { 'content-type': 'application/timestamp-reply' });
  const more = (): void => {
    while (answer.write(Buffer.alloc(16_384, 0x30)));
  };
  answer.on('drain', more);
  more();
}
