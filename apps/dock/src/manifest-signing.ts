import { randomUUID, type KeyObject } from 'node:crypto';
import { signManifest, TlogError, type ManifestFile } from '#tlog';
import { UsageFault } from './dock-faults.js';
import { dockSigner } from './dock-key.js';

export interface SigningDock {
  /** UUID. */
  readonly id: string;
  readonly key: KeyObject;
}

/** A new manifest for exactly these files, signed. @throws UsageFault when they cannot be announced as they are described */
export function signedManifest(dock: SigningDock, files: readonly ManifestFile[]): string {
  try {
    const manifest = { id: randomUUID(), dock: dock.id, createdAt: new Date().toISOString(), files };
    return signManifest(manifest, dockSigner(dock.id, dock.key));
  } catch (error) {
    if (error instanceof TlogError) throw new UsageFault(`These files cannot be announced: ${error.message}`);
    throw error;
  }
}
