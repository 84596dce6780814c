import { v5 as uuidv5 } from 'uuid';

// Made once at random; only has to stay the same.
const NAMESPACE = '5f0c1f2e-8d0b-4c58-9a43-6a1d2f6b7c90';

/** What entries about the log itself are about: a UUID of its origin. RFC 9562 §5.5 */
export function logSubject(origin: string): string {
  return uuidv5(origin, NAMESPACE);
}
