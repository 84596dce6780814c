import fc from 'fast-check';
import { parseVerifier, type Checkpoint } from '#tlog';
import { openSubmission, refusalOf, type Refusal } from './add-checkpoint.rules.js';
import { SampleLog, requestBody, type SampleHistory } from './testing/sample-history.js';
import { checkpointOf } from './witness-state.js';

const SIZE = 40;
const log = new SampleLog();
const truth = log.history(SIZE);
const logKey = parseVerifier(log.key.vkey);
const sizes = fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([a, b]) => (a < b ? ([a, b] as const) : ([b, a] as const)));

/** All the rules, as the witness applies them. */
function refusal(body: string | Uint8Array, latest?: Checkpoint): Refusal | undefined {
  const opened = openSubmission(Buffer.from(body), (origin) => (origin === log.origin ? [logKey] : []));
  return 'refusal' in opened ? opened.refusal : refusalOf(opened.submission, latest);
}

/** Nothing was cosigned yet at size 0. */
function latest(history: SampleHistory, size: number): Checkpoint | undefined {
  return size === 0 ? undefined : checkpointOf(history.checkpoint(size));
}

// The request of the specification. C2SP tlog-witness
const PUBLISHED = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`;

describe('the rules of add-checkpoint', () => {
  it('accept every extension of the latest checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async ([from, to]) => {
        expect(refusal(await truth.request(from, to), latest(truth, from))).toBeUndefined();
      }),
    );
  });

  it('refuse every extension of another history, whatever was changed before the latest size', async () => {
    const changed = fc.tuple(sizes, fc.nat(SIZE - 1)).filter(([[from, to], at]) => at < from && from <= to);
    await fc.assert(
      fc.asyncProperty(changed, async ([[from, to], at]) => {
        const other = log.history(to, { forkAt: at, story: 'other' });
        const { status, conflict } = refusal(await other.request(from, to), latest(truth, from)) ?? {};
        expect([status, conflict]).toEqual(from === to ? [409, true] : [422, undefined]);
      }),
    );
  });

  it('refuse an old size that is not the latest one, and say which is', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(SIZE - 1), async ([from, to], at) => {
        fc.pre(at !== from && at !== to);
        const expected = { status: 409, size: BigInt(at) };
        expect(refusal(await truth.request(from, to), latest(truth, at))).toMatchObject(expected);
      }),
    );
  });

  it('refuse a request with any byte changed', async () => {
    const body = Buffer.from(await truth.request(13, 29));
    for (let at = 0; at < body.length; at += 1) {
      for (const bit of [1, 4, 32, 128]) {
        const altered = body.map((byte, i) => (i === at ? byte ^ bit : byte));
        expect({ at, bit, refused: refusal(altered, latest(truth, 13)) !== undefined }).toEqual({ at, bit, refused: true });
      }
    }
  });

  it('refuse a request with any part of it missing', async () => {
    const body = await truth.request(13, 29);
    for (let end = 0; end < body.length; end += 1) {
      expect(refusal(body.slice(0, end), latest(truth, 13))?.status).toBeGreaterThanOrEqual(400);
      expect(refusal(body.slice(end + 1), latest(truth, 13))?.status).toBeGreaterThanOrEqual(400);
    }
  });

  it('read the published example, of a log that is unknown here', () => {
    expect(refusal(PUBLISHED)?.status).toBe(404);
    expect(refusal(PUBLISHED.replace('=\n\n', '=\n'))?.status).toBe(400);
  });

  it('ignore signatures of unknown keys, and want one that is trusted', async () => {
    const note = truth.checkpoint(5);
    const stranger =
      '— example.com/stranger opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n';
    expect(refusal(await truth.request(0, 5, note + stranger))).toBeUndefined();
    expect(refusal(await truth.request(0, 5, note.slice(0, note.indexOf('—')) + stranger))?.status).toBe(403);
    const impostor = new SampleLog(log.origin).history(5);
    expect(refusal(await impostor.request(0, 5))?.status).toBe(403);
  });

  it.each(['old 18446744073709551616', 'old 01', 'old -1', 'old +1', 'old 1 ', 'OLD 1', 'old  1', 'old', ''])(
    'refuse the old size line "%s"',
    (line) => {
      expect(refusal(`${line}\n\n${truth.checkpoint(5)}`)?.status).toBe(400);
    },
  );

  it('refuse more than 63 hashes, and hashes that are not 32 bytes in the one spelling', () => {
    const note = truth.checkpoint(5);
    const hash = new Uint8Array(32);
    expect(
      refusal(
        requestBody(
          0,
          Array.from({ length: 64 }, () => hash),
          note,
        ),
      )?.status,
    ).toBe(400);
    expect(
      refusal(
        requestBody(
          0,
          Array.from({ length: 63 }, () => hash),
          note,
        ),
      )?.status,
    ).toBe(422);
    for (const line of ['A'.repeat(43), `${'A'.repeat(42)}B=`, `${'A'.repeat(42)}_=`, 'AAAA', ` ${'A'.repeat(43)}=`]) {
      expect(refusal(`old 0\n${line}\n\n${note}`)?.status).toBe(400);
    }
  });

  it('take the empty tree for what it is', async () => {
    expect(refusal(await truth.request(0, 0))).toBeUndefined();
    expect(refusal(requestBody(1, [], truth.checkpoint(0)))?.status).toBe(400);
  });
});
