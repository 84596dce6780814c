import { execFile } from 'node:child_process';
import { lstat, readlink, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';

/**
 * How far a tool is shut in:
 *
 * - `bubblewrap`: it sees the system's programs and fonts, the one file it reads and the folder it writes; no network, no other process
 * - `limits-only`: it could open what this process can open, and is bounded in memory, time and size alone
 * - `none`: it is not even bounded (no `prlimit`)
 */
export interface Isolation {
  readonly mode: 'bubblewrap' | 'limits-only' | 'none';
  /** What that means, and what is missing for more; for the log and for whoever asks after the worker's health. */
  readonly sentence: string;
}

/** What one run of a tool may touch. Absolute paths. */
export interface Reach {
  /** Seen, and not to be changed. What is not there is left out. */
  readonly reads: readonly string[];
  /** Files and folders it may write. They must exist. */
  readonly writes: readonly string[];
  /** Where it is started; one of `writes`, or none. */
  readonly cwd?: string;
}

/** The words before the tool, and the tool itself as the last of them. */
export interface Launcher {
  readonly program: string;
  readonly arguments: readonly string[];
}

const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/opt/homebrew/bin'];
const PATH = `PATH=${PROGRAM_FOLDERS.join(':')}`;
export const DEFAULT_MEMORY_BYTES = 4 * 1024 ** 3;
export const DEFAULT_TIME_LIMIT_SECONDS = 3600;
/** As much as the largest recording that is taken by default. */
export const DEFAULT_FILE_BYTES = 64 * 1024 ** 3;

/**
 * Encoding can wait: files that were docked are sealed first. Linux may weigh sessions against each other before it looks at what is nice
 * within one, and ours is a session of its own: so that is told too, where there is such a thing. sched(7), "The autogroup feature"
 */
const BEHIND_ALL_OTHERS = ['sh', '-c', '{ echo 19 > /proc/self/autogroup; } 2> /dev/null; exec nice -n 19 "$@"', 'sh'] as const;

/** Beside programs and libraries: what they are found through, and what draws text. */
const ALSO_SEEN = ['/etc/alternatives', '/etc/ld.so.cache', '/etc/fonts', '/var/cache/fontconfig'];
/** On systems without a merged /usr these are folders, on others links into it. */
const ROOT_FOLDERS = ['/lib', '/lib32', '/lib64', '/libx32', '/bin', '/sbin'];
/** Trees whose programs come with libraries of their own beside them. */
const PROGRAM_TREES = ['/opt', '/nix/store', '/gnu/store', '/snap'];
/** With /proc: a worker that runs as root could otherwise set the machine's own parameters (/proc/sys), for which no capability is asked. */
const READ_ONLY = ['--remount-ro', '/proc', '--remount-ro', '/dev', '--remount-ro', '/'];
/**
 * Processes and threads in one sandbox. Set within it, where Linux counts them apart from all others of the same person (since 5.14), and far above what
 * ffmpeg starts on a large machine. Root alone is not held by it.
 */
const MOST_PROCESSES = 1024;
/** Where `disable-userns` is not known (bubblewrap before 0.8) or not possible, the rest holds all the same. */
const NAMESPACES = [
  ['--unshare-all', '--unshare-user', '--disable-userns'],
  ['--unshare-all', '--unshare-user'],
] as const;

interface Means {
  readonly setsid: boolean;
  readonly setpriv: boolean;
  readonly prlimit: boolean;
  readonly nice: boolean;
  /** The words that shut the system in, or why there are none. */
  readonly bubblewrap: readonly string[] | 'not-installed' | 'refused';
}

/** How tools are shut in on this machine, as the runner does it. @throws MediaError `not-isolated` when bubblewrap is required and cannot be had */
export async function isolation(tools: Pick<MediaTools, 'sandbox'>): Promise<Isolation> {
  const means = await meansOfThisMachine();
  const bounded = 'Memory, processor time, open files and the size of what is written are bounded.';
  if (tools.sandbox !== 'off' && typeof means.bubblewrap === 'object') {
    const sentence = `Video tools run in bubblewrap: without a network, and they see no file but the one they work on. ${bounded}`;
    return { mode: 'bubblewrap', sentence };
  }
  const why =
    tools.sandbox === 'off'
      ? 'MEDIA_SANDBOX=off'
      : means.bubblewrap === 'not-installed'
        ? 'the package bubblewrap is not installed'
        : 'the system refuses it the namespaces it needs, as containers do by default';
  if (tools.sandbox === 'required') {
    throw new MediaError('not-isolated', `Video tools must run in bubblewrap (MEDIA_SANDBOX=required), but ${why}.`);
  }
  const open = `Video tools run without bubblewrap (${why}): a file that takes a flaw in ffmpeg over could reach what this process can reach, other files and the network among it.`;
  return means.prlimit
    ? { mode: 'limits-only', sentence: `${open} ${bounded}` }
    : { mode: 'none', sentence: `${open} The program prlimit is missing, so nothing but the time is bounded.` };
}

/**
 * The command line that starts a tool. Each program replaces itself with the next one (exec), so the process id stays that of the child Node
 * knows: `env -i` hides our environment and its secrets, `setsid` makes a group that can be killed whole, `setpriv --pdeathsig` takes the
 * tool down when this process dies without a chance to clean up, `prlimit` bounds it, bubblewrap shuts it in. What the system lacks is left out.
 *
 * bubblewrap stays in front of the tool as its parent: it is killed with the group, and the kernel ends a process namespace with its first
 * process, whatever was forked in it (pid_namespaces(7)). Not `--new-session`: the session is new already, and one more would part
 * the tool from the group and from its place behind all others.
 *
 * @param yielding whether everything else on the machine goes first
 * @throws MediaError `not-isolated`
 */
export async function launcherFor(tools: MediaTools, tool: string, reach: Reach, yielding = false): Promise<Launcher> {
  const { mode } = await isolation(tools);
  const { setsid, setpriv, prlimit, nice, bubblewrap } = await meansOfThisMachine();
  const shutIn = mode === 'bubblewrap' && typeof bubblewrap === 'object';
  const program = shutIn ? await found(tool) : tool;
  return {
    program: '/usr/bin/env',
    arguments: [
      ...['-i', PATH, 'LC_ALL=C.UTF-8'],
      // In the sandbox the folder of the job is the only one to write in.
      ...(shutIn ? (reach.cwd === undefined ? [] : [`TMPDIR=${reach.cwd}`]) : [`TMPDIR=${resolve(tools.scratch)}`]),
      ...(setsid ? ['setsid'] : []),
      ...(yielding && nice ? BEHIND_ALL_OTHERS : []),
      ...(setpriv ? ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'] : []),
      ...(prlimit ? ['prlimit', ...limits(tools)] : []),
      ...(shutIn ? [...bubblewrap, ...bindings(program, reach), '--', 'prlimit', `--nproc=${MOST_PROCESSES}`] : []),
      program,
    ],
  };
}

function limits(tools: MediaTools): string[] {
  const seconds = (tools.timeLimitSeconds ?? DEFAULT_TIME_LIMIT_SECONDS) * availableParallelism() + 1;
  return [
    `--as=${tools.memoryBytes ?? DEFAULT_MEMORY_BYTES}`,
    `--cpu=${Math.ceil(seconds)}`,
    `--fsize=${tools.fileBytes ?? DEFAULT_FILE_BYTES}`,
    '--core=0',
    '--nofile=256',
  ];
}

/** Later ones lie over earlier ones: a source inside the working folder stays one that cannot be written. */
function bindings(program: string, reach: Reach): string[] {
  const tree = PROGRAM_TREES.find((folder) => program.startsWith(folder + sep));
  const ownProgram = !isAbsolute(program) || program.startsWith('/usr/') ? [] : ['--ro-bind-try', program, program];
  const within = reach.cwd;
  const elsewhere = reach.writes.filter((path) => within === undefined || (path !== within && !path.startsWith(within + sep)));
  return [
    ...(tree === undefined ? ownProgram : ['--ro-bind', tree, tree]),
    ...(within === undefined ? [] : ['--bind', within, within]),
    ...elsewhere.flatMap((path) => ['--bind', path, path]),
    ...reach.reads.flatMap((path) => ['--ro-bind-try', path, path]),
    ...READ_ONLY,
    ...['--chdir', within ?? '/'],
  ];
}

/** Where a program really is: a link from a usual folder may lead out of what the sandbox shows. One that is not found stays a name. */
async function found(tool: string): Promise<string> {
  for (const path of tool.includes('/') ? [resolve(tool)] : PROGRAM_FOLDERS.map((folder) => join(folder, tool))) {
    const real = await realpath(path).catch(() => undefined);
    // A link within /usr is followed there as well, and a program may look at the name it was called by.
    if (real !== undefined) return real.startsWith('/usr/') && dirname(path).startsWith('/usr') ? path : real;
  }
  return tool;
}

let means: Promise<Means> | undefined;

/** Tried out once: that a program is there does not say that it may do its work here. */
function meansOfThisMachine(): Promise<Means> {
  means ??= (async (): Promise<Means> => {
    const [setsid, setpriv, prlimit, nice, bubblewrap] = await Promise.all([
      works(['setsid', 'true']),
      works(['setpriv', '--pdeathsig', 'KILL', '--no-new-privs', 'true']),
      works(['prlimit', '--core=0', 'true']),
      works([...BEHIND_ALL_OTHERS, 'true']),
      bubblewrapHere(),
    ]);
    // Without a group to kill and without limits the sandbox would promise more than it holds.
    return { setsid, setpriv, prlimit, nice, bubblewrap: setsid && prlimit ? bubblewrap : 'refused' };
  })();
  return means;
}

async function bubblewrapHere(): Promise<Means['bubblewrap']> {
  if (!(await works(['bwrap', '--version']))) return 'not-installed';
  const system = await systemBindings();
  for (const namespaces of NAMESPACES) {
    const words = ['bwrap', ...namespaces, '--die-with-parent', '--cap-drop', 'ALL', ...system];
    if (await works(['setpriv', '--no-new-privs', ...words, ...READ_ONLY, '--', 'true'])) return words;
  }
  return 'refused';
}

async function systemBindings(): Promise<string[]> {
  const roots = await Promise.all(
    ROOT_FOLDERS.map(async (folder) => {
      const is = await lstat(folder).catch(() => undefined);
      if (is === undefined) return [];
      return is.isSymbolicLink() ? ['--symlink', await readlink(folder), folder] : ['--ro-bind', folder, folder];
    }),
  );
  return [
    ...['--ro-bind', '/usr', '/usr'],
    ...roots.flat(),
    ...ALSO_SEEN.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev'],
  ];
}

function works(command: readonly string[]): Promise<boolean> {
  return new Promise((done) => {
    execFile('/usr/bin/env', ['-i', PATH, ...command], (error) => done(error === null));
  });
}
