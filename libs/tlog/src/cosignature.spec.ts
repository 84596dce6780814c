import fc from 'fast-check';
import { signCheckpoint } from './checkpoint.js';
import {
  addSignatureLines,
  cosign,
  generateWitnessKey,
  parseCosignatureVerifier,
  parseCosigner,
  verifyCosignatures,
} from './cosignature.js';
import { leafHash } from './merkle.js';
import { signatureLine } from './note-key.js';
import { generateNoteKey, openNote, parseSigner, parseVerifier, signNote } from './note.js';
import { refused } from './testing/refused.js';

// A checkpoint that a public certificate transparency log published on 23 May 2026 with the cosignatures of four public witnesses, and a
// signature of a type that we do not know (0x05, RFC 6962) by the log's own name.
const PUBLISHED = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`;
const PUBLIC_LOG = 'arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f';
const PUBLIC_WITNESSES = [
  'transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM',
  'witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO',
  'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2',
  'witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv',
];

const log = generateNoteKey('example.com/log');
const note = signCheckpoint(
  { origin: 'example.com/log', size: 20852163n, root: leafHash(Uint8Array.of(1)) },
  parseSigner(log.skey),
);
const [anna, bela] = ['witness.example/anna', 'witness.example/bela'].map((name) => {
  const { skey, vkey } = generateWitnessKey(name);
  return { skey, vkey, cosigner: parseCosigner(skey), verifier: parseCosignatureVerifier(vkey) };
}) as [Witness, Witness];
const time = new Date('2026-11-20T10:30:00.000Z');

interface Witness {
  readonly skey: string;
  readonly vkey: string;
  readonly cosigner: ReturnType<typeof parseCosigner>;
  readonly verifier: ReturnType<typeof parseCosignatureVerifier>;
}

describe('a cosignature', () => {
  it('verifies where four public witnesses made one', () => {
    const witnesses = PUBLIC_WITNESSES.map(parseCosignatureVerifier);
    expect(witnesses.map(({ vkey }) => vkey)).toEqual(PUBLIC_WITNESSES);
    expect(verifyCosignatures(PUBLISHED, witnesses)).toEqual(
      witnesses.map((witness) => ({ witness, time: new Date('2026-05-23T21:50:24.000Z') })),
    );
    expect(openNote(PUBLISHED, [parseVerifier(PUBLIC_LOG)])).toMatchObject({ unknown: 5 });
    expect(() => verifyCosignatures(PUBLISHED.replace('1432088532', '1432088533'), witnesses)).toThrow(
      refused('signature-invalid'),
    );
  });

  it('verifies under the key that made it and says when, in whole seconds', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date(8_640_000_000_000_000), noInvalidDate: true }), (at) => {
        const cosigned = addSignatureLines(note, cosign(note, anna.cosigner, at));
        const seconds = new Date(Math.floor(at.getTime() / 1000) * 1000);
        expect(verifyCosignatures(cosigned, [bela.verifier, anna.verifier])).toEqual([{ witness: anna.verifier, time: seconds }]);
        expect(openNote(cosigned, [parseVerifier(log.vkey)]).unknown).toBe(1);
      }),
      { numRuns: 50 },
    );
  });

  it('is lost when any byte of the checkpoint is changed', () => {
    const bytes = Buffer.from(addSignatureLines(note, cosign(note, anna.cosigner, time)));
    const whole = verifyCosignatures(bytes.toString(), [anna.verifier]);
    const logLine = { from: bytes.indexOf('— example'), to: bytes.indexOf('— witness') };
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ by;
        let found: unknown;
        try {
          found = verifyCosignatures(new TextDecoder('utf-8', { fatal: true }).decode(changed), [anna.verifier]);
        } catch {
          found = [];
        }
        // A cosignature says nothing about the log's own line: that is for the log's key to say.
        if (at >= logLine.from && at < logLine.to) expect([whole, []]).toContainEqual(found);
        else expect(found).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('of an unknown key is skipped, of the same name too', () => {
    const namesake = parseCosignatureVerifier(generateWitnessKey(anna.cosigner.name).vkey);
    const cosigned = addSignatureLines(note, cosign(note, anna.cosigner, time));
    expect(verifyCosignatures(cosigned, [namesake, bela.verifier])).toEqual([]);
    expect(verifyCosignatures(note, [anna.verifier])).toEqual([]);
  });

  it('of a known key has to verify, and to be the only one of that key', () => {
    const other = signCheckpoint(
      { origin: 'example.com/log', size: 1n, root: leafHash(Uint8Array.of(2)) },
      parseSigner(log.skey),
    );
    const stolen = cosign(other, anna.cosigner, time);
    expect(() => verifyCosignatures(note + stolen, [anna.verifier])).toThrow(refused('signature-invalid'));
    const twice = note + cosign(note, anna.cosigner, time) + cosign(note, anna.cosigner, new Date());
    expect(() => verifyCosignatures(twice, [anna.verifier])).toThrow(refused('note-malformed'));
    for (const length of [8, 64, 71, 73]) {
      const short = note + signatureLine(anna.cosigner, new Uint8Array(length));
      expect(() => verifyCosignatures(short, [anna.verifier])).toThrow(refused('signature-invalid'));
    }
  });

  it('is refused when one witness made two, and skipped under another key of its name', () => {
    const line = cosign(note, anna.cosigner, time);
    const later = cosign(note, anna.cosigner, new Date(time.getTime() + 1000));
    expect(() => verifyCosignatures(note + line + later, [anna.verifier])).toThrow(refused('note-malformed'));
    expect(() => verifyCosignatures(note + line + line, [bela.verifier, anna.verifier])).toThrow(refused('note-malformed'));
    const namesake = parseCosignatureVerifier(generateWitnessKey('witness.example/anna').vkey);
    expect(verifyCosignatures(note + line, [namesake])).toEqual([]);
    expect(verifyCosignatures(note + line + line, [bela.verifier])).toEqual([]);
    expect(verifyCosignatures(note + line.replace('/anna', '/hanna'), [anna.verifier])).toEqual([]);
  });

  it('of another length does not verify', () => {
    const encoded = Buffer.from(cosign(note, anna.cosigner, time).split(' ')[2]!, 'base64');
    for (const bytes of [encoded.subarray(0, -1), Buffer.concat([encoded, Buffer.alloc(1)]), encoded.subarray(0, 8)]) {
      const line = signatureLine(anna.cosigner, bytes.subarray(4));
      expect(() => verifyCosignatures(note + line, [anna.verifier])).toThrow(refused('signature-invalid'));
    }
  });

  it('with a time that no date can hold does not verify', () => {
    const timestamp = Buffer.alloc(8);
    timestamp.writeBigUInt64BE(8_640_000_000_001n);
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    const signature = anna.cosigner.sign(`cosignature/v1\ntime 8640000000001\n${text}`);
    const line = signatureLine(anna.cosigner, Buffer.concat([timestamp, signature]));
    expect(() => verifyCosignatures(note + line, [anna.verifier])).toThrow(refused('signature-invalid'));
  });

  it('is not made on anything but a checkpoint, nor before 1970', () => {
    expect(() => cosign(signNote('a text\n', parseSigner(log.skey)), anna.cosigner, time)).toThrow(
      refused('checkpoint-malformed'),
    );
    expect(() => cosign('', anna.cosigner, time)).toThrow(refused('note-malformed'));
    expect(() => cosign(note, anna.cosigner, new Date(-1))).toThrow(refused('out-of-range'));
    for (const at of [new Date(0), new Date(8_640_000_000_000_000)]) {
      expect(verifyCosignatures(note + cosign(note, anna.cosigner, at), [anna.verifier])).toEqual([
        { witness: anna.verifier, time: at },
      ]);
    }
  });
});

describe('signature lines', () => {
  it('are added after those that are there', () => {
    const lines = cosign(note, anna.cosigner, time) + cosign(note, bela.cosigner, time);
    expect(addSignatureLines(note, lines)).toBe(note + lines);
    expect(addSignatureLines(note, '')).toBe(note);
    expect(() => addSignatureLines('no note', lines)).toThrow(refused('note-malformed'));
    expect(verifyCosignatures(note + lines, [anna.verifier, bela.verifier])).toHaveLength(2);
  });

  it.each([
    ['no final newline', '— a AAAAAAA=', 'note-malformed'],
    ['no signature line', 'hello\n', 'note-malformed'],
    ['another text', '\n— a AAAAAAAA\n', 'note-malformed'],
    ['a key that signed already', note.slice(note.indexOf('—')), 'note-malformed'],
  ] as const)('are refused with %s', (_, lines, code) => {
    expect(() => addSignatureLines(note, lines)).toThrow(refused(code));
  });
});

describe('a witness key', () => {
  it('reads back from its text, and is not the key of a log', () => {
    expect(anna.skey).toMatch(/^PRIVATE\+KEY\+witness\.example\/anna\+[0-9a-f]{8}\+B[A-Za-z0-9+/]{43}$/);
    expect(anna.cosigner).toMatchObject({ name: 'witness.example/anna', keyId: anna.verifier.keyId, vkey: anna.vkey });
    expect(() => parseVerifier(anna.vkey)).toThrow(refused('key-malformed'));
    expect(() => parseVerifier(anna.vkey)).toThrow('The key is not an Ed25519 note key (type 0x01).');
    expect(() => parseCosignatureVerifier(log.vkey)).toThrow('The key is not an Ed25519 cosigner key (type 0x04).');
    expect(() => parseSigner(anna.skey)).toThrow(refused('key-malformed'));
    expect(() => parseCosignatureVerifier(log.vkey)).toThrow(refused('key-malformed'));
    expect(() => parseCosigner(log.skey)).toThrow(refused('key-malformed'));
    expect(() => parseCosignatureVerifier(anna.vkey.replace('anna', 'hanna'))).toThrow(refused('key-malformed'));
  });
});
