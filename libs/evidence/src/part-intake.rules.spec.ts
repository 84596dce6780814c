import fc from 'fast-check';
import { type Claim, comeBackAfter, FairQueue, type IntakeBounds } from './part-intake.rules.js';

interface Numbered extends Claim {
  readonly number: number;
}

/** What happens to an intake, in any order: somebody asks, one that came in is done, one that waits gives up. */
type Happening = { readonly asks: string; readonly room: number } | { readonly done: number } | { readonly givesUp: number };

const sender = fc.constantFrom('dock-a', 'dock-b', 'dock-c', 'person-d');
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ asks: sender, room: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ done: fc.nat(1000) }) },
  { weight: 1, arbitrary: fc.record({ givesUp: fc.nat(1000) }) },
);
const bounds: fc.Arbitrary<IntakeBounds> = fc
  .integer({ min: 4, max: 40 })
  .chain((room) =>
    fc.record({ room: fc.constant(room), share: fc.integer({ min: 1, max: room }), queue: fc.integer({ min: 1, max: 20 }) }),
  );

/** An intake as seen from outside: who is in, who waits, who was sent away. */
class Watched {
  readonly queue: FairQueue<Numbered>;
  readonly inside: Numbered[] = [];
  readonly waiting: Numbered[] = [];
  private asked = 0;

  constructor(
    readonly bounds: IntakeBounds,
    private readonly onAdmitted: (claim: Numbered, seen: Watched) => void = () => undefined,
    private readonly onSentAway: (claim: Numbered, seen: Watched) => void = () => undefined,
  ) {
    this.queue = new FairQueue(bounds);
  }

  apply(what: Happening): void {
    if ('asks' in what) this.ask(what.asks, what.room);
    else if ('done' in what) this.finish(what.done);
    else this.giveUp(what.givesUp);
    for (let claim = this.queue.admit(); claim !== undefined; claim = this.queue.admit()) {
      this.onAdmitted(claim, this);
      this.waiting.splice(this.waiting.indexOf(claim), 1);
      this.inside.push(claim);
    }
  }

  held(by: string): number {
    return sum(this.inside.filter((claim) => claim.sender === by));
  }

  private ask(by: string, room: number): void {
    const claim = { sender: by, room, number: this.asked++ };
    this.waiting.push(claim);
    const away = this.queue.join(claim);
    if (away === undefined) return;
    this.onSentAway(away, this);
    this.waiting.splice(this.waiting.indexOf(away), 1);
  }

  private finish(which: number): void {
    const [claim] = this.inside.splice(which % Math.max(1, this.inside.length), 1);
    if (claim !== undefined) this.queue.release(claim);
  }

  private giveUp(which: number): void {
    const [claim] = this.waiting.splice(which % Math.max(1, this.waiting.length), 1);
    if (claim !== undefined) expect(this.queue.leave(claim)).toBe(true);
  }
}

function sum(claims: readonly Claim[]): number {
  return claims.reduce((total, { room }) => total + room, 0);
}

function always(property: (seen: Watched) => void, watch?: ConstructorParameters<typeof Watched>[1]): void {
  fc.assert(
    fc.property(bounds, fc.array(happening, { maxLength: 200 }), (limits, happenings) => {
      const seen = new Watched(limits, watch);
      for (const what of happenings) {
        seen.apply(what);
        property(seen);
      }
    }),
  );
}

