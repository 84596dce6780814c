import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

/** One segment as a viewer fetches it, with its place in the recording. */
export interface LoadedSegment {
  readonly path: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface LoadViewer {
  readonly cookie: string;
  /** Fetched one after the other, and again from the first. */
  readonly segments: readonly LoadedSegment[];
  /** Where the player reports what it played; none of a server that takes no reports. */
  readonly reports?: string;
}

export interface LoadOpener {
  readonly cookie: string;
  readonly path: string;
  readonly body: string;
}

/** Everybody at their own pace, as players do: whoever is answered late asks for the next segment in time all the same. */
export interface PacedLoad {
  readonly kind: 'paced';
  readonly origin: string;
  readonly seconds: number;
  readonly segmentEveryMs: number;
  readonly reportEveryMs: number;
  readonly viewers: readonly LoadViewer[];
  readonly openers: readonly LoadOpener[];
  readonly opensPerSecond: number;
}

/** One segment after the other as fast as they come, each viewer over one connection. */
export interface FullLoad {
  readonly kind: 'full';
  readonly origin: string;
  readonly seconds: number;
  readonly viewers: readonly LoadViewer[];
}

/** Times in milliseconds from the moment when each was due, shortest first. */
export interface LoadResult {
  readonly seconds: number;
  readonly bytes: number;
  readonly segments: number;
  readonly firstByteMs: readonly number[];
  /** Segments that were not whole before the next was due. */
  readonly missed: number;
  readonly openMs: readonly number[];
  readonly reports: number;
  /** Answers that nobody should have got, the first of them. */
  readonly wrong: readonly string[];
}

/** Runs in a process of its own: neither the service's loop nor the measuring one waits for it. @throws Error when an answer was wrong */
export async function load(plan: PacedLoad | FullLoad): Promise<LoadResult> {
  const child = fork(fileURLToPath(import.meta.url), [], { execArgv: ['--max-semi-space-size=16'] });
  const results: LoadResult[] = [];
  child.on('message', (result) => results.push(result as LoadResult));
  child.send(plan);
  const [code] = (await once(child, 'exit')) as [number | null];
  const [result] = results;
  if (code !== 0 || result === undefined) throw new Error('The program that plays the viewers failed.');
  if (result.wrong.length > 0) throw new Error(`Viewers got wrong answers: ${result.wrong.join('; ')}`);
  return result;
}

const WRONG_ANSWERS_TOLD = 5;
/** How long what is under way at the end may take. */
const GRACE_MS = 10_000;

class Load {
  private readonly begun = performance.now();
  private readonly result = { bytes: 0, segments: 0, missed: 0, reports: 0, wrong: [] as string[] };
  private readonly firstByteMs: number[] = [];
  private readonly openMs: number[] = [];
  private readonly agents: Agent[] = [];

  constructor(private readonly origin: URL) {}

