import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Recording } from './viewing-api.js';

/** What stands in the way of playing it, if anything; opening is left to the service all the same. */
export function Playable({ of }: { readonly of: Recording | undefined }): ReactNode {
  if (of === undefined || of.playback?.state === 'ready') return null;
  if (of.playback?.state === 'failed')
    return <Text size="sm">It cannot be played: {of.playback.reason ?? 'no copy for playing could be made.'}</Text>;
  return <Text size="sm">Its copy for playing is still being made.</Text>;
}