describe('the intake of parts', () => {
  it('never has more in flight than its room, unless a single part is larger than that', () => {
    always(({ inside, bounds: { room } }) => {
      if (inside.length > 1) expect(sum(inside)).toBeLessThanOrEqual(room);
    });
  });

  it('loses no room and no part: what it counts is what is there', () => {
    always((seen) => {
      expect(seen.queue.inFlight).toBe(sum(seen.inside));
      expect(seen.queue.length).toBe(seen.waiting.length);
      for (const { sender: by } of seen.inside) expect(seen.queue.heldBy(by)).toBe(seen.held(by));
    });
  });

  it('is empty once everybody is done, and takes a part of any size then', () => {
    fc.assert(
      fc.property(
        bounds,
        fc.array(happening, { maxLength: 100 }),
        fc.integer({ min: 1, max: 100 }),
        (limits, happenings, room) => {
          const seen = new Watched(limits);
          for (const what of happenings) seen.apply(what);
          while (seen.waiting.length > 0) seen.apply({ givesUp: 0 });
          while (seen.inside.length > 0) seen.apply({ done: 0 });
          expect([seen.queue.inFlight, seen.queue.length, seen.queue.heldBy('dock-a')]).toEqual([0, 0, 0]);
          seen.apply({ asks: 'dock-a', room });
          expect(seen.inside).toHaveLength(1);
        },
      ),
    );
  });

  it('lets nobody wait while another who has more in flight is let in', () => {
    always(
      () => undefined,
      (claim, seen) => {
        for (const { sender: other } of seen.waiting) expect(seen.held(claim.sender)).toBeLessThanOrEqual(seen.held(other));
      },
    );
  });

  it('lets nobody wait for nothing: whoever waits has their share, or the next in turn does not fit', () => {
    always(({ waiting, inside, bounds: { room, share } }) => {
      const below = waiting.filter(({ sender: by }) => sum(inside.filter((claim) => claim.sender === by)) < share);
      const free = room - sum(inside);
      if (below.length > 0) expect([inside.length > 0, below.some((claim) => claim.room > free)]).toEqual([true, true]);
    });
  });

  it('gives nobody more once they hold their share', () => {
    always(
      () => undefined,
      (claim, seen) => {
        expect(seen.held(claim.sender)).toBeLessThan(seen.bounds.share);
      },
    );
  });

  it('lets each in by turns, and the parts of one in their order, however many more one of them sends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 2, max: 50 }), (others, many) => {
        const order: Numbered[] = [];
        const seen = new Watched({ room: 1, share: 1, queue: 1000 }, (claim) => order.push(claim));
        for (let i = 0; i < many; i++) seen.apply({ asks: 'busy', room: 1 });
        for (let i = 0; i < others; i++) seen.apply({ asks: `other-${i}`, room: 1 });
        while (seen.inside.length > 0) seen.apply({ done: 0 });
        const turns = order.map((claim) => claim.sender);
        // The first was let in before anybody else was there, the second had asked before the others.
        expect(turns.slice(2, 2 + others).sort()).toEqual(Array.from({ length: others }, (_, i) => `other-${i}`));
        const own = order.filter((claim) => claim.sender === 'busy').map((claim) => claim.number);
        expect(own).toEqual([...own].sort((a, b) => a - b));
        expect(order).toHaveLength(many + others);
      }),
    );
  });

  it('sends away the last of the longest line when too many wait, so that one sender cannot fill the queue', () => {
    const sentAway: [Numbered, number, number][] = [];
    fc.assert(
      fc.property(bounds, fc.array(happening, { maxLength: 200 }), (limits, happenings) => {
        const seen = new Watched(
          limits,
          () => undefined,
          (claim, { waiting }) => {
            const line = (by: string): number => waiting.filter((each) => each.sender === by).length;
            const longest = Math.max(...waiting.map((each) => line(each.sender)));
            sentAway.push([claim, line(claim.sender), longest]);
            expect(line(claim.sender)).toBe(longest);
            expect(Math.max(...waiting.filter((each) => each.sender === claim.sender).map((each) => each.number))).toBe(
              claim.number,
            );
          },
        );
        for (const what of happenings) {
          seen.apply(what);
          expect(seen.waiting.length).toBeLessThanOrEqual(limits.queue);
        }
      }),
      // Chance does not always fill a queue.
      { examples: [[{ room: 1, share: 1, queue: 2 }, Array.from({ length: 6 }, () => ({ asks: 'a', room: 1 }))]] },
    );
    expect(sentAway.length).toBeGreaterThan(0);
  });

  it('forgets a part that left, and leaving twice changes nothing', () => {
    const queue = new FairQueue<Claim>({ room: 1, share: 1, queue: 5 });
    const [first, second] = [
      { sender: 'a', room: 1 },
      { sender: 'a', room: 1 },
    ];
    queue.join(first);
    queue.join(second);
    expect(queue.admit()).toBe(first);
    expect([queue.leave(first), queue.leave(second), queue.leave(second)]).toEqual([false, true, false]);
    queue.release(first);
    expect(queue.admit()).toBeUndefined();
  });
});

describe('a sender who was turned away', () => {
  it('comes back after a few whole seconds', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
        expect([2, 3, 4, 5]).toContain(comeBackAfter(chance));
      }),
    );
  });
});
