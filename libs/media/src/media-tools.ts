/** Where the tools are and what they may use. Paths absolute, or a name found in the usual folders of programs. */
export interface MediaTools {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** An existing, writable directory for work files; everything put there is removed again. */
  readonly scratch: string;
  /** Address space of one tool process (default 4 GiB; under 2 GiB ffmpeg fails on ordinary footage). Needs `prlimit`. */
  readonly memoryBytes?: number;
  /** The largest file that a tool may write, in bytes (default 64 GiB). Needs `prlimit`. */
  readonly fileBytes?: number;
  /** Wall clock for one tool process (default 3600). */
  readonly timeLimitSeconds?: number;
  /**
   * Whether tools are shut in with bubblewrap: `auto` (default) where the machine allows it, `required` or not at all, `off`. See `isolation`.
   */
  readonly sandbox?: 'auto' | 'required' | 'off';
}
