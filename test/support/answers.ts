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
  readonly playback: { readonly state: 'pending' | 'ready' | 'failed'; readonly reason: string | null } | null;
}

export interface AccessRequestAnswer {
  readonly id: string;
  readonly state: string;
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
}

export interface ClosedViewingAnswer {
  readonly viewing: string;
  readonly delivered: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly stills: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly files: number;
  readonly bytes: number;
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
  readonly job: 'seal' | 'transcode' | 'redact' | 'propose' | 'fixity' | 'drop-upload';
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