  async paced(plan: PacedLoad): Promise<LoadResult> {
    const underWay: Promise<void>[] = [];
    const end = this.begun + plan.seconds * 1000;
    const viewers = plan.viewers.map(async (viewer, n) => {
      const agent = this.connection();
      const played: LoadedSegment[] = [];
      let [seq, reportAt] = [0, this.begun + (plan.reportEveryMs * (n + 1)) / plan.viewers.length];
      let due = this.begun + (plan.segmentEveryMs * n) / plan.viewers.length;
      for (let next = 0; due < end; next++, due += plan.segmentEveryMs) {
        await until(due);
        const segment = viewer.segments[next % viewer.segments.length];
        if (segment === undefined) throw new Error('A viewer has nothing to watch.');
        underWay.push(this.segment(agent, viewer, segment, due, plan.segmentEveryMs, played));
        if (viewer.reports === undefined || due < reportAt) continue;
        reportAt += plan.reportEveryMs;
        underWay.push(this.report(agent, viewer.cookie, viewer.reports, seq++, played.splice(0)));
      }
    });
    const opening = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true });
      this.agents.push(agent);
      for (let n = 0, due = this.begun; due < end && plan.opensPerSecond > 0; n++, due += 1000 / plan.opensPerSecond) {
        await until(due);
        const opener = plan.openers[n % plan.openers.length];
        if (opener !== undefined) underWay.push(this.open(agent, opener, due));
      }
    };
    await Promise.all([...viewers, opening()]);
    const seconds = (performance.now() - this.begun) / 1000;
    await Promise.race([Promise.all(underWay), delay(GRACE_MS, undefined, { ref: false })]);
    return this.told(seconds);
  }

  async full({ seconds, viewers }: FullLoad): Promise<LoadResult> {
    const end = this.begun + seconds * 1000;
    await Promise.all(
      viewers.map(async (viewer) => {
        const agent = this.connection();
        for (let next = 0; performance.now() < end; next++) {
          const segment = viewer.segments[next % viewer.segments.length];
          if (segment === undefined) throw new Error('A viewer has nothing to watch.');
          await this.segment(agent, viewer, segment, performance.now(), Infinity, []);
        }
      }),
    );
    return this.told((performance.now() - this.begun) / 1000);
  }

  private told(seconds: number): LoadResult {
    const sorted = (times: readonly number[]): number[] => [...times].sort((a, b) => a - b);
    const result = { ...this.result, wrong: [...this.result.wrong], seconds };
    // After that: what is still under way ends with an error, which is no answer.
    for (const agent of this.agents) agent.destroy();
    return { ...result, firstByteMs: sorted(this.firstByteMs), openMs: sorted(this.openMs) };
  }

  private connection(): Agent {
    const agent = new Agent({ keepAlive: true });
    this.agents.push(agent);
    return agent;
  }

  private async segment(
    agent: Agent,
    { cookie }: LoadViewer,
    segment: LoadedSegment,
    due: number,
    withinMs: number,
    played: LoadedSegment[],
  ): Promise<void> {
    // Counted when it is asked for, so that what is never answered is missed as well.
    this.result.missed++;
    const answer = await this.ask(agent, 'GET', segment.path, cookie);
    if (answer === undefined) return;
    this.result.segments++;
    this.result.bytes += answer.bytes;
    this.firstByteMs.push(answer.firstByteAt - due);
    if (answer.endedAt - due <= withinMs) this.result.missed--;
    played.push(segment);
  }

  private async report(
    agent: Agent,
    cookie: string,
    path: string,
    seq: number,
    segments: readonly LoadedSegment[],
  ): Promise<void> {
    const played = segments.map(({ fromMs, toMs }) => ({ fromMs: Math.round(fromMs), toMs: Math.round(toMs) }));
    const body = JSON.stringify({ seq, played, seeks: 0, pauses: 0, hiddenMs: 0, speedPercent: 100 });
    if ((await this.ask(agent, 'POST', path, cookie, body)) !== undefined) this.result.reports++;
  }

  private async open(agent: Agent, { cookie, path, body }: LoadOpener, due: number): Promise<void> {
    const answer = await this.ask(agent, 'POST', path, cookie, body);
    if (answer !== undefined) this.openMs.push(answer.endedAt - due);
  }

  /** Reads the answer to its end and keeps none of it. @returns undefined when it was no good */
  private async ask(
    agent: Agent,
    method: string,
    path: string,
    cookie: string,
    body?: string,
  ): Promise<{ readonly firstByteAt: number; readonly endedAt: number; readonly bytes: number } | undefined> {
    const { hostname, port } = this.origin;
    const json = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const wrong = (how: string): undefined => {
      if (this.result.wrong.length < WRONG_ANSWERS_TOLD) this.result.wrong.push(`${method} ${path}: ${how}`);
    };
    return new Promise((resolve) => {
      const failed = (error: Error): void => resolve(wrong(error.message));
      const asked = request({ agent, hostname, port, method, path, headers: { cookie, ...json } }, (answer) => {
        let [firstByteAt, bytes] = [0, 0];
        answer.on('data', (chunk: Buffer) => {
          if (bytes === 0) firstByteAt = performance.now();
          bytes += chunk.length;
        });
        answer.on('error', failed);
        answer.on('end', () => {
          const { statusCode = 0 } = answer;
          resolve(
            statusCode >= 200 && statusCode < 300
              ? { firstByteAt, endedAt: performance.now(), bytes }
              : wrong(String(statusCode)),
          );
        });
      });
      asked.on('error', failed);
      asked.end(body);
    });
  }
}

async function until(moment: number): Promise<void> {
  const left = moment - performance.now();
  if (left > 0) await delay(left);
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [plan] = (await once(process, 'message')) as [PacedLoad | FullLoad];
  const running = new Load(new URL(plan.origin));
  process.send(plan.kind === 'paced' ? await running.paced(plan) : await running.full(plan));
  process.disconnect();
}
