import type { Probe, RedactionRegion, Track } from '#media';
import { spanFaults, trackingFaults } from '#media';
import type { ProposalAsked } from './redaction-proposal.entity.js';

/** Longer spans are asked for in pieces: a person looks through what is proposed anyway. */
export const LONGEST_SPAN_MS = 10 * 60_000;

export function spanOf(asked: ProposalAsked): { readonly fromMs: number; readonly untilMs: number } {
  return { fromMs: asked.kind === 'track' ? asked.atMs : asked.fromMs, untilMs: asked.untilMs };
}

/** Everything that is wrong with what was asked; empty when it can be done. */
export function proposalFaults(asked: ProposalAsked, probe: Probe): readonly string[] {
  const { fromMs, untilMs } = spanOf(asked);
  const long =
    untilMs - fromMs > LONGEST_SPAN_MS ? [`At most ${LONGEST_SPAN_MS / 60_000} minutes are looked through at once.`] : [];
  const { width, height } = probe.video;
  const faults =
    asked.kind === 'track'
      ? trackingFaults(asked, { durationMs: probe.durationMs, width, height })
      : spanFaults(fromMs, untilMs, probe.durationMs);
  return [...faults, ...long];
}

/** A track's number within its proposal, from 1: what a person names when confirming. */
export function trackId(index: number): string {
  return String(index + 1);
}

/** The tracks a person chose as regions of a plan, in the order of the proposal; the ids there is no track for. */
export function regionsOf(
  tracks: readonly Track[],
  chosen: readonly string[],
  as: { readonly reason: string; readonly shape: 'rectangle' | 'ellipse' },
): { readonly regions: readonly RedactionRegion[]; readonly unknown: readonly string[] } {
  const ids = tracks.map((_, index) => trackId(index));
  const regions = tracks.flatMap((track, index) =>
    chosen.includes(ids[index] ?? '') ? [{ shape: as.shape, keyframes: track.keyframes, reason: as.reason }] : [],
  );
  return { regions, unknown: chosen.filter((id) => !ids.includes(id)) };
}
