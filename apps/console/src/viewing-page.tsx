import { Alert, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Player, type Ending } from './player.js';
import { sizeInWords } from './progress-words.rules.js';
import { Refused, sentenceOf } from './service.js';
import { openViewing, whyOver, type ClosedViewing, type OpenedViewing } from './viewing-api.js';
import type { ViewingReporter } from './viewing-reporter.js';
import { purposeInWords, rangesInWords } from './viewing-words.rules.js';

/** What is to be watched, and what for. */
export interface ToWatch {
  readonly recording: string;
  readonly name: string;
  readonly purpose: string;
  /** Undefined where a standing rule of the policy allows it. */
  readonly caseNumber?: string;
  readonly grant?: string;
}

type Stage =
  | { readonly kind: 'confirming'; readonly problem?: string }
  | { readonly kind: 'opening' }
  | { readonly kind: 'watching'; readonly opened: OpenedViewing }
  | { readonly kind: 'closing'; readonly why: string | undefined; readonly viewing: string }
  | {
      readonly kind: 'closed';
      readonly why: string | undefined;
      readonly viewing: string;
      readonly onRecord: ClosedViewing | undefined;
      /** Why it is not known what is on record. */
      readonly problem?: string;
    };

/**
 * One viewing from the confirmation of its purpose to what is on record of it.
 * @param onBack to what else there is to watch
 * @param onSignedOut the service no longer knows the session
 */
export function ViewingPage({
  what,
  onBack,
  onSignedOut,
}: {
  readonly what: ToWatch;
  readonly onBack: () => void;
  readonly onSignedOut: () => void;
}): ReactNode {
  const [stage, setStage] = useState<Stage>({ kind: 'confirming' });
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(true);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  // What had the focus goes away with each stage; whoever uses a keyboard or listens goes on at the heading.
  useEffect(() => heading.current?.focus(), [stage.kind]);

  const open = (): void => {
    setStage({ kind: 'opening' });
    openViewing(what.recording, what.purpose).then(
      (opened) => setStage({ kind: 'watching', opened }),
      (error: unknown) => {
        if (error instanceof Refused && error.status === 401) onSignedOut();
        setStage({ kind: 'confirming', problem: sentenceOf(error) });
      },
    );
  };
  const end = async (viewing: string, ending: Ending, reporter: ViewingReporter): Promise<void> => {
    setStage({ kind: 'closing', viewing, why: wordsFor(ending) });
    if (ending.kind === 'refused' && ending.refused.status === 401) onSignedOut();
    const why = ending.kind === 'refused' ? await whyOver(ending.refused, what.grant) : wordsFor(ending);
    const closed = await reporter.close().then(
      (onRecord) => ({ onRecord }),
      (error: unknown) => ({
        onRecord: undefined,
        problem: `${sentenceOf(error)} The service closes the viewing by itself, from what it delivered.`,
      }),
    );
    if (shown.current) setStage({ kind: 'closed', viewing, why, ...closed });
  };

  return (
    <Stack gap="md">
      <div>
        <Title order={1} size="h2" ref={heading} tabIndex={-1} className="console-anywhere">
          {what.name}
        </Title>
        {stage.kind !== 'confirming' && stage.kind !== 'opening' && (
          <Text c="dimmed" size="sm" mt={4}>
            For {purposeInWords(what.purpose)}
            {what.caseNumber !== undefined && `, case ${what.caseNumber}`}
          </Text>
        )}
      </div>
      {(stage.kind === 'confirming' || stage.kind === 'opening') && (
        <Confirmation what={what} opening={stage.kind === 'opening'} problem={problemOf(stage)} onOpen={open} onBack={onBack} />
      )}
      {stage.kind === 'watching' && <Watching key={stage.opened.viewing} stage={stage} what={what} onEnd={end} />}
      {(stage.kind === 'closing' || stage.kind === 'closed') && (
        <>
          {stage.why !== undefined && (
            <Alert role="alert" color="red" title="Playback was stopped">
              {stage.why}
            </Alert>
          )}
          {stage.kind === 'closing' ? <Text role="status">Closing the viewing…</Text> : <OnRecord {...stage} />}
          <Group>
            <Button variant="default" onClick={onBack}>
              Back to the list
            </Button>
          </Group>
        </>
      )}
    </Stack>
  );
}

