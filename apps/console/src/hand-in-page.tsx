import { Alert, Button, Group, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import { useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { EarlierHandIns } from './earlier-hand-ins.js';
import { FileCard } from './file-card.js';
import { HandInForm } from './hand-in-form.js';
import { HandInRun, isUnderWay } from './hand-in-run.js';
import { progressSentence } from './progress-words.rules.js';

/**
 * @param signedIn false while the session has ended: the page waits
 * @param onSignedOut the service no longer knows the session
 */
export function HandInPage({
  signedIn,
  onSignedOut,
}: {
  readonly signedIn: boolean;
  readonly onSignedOut: () => void;
}): ReactNode {
  const [run] = useState(() => new HandInRun());
  const state = useSyncExternalStore(run.subscribe, run.snapshot);
  const list = useRef<HTMLHeadingElement>(null);
  const underWay = isUnderWay(state);
  // The list appears with the first file; whoever uses a keyboard or listens is taken there.
  const toList = (): number => requestAnimationFrame(() => list.current?.focus());

  useEffect(() => {
    if (state.signedOut && signedIn) onSignedOut();
    // Only the service's saying so counts; that `signedIn` alone changes means that somebody came back.
  }, [state.signedOut]);
  useEffect(() => {
    if (signedIn && run.snapshot().signedOut) run.goOn();
  }, [signedIn, run]);
  useEffect(() => {
    if (!underWay) return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [underWay]);
  useEffect(() => {
    run.begin();
    return () => run.end();
  }, [run]);

  return (
    <Stack gap="lg">
      <div>
        <Title order={1} size="h2">
          Hand in a file
        </Title>
        <Text c="dimmed" mt={4}>
          For footage that does not come from a docking station. Each file is hashed here, in your browser, before it is sent; it
          is sealed when what the service reads back from its store has the same SHA-256.
        </Text>
      </div>
      <HandInForm
        disabled={!signedIn}
        onSubmit={(about, chosen) => {
          run.add(about, chosen);
          toList();
        }}
      />
      {state.files.length > 0 && (
        <Stack component="section" gap="sm" aria-labelledby="handed-in">
          <Group justify="space-between">
            <Title order={2} size="h3" id="handed-in" ref={list} tabIndex={-1}>
              Handed in now
            </Title>
            {underWay &&
              (state.paused ? (
                <Button onClick={() => run.goOn()}>Go on</Button>
              ) : (
                <Button variant="default" onClick={() => run.pause()} disabled={state.signedOut}>
                  Pause
                </Button>
              ))}
          </Group>
          {underWay && (
            <Alert color="blue">
              {state.paused
                ? 'Paused. What has arrived stays there; nothing is lost when you go on later.'
                : 'Keep this page open until everything is sent. Should it close, choose the same files again: what has arrived is not sent twice.'}
            </Alert>
          )}
          <Stack component="ul" gap="sm" className="console-list">
            {state.files.map((file) => (
              <li key={file.key}>
                <FileCard file={file} paused={state.paused || state.signedOut} onTryAgain={() => run.tryAgain(file.key)} />
              </li>
            ))}
          </Stack>
        </Stack>
      )}
      <EarlierHandIns
        signedIn={signedIn}
        onSignedOut={run.signOut}
        here={state.files.flatMap(({ recording }) => recording ?? [])}
        onChosen={(before, file) => {
          run.goOnWith(before, file);
          toList();
        }}
      />
      <VisuallyHidden role="status" aria-live="polite">
        {state.files.length > 0 && progressSentence(state.files, state.paused)}
      </VisuallyHidden>
    </Stack>
  );
}
