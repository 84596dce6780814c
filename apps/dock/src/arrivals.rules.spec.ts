import fc from 'fast-check';
import { extensionsIn, hasArrived, isVideo, sighted, type Sighting } from './arrivals.rules.js';

const looks = fc.array(
  fc.record({
    size: fc.integer({ min: 0, max: 2 }),
    modifiedMs: fc.integer({ min: 0, max: 2 }),
    afterMs: fc.integer({ min: 1, max: 3000 }),
  }),
  { minLength: 1, maxLength: 30 },
);

it('a file has arrived only when every look of the last five seconds saw the same, and then it has', () => {
  fc.assert(
    fc.property(looks, (seen) => {
      let [now, sighting] = [0, undefined as Sighting | undefined];
      const all = seen.map((look) => {
        now += look.afterMs;
        sighting = sighted(sighting, look, now);
        return { ...look, at: now, arrived: hasArrived(sighting, 5000) };
      });
      all.forEach((look, i) => {
        const sinceChange = all.slice(0, i + 1).reverse();
        const same = sinceChange.findIndex(({ size, modifiedMs }) => size !== look.size || modifiedMs !== look.modifiedMs);
        const first = sinceChange[(same === -1 ? sinceChange.length : same) - 1];
        expect(look.arrived).toBe(look.at - (first?.at ?? look.at) >= 5000);
      });
    }),
  );
});

it('takes videos by their extension and leaves hidden files alone', () => {
  const extensions = extensionsIn('mp4, .MOV *.mkv');
  expect(extensions).toEqual(['mp4', 'mov', 'mkv']);
  expect(['a.mp4', 'A.MP4', 'x.y.mov'].every((name) => isVideo(name, extensions))).toBe(true);
  expect(['.a.mp4', 'mp4', '.mp4', 'a.mp4.part', 'a.json', 'a.'].some((name) => isVideo(name, extensions))).toBe(false);
});