function problemOf(stage: Stage): string | undefined {
  return stage.kind === 'confirming' ? stage.problem : undefined;
}

function Confirmation({
  what: { name, purpose, caseNumber },
  opening,
  problem,
  onOpen,
  onBack,
}: {
  readonly what: ToWatch;
  readonly opening: boolean;
  readonly problem: string | undefined;
  readonly onOpen: () => void;
  readonly onBack: () => void;
}): ReactNode {
  return (
    <Paper withBorder p="md">
      <Stack gap="md">
        <Text className="console-anywhere">
          You are about to watch <strong>{name}</strong> for <strong>{purposeInWords(purpose)}</strong>
          {caseNumber !== undefined && (
            <>
              {' '}
              in case <strong>{caseNumber}</strong>
            </>
          )}
          .
        </Text>
        <Text>
          Every second you watch is on record, with your name, the time and this purpose. Your name and the time stand in the
          picture.
        </Text>
        {problem !== undefined && (
          <Alert role="alert" color="red" title="The viewing was not opened">
            {problem}
          </Alert>
        )}
        <Group>
          <Button onClick={onOpen} loading={opening}>
            {problem === undefined ? 'Confirm and watch' : 'Try again'}
          </Button>
          <Button variant="default" onClick={onBack} disabled={opening}>
            Back to the list
          </Button>
        </Group>
        {opening && (
          <Text size="sm" role="status">
            The viewing is being put on record. The first picture comes when it is.
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

function Watching({
  stage: { opened },
  what,
  onEnd,
}: {
  readonly stage: Stage & { kind: 'watching' };
  readonly what: ToWatch;
  readonly onEnd: (viewing: string, ending: Ending, reporter: ViewingReporter) => Promise<void>;
}): ReactNode {
  const close = useRef<() => void>(undefined);
  return (
    <Stack gap="sm">
      <Player
        opened={opened}
        name={what.name}
        closer={close}
        onEnded={(ending, reporter) => void onEnd(opened.viewing, ending, reporter)}
      />
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed">
          Access until {new Date(opened.expiresAt).toLocaleString()}. Viewing{' '}
          <span className="console-anywhere">{opened.viewing}</span>, watched by {opened.overlay.viewer}.
        </Text>
        <Button variant="default" onClick={() => close.current?.()}>
          Close the viewing
        </Button>
      </Group>
    </Stack>
  );
}

function OnRecord({
  viewing,
  onRecord,
  problem,
}: {
  readonly viewing: string;
  readonly onRecord: ClosedViewing | undefined;
  readonly problem?: string;
}): ReactNode {
  if (onRecord === undefined) return <Text>{problem}</Text>;
  const { delivered, stills, reported, files, bytes } = onRecord;
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="on-record">
      <Stack gap="sm">
        <Title order={2} size="h4" id="on-record">
          On record of this viewing
        </Title>
        <dl className="console-facts">
          <dt>Viewing</dt>
          <dd>{viewing}</dd>
          <dt>Delivered by the service</dt>
          <dd>{rangesInWords(delivered)}</dd>
          {reported !== undefined && (
            <>
              <dt>Played, as this player says</dt>
              <dd>{rangesInWords(reported.played)}</dd>
            </>
          )}
          <dt>Stills of</dt>
          <dd>{rangesInWords(stills)}</dd>
          <dt>Files</dt>
          <dd>
            {files} ({sizeInWords(bytes)})
          </dd>
        </dl>
      </Stack>
    </Paper>
  );
}

function wordsFor(ending: Ending): string | undefined {
  switch (ending.kind) {
    case 'closed':
      return undefined;
    case 'refused':
      return ending.refused.message;
    case 'overlay':
      return 'The overlay with your name and the time was removed or hidden, or the picture was taken out of it. Footage is shown only with it. Open a new viewing to go on.';
    case 'left':
      return 'The page was left, and the viewing was closed with it. Open a new viewing to go on.';
  }
}
