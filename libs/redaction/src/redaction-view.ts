import type { Redaction, Rendering, SavedPlan } from './redaction.entity.js';
import type { RenderingProgress, WholeRedaction } from './redactions.service.js';
import type { RedactionPlan } from '#media';

/** A redaction as it stands: what is said of rendering and review is of the newest version of its plan. */
export interface RedactionView {
  readonly id: string;
  readonly recording: string;
  /** draft, rendering, rendered, failed, approved, rejected, released or discarded. */
  readonly state: string;
  readonly version: number;
  readonly reason: string;
  /** Who began it. */
  readonly author: string;
  readonly createdAt: string;
  /** The sealed recording that came of it. */
  readonly result: string | null;
  readonly failure: string | null;
  readonly finishedAt: string | null;
  readonly review: ReviewView | null;
  readonly releasedBy: string | null;
  readonly releasedAt: string | null;
}

interface ReviewView {
  readonly by: string | null;
  readonly at: string | null;
  readonly approved: boolean;
  readonly note: string | null;
}

export interface PlanVersionView {
  readonly version: number;
  /** Of the plan's canonical JSON, lowercase hexadecimal. */
  readonly sha256: string;
  readonly author: string;
  readonly savedAt: string;
  readonly note: string | null;
  readonly regions: number;
  readonly mutes: number;
}

export interface SavedPlanView extends PlanVersionView {
  readonly plan: RedactionPlan;
}

interface RenderingView {
  readonly id: string;
  readonly version: number;
  readonly orderedBy: string;
  readonly orderedAt: string;
  readonly finishedAt: string | null;
  readonly failure: string | null;
  readonly result: string | null;
  readonly tool: string | null;
  readonly recipe: string | null;
  readonly review: ReviewView | null;
}

export interface WholeRedactionView extends RedactionView {
  /** Of the newest version. */
  readonly plan: RedactionPlan;
  readonly planSha256: string;
  readonly versions: readonly PlanVersionView[];
  readonly renderings: readonly RenderingView[];
  /** While it is being rendered. */
  readonly progress: RenderingProgress | null;
}

function reviewOf({ reviewedBy, reviewedAt, approved, reviewNote }: Rendering): ReviewView | null {
  if (approved === null) return null;
  return { by: reviewedBy, at: reviewedAt?.toISOString() ?? null, approved, note: reviewNote };
}

/** @param rendering of the newest version, if that was ordered */
export function viewRedaction(redaction: Redaction, rendering: Rendering | undefined): RedactionView {
  return {
    id: redaction.id,
    recording: redaction.recordingId,
    state: redaction.state,
    version: redaction.version,
    reason: redaction.reason,
    author: redaction.authorId,
    createdAt: redaction.createdAt.toISOString(),
    result: rendering?.resultId ?? null,
    failure: rendering?.failure ?? null,
    finishedAt: rendering?.finishedAt?.toISOString() ?? null,
    review: rendering === undefined ? null : reviewOf(rendering),
    releasedBy: redaction.releasedBy,
    releasedAt: redaction.releasedAt?.toISOString() ?? null,
  };
}

export function viewVersion({ version, sha256, authorId, savedAt, note, plan }: SavedPlan): PlanVersionView {
  return {
    version,
    sha256: sha256.toString('hex'),
    author: authorId,
    savedAt: savedAt.toISOString(),
    note,
    regions: plan.regions.length,
    mutes: plan.mutes.length,
  };
}

function viewRendering(rendering: Rendering): RenderingView {
  return {
    id: rendering.id,
    version: rendering.version,
    orderedBy: rendering.orderedBy,
    orderedAt: rendering.orderedAt.toISOString(),
    finishedAt: rendering.finishedAt?.toISOString() ?? null,
    failure: rendering.failure,
    result: rendering.resultId,
    tool: rendering.tool,
    recipe: rendering.recipe,
    review: reviewOf(rendering),
  };
}

export function viewWhole({ redaction, plans, renderings, progress }: WholeRedaction): WholeRedactionView {
  const newest = plans.at(-1);
  if (newest === undefined) throw new Error(`redaction ${redaction.id} has no plan`);
  const rendering = renderings.find(({ version }) => version === redaction.version);
  return {
    ...viewRedaction(redaction, rendering),
    plan: newest.plan,
    planSha256: newest.sha256.toString('hex'),
    versions: plans.map(viewVersion),
    renderings: renderings.map(viewRendering),
    progress,
  };
}
