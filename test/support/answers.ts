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
  readonly media: {
    readonly container: string;
    readonly durationMs: number;
    readonly video: { readonly codec: string; readonly width: number; readonly height: number; readonly rotation: number };
    readonly audio: { readonly codec: string; readonly channels: number } | null;
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
  readonly expiresAt: string;
}

export interface ClosedViewingAnswer {
  readonly viewing: string;
  readonly delivered: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly files: number;
  readonly bytes: number;
}

export interface RedactionAnswer {
  readonly planSha256: string;
  readonly id: string;
  readonly recording: string;
  readonly state: 'rendering' | 'sealed' | 'failed';
  readonly result: string | null;
  readonly failure: string | null;
}

export interface CustodyEntryAnswer {
  readonly index: string;
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  readonly actor: string | null;
  readonly event: Readonly<Record<string, unknown>>;
}
