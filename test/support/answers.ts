import type { SearchStatement } from '#tlog';

/** What the service answers, as far as tests and the demonstration look at it. The OpenAPI document says all. */

export interface PersonAnswer {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly badge: string | null;
  readonly roles: readonly string[];
}

export interface DockAnswer {
  readonly id: string;
  readonly name: string;
  readonly logKey: string | null;
}

export interface UploadAnswer {
  readonly recording: string;
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
  readonly state: 'receiving' | 'sealing' | 'sealed' | 'quarantined' | 'expired' | 'duplicate';
  readonly partSize: number;
  readonly partsReceived: readonly number[];
  readonly duplicateOf?: string;
  readonly reason?: string;
}

export interface RecordingAnswer {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly origin: 'dock' | 'handed-in' | 'derived';
  readonly camera: string | null;
  readonly officer: string | null;
  readonly state: 'receiving' | 'sealing' | 'sealed' | 'quarantined' | 'expired';
  readonly reason: string | null;
  readonly parent: string | null;
  readonly releasedAt: string | null;
  readonly media: {
    readonly container: string;
    readonly durationMs: number;
    readonly video: { readonly codec: string; readonly width: number; readonly height: number; readonly rotation: number };
    readonly audio: { readonly codec: string; readonly channels: number } | null;
    /** Why its picture cannot be decoded. */
    readonly problem?: string;
    readonly technical?: {
      readonly decodable: boolean;
      readonly location: boolean;
      readonly chapters: number;
      readonly counts: Readonly<Record<string, number>>;
      readonly tracks: readonly Readonly<Record<string, unknown>>[];
    };
  } | null;
  readonly cases: readonly { readonly id: string; readonly number: string; readonly title: string }[] | null;
  readonly playback: { readonly state: 'pending' | 'ready' | 'failed'; readonly reason: string | null } | null;
}

export interface CaseAnswer {
  readonly id: string;
  readonly number: string;
  readonly title: string;
  readonly sensitivity: 'normal' | 'high';
  readonly state: 'open' | 'closed';
  readonly closedAt: string | null;
  /** Where one case is asked for. */
  readonly recordingCount?: number;
  readonly recordings?: readonly string[];
  readonly people?: readonly {
    readonly id: string;
    readonly person: string | null;
    readonly name: string;
    readonly part: string;
  }[];
}

export interface SearchStatementAnswer {
  readonly id: string;
  readonly sha256: string;
  readonly throughIndex: string;
  readonly statement: SearchStatement;
}

export interface AccessRequestAnswer {
  readonly id: string;
  readonly state: string;
  readonly recordings: readonly string[];
  readonly items: { readonly open: number; readonly granted: number; readonly denied: number };
}

export interface DetailedRequestAnswer extends Omit<AccessRequestAnswer, 'items' | 'recordings'> {
  readonly until: string;
  readonly dueAt: string | null;
  readonly items: readonly {
    readonly recording: string;
    readonly state: 'open' | 'granted' | 'denied';
    readonly sensitivity: string;
    readonly rule: { readonly name: string; readonly seats: readonly string[]; readonly need: number };
    readonly decisions: readonly {
      readonly by: string;
      readonly inPlaceOf: string | null;
      readonly seat: string;
      readonly verdict: 'approve' | 'deny';
      readonly reason: string | null;
    }[];
  }[];
}

export interface GrantAnswer {
  readonly id: string;
  readonly recording: string;
  readonly person: string;
  readonly expiresAt: string;
}

export interface ViewingAnswer {
  readonly viewing: string;
  readonly recording: string;
  readonly playlist: string;
  readonly poster: string;
  readonly sprite: string | null;
  readonly waveform: string | null;
  readonly expiresAt: string;
  readonly overlay: { readonly viewer: string; readonly viewing: string; readonly agency: string };
  readonly heartbeatSeconds: number;
}

export interface OriginalAnswer {
  readonly viewing: string;
  readonly file: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly intact: boolean;
}

export interface ClosedViewingAnswer {
  readonly viewing: string;
  readonly delivered: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly stills: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly files: number;
  readonly bytes: number;
  readonly aborted: number;
  readonly reported?: {
    readonly played: readonly { readonly fromMs: number; readonly toMs: number }[];
    readonly seeks: number;
    readonly pauses: number;
    readonly hiddenMs: number;
    readonly fastestPercent: number;
  };
  readonly original?: readonly { readonly first: number; readonly last: number }[];
}

export interface RedactionAnswer {
  readonly planSha256: string;
  readonly id: string;
  readonly recording: string;
  readonly state: 'draft' | 'rendering' | 'rendered' | 'failed' | 'approved' | 'rejected' | 'released' | 'discarded';
  readonly version: number;
  readonly result: string | null;
  readonly failure: string | null;
  readonly review: { readonly by: string; readonly approved: boolean; readonly note: string | null } | null;
  readonly releasedBy: string | null;
  readonly versions: readonly { readonly version: number; readonly sha256: string; readonly author: string }[];
  readonly renderings: readonly { readonly id: string; readonly version: number; readonly result: string | null }[];
  readonly progress: { readonly job: string; readonly percent: number | null } | null;
}

export interface CustodyEntryAnswer {
  readonly index: string;
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  readonly actor: string | null;
  readonly event: Readonly<Record<string, unknown>>;
}

export interface JobAnswer {
  readonly id: string;
  readonly job: 'seal' | 'transcode' | 'redact' | 'propose' | 'disclose' | 'fixity' | 'drop-upload';
  readonly ref: string;
  readonly recording: string | null;
  readonly state: 'waiting' | 'running' | 'done' | 'parked' | 'cancelled';
  readonly percent: number | null;
  readonly secondsLeft: number | null;
  readonly failures: number;
  readonly lastError: string | null;
  readonly startedAt: string | null;
  readonly nextAttemptAt: string | null;
  readonly endedAt: string | null;
}

export interface RecordingLockAnswer {
  readonly id: string;
  readonly recording: string;
  readonly person: string;
  readonly statementAt: string | null;
  readonly liftedAt: string | null;
}

export interface NoticeAnswer {
  readonly id: string;
  readonly kind: string;
  readonly about: string;
  readonly text: string;
  readonly readAt: string | null;
}

export interface EmergencyAnswer {
  readonly id: string;
  readonly requestedBy: string;
  readonly recordings: readonly string[];
  readonly until: string;
  readonly overdue: boolean;
  readonly justified: boolean | null;
  readonly grants: readonly GrantAnswer[];
}

export interface SamplingAnswer {
  readonly id: string;
  readonly state: 'committed' | 'drawn';
  readonly population: number;
  readonly populationSha256: string;
  readonly byChance: boolean;
  readonly entry: string;
  readonly recordings: readonly string[];
  readonly checkpoint: string | null;
  readonly checkpointSize: string | null;
  readonly seed: string | null;
  readonly drawn: readonly string[] | null;
}
