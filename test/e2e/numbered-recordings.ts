import { randomBytes } from 'node:crypto';
import type { ManifestFile } from '#tlog';
import type { UploadAnswer } from '../support/answers.js';
import type { TestDock } from '../support/dock.js';
import type { HttpClient } from '../support/http.js';

export function newSerial(): string {
  return `X-${randomBytes(5).toString('hex')}`;
}

/** A time so many hours into 14 March 2026. */
export function march(hours: number): string {
  return new Date(Date.UTC(2026, 2, 14) + hours * 3_600_000).toISOString();
}

/** Both ends included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

export async function registerCamera(administrator: HttpClient, serial = newSerial()): Promise<{ id: string; serial: string }> {
  const request = { serial, model: 'Body 3' };
  return (await administrator.post<{ id: string; serial: string }>('/api/cameras', request)).expect(201).body;
}

/** A file of which nobody needs to see anything. Without an officer unless one is stated. */
export function anyFile(dock: TestDock, stated: Partial<ManifestFile>): ManifestFile {
  const { officer: _, ...described } = dock.describe('clip.mp4', randomBytes(32));
  return { ...described, ...stated };
}

/** @returns the recordings, in the order of `files` */
export async function announceFiles(dock: TestDock, files: readonly ManifestFile[]): Promise<readonly UploadAnswer[]> {
  return (await dock.announce(dock.manifestOf(files))).expect(200).body.files;
}

/** A recording for each number, made as many hours into the month. */
export async function announceNumbers(
  dock: TestDock,
  serial: string,
  numbers: readonly number[],
): Promise<readonly UploadAnswer[]> {
  const files = numbers.map((counter) => anyFile(dock, { camera: serial, counter, recordedAt: march(counter) }));
  return announceFiles(dock, files);
}
