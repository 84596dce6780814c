import { Alert, Button, Container, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { confirmReceived, disclosed, openDisclosed, PACKAGE, PROOF, type Disclosed } from './disclosed-api.js';
import { sha256Of } from './digest.js';
import { sizeInWords } from './progress-words.rules.js';
import { Refused, sentenceOf } from './service.js';

/** For whoever was sent a link: the code, the package, and "received and verified". Nobody is signed in here. */
export function DisclosedPage({ token }: { readonly token: string }): ReactNode {
  const [open, setOpen] = useState<Disclosed>();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (open !== undefined) heading.current?.focus();
  }, [open === undefined]);
  return (
    <>
      <header className="console-header">
        <Container size="sm">
          <Group gap="xs" wrap="nowrap">
            <img src="/favicon.svg" alt="" width={28} height={28} />
            <Title order={2} size="h4" component="span">
              Custodiet
            </Title>
          </Group>
        </Container>
      </header>
      <Container component="main" size="sm" py="lg">
        {open === undefined ? (
          <CodeForm token={token} onOpen={setOpen} />
        ) : (
          <Stack gap="lg">
            <div>
              <Title order={1} size="h2" ref={heading} tabIndex={-1}>
                Disclosed to {open.recipient.name}
              </Title>
              <Text c="dimmed" mt={4}>
                {open.recipient.organisation}, by {open.agency}
              </Text>
            </div>
            <Package of={open} onChanged={setOpen} />
            <Received of={open} onChanged={setOpen} />
          </Stack>
        )}
      </Container>
    </>
  );
}

function CodeForm({ token, onOpen }: { readonly token: string; readonly onOpen: (to: Disclosed) => void }): ReactNode {
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  return (
    <Paper withBorder p="md" className="console-sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          setProblem(undefined);
          openDisclosed(token, code)
            .then(onOpen, (error: unknown) => setProblem(sentenceOf(error)))
            .finally(() => setBusy(false));
        }}
      >
        <Stack gap="md">
          <Title order={1} size="h3">
            Something was disclosed to you
          </Title>
          <Text>
            Enter the code that you were sent apart from this link. After five wrong codes the link is locked. That you open it,
            and each time that you fetch the package, is on record.
          </Text>
          {problem !== undefined && (
            <Alert role="alert" color="red">
              {problem}
            </Alert>
          )}
          <TextInput
            label="Code"
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={40}
            required
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
          <Button type="submit" loading={busy}>
            Open
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}

function Package({ of, onChanged }: { readonly of: Disclosed; readonly onChanged: (to: Disclosed) => void }): ReactNode {
  const { recordings, size, sha256, legalBasis, conditions, until, fetchesLeft, disclosure } = of;
  // How many are left changes with the download, which goes on without this page.
  const lookSoon = (): void => {
    setTimeout(() => {
      disclosed().then(onChanged, () => undefined);
    }, 3000);
  };
  return (
    <Stack component="section" gap="sm" aria-labelledby="package">
      <Title order={2} size="h3" id="package">
        The package
      </Title>
      <dl className="console-facts">
        <dt>Holds</dt>
        <dd>
          {recordings === 1 ? 'one recording' : `${recordings} recordings`}
          {size !== null && `, ${sizeInWords(size)}`}
        </dd>
        <dt>Legal basis</dt>
        <dd>{legalBasis}</dd>
        {conditions !== '' && (
          <>
            <dt>Conditions</dt>
            <dd>{conditions}</dd>
          </>
        )}
        <dt>Until</dt>
        <dd>{new Date(until).toLocaleString()}</dd>
        <dt>Fetches left</dt>
        <dd>{fetchesLeft}</dd>
        <dt>Disclosure</dt>
        <dd>{disclosure}</dd>
        {sha256 !== null && (
          <>
            <dt>SHA-256</dt>
            <dd>{sha256}</dd>
          </>
        )}
      </dl>
      {fetchesLeft > 0 ? (
        <Text size="sm">A download that breaks off can be gone on with; it counts once.</Text>
      ) : (
        <Text size="sm">It has been fetched as often as it may be; only what broke off can be gone on with.</Text>
      )}
      <Group>
        <Button component="a" href={PACKAGE} download={`disclosure-${disclosure}.zip`} onClick={lookSoon}>
          Download the package
        </Button>
        <Button component="a" variant="default" href={PROOF} download={`disclosure-${disclosure}.proof.json`}>
          Download its proof
        </Button>
      </Group>
      <Text size="sm">
        The package holds the program that checks it, without this service: unpack it, and read README.txt. The proof shows that
        the package is the one in the custody log.
      </Text>
    </Stack>
  );
}

type Check =
  | { readonly kind: 'none' }
  | { readonly kind: 'hashing'; readonly bytes: number; readonly size: number }
  | { readonly kind: 'same' }
  | { readonly kind: 'problem'; readonly why: string };

function Received({ of, onChanged }: { readonly of: Disclosed; readonly onChanged: (to: Disclosed) => void }): ReactNode {
  const [check, setCheck] = useState<Check>({ kind: 'none' });
  const input = useRef<HTMLInputElement>(null);
  const compare = async (file: File): Promise<void> => {
    const progress = (bytes: number): void => setCheck({ kind: 'hashing', bytes, size: file.size });
    progress(0);
    try {
      const sha256 = await sha256Of(file, new AbortController().signal, progress);
      if (sha256 === of.sha256) setCheck({ kind: 'same' });
      else setCheck({ kind: 'problem', why: `${file.name} is not the package: its SHA-256 is ${sha256}. Fetch it again.` });
    } catch (error) {
      setCheck({ kind: 'problem', why: sentenceOf(error) });
    }
  };
  const confirm = async (): Promise<void> => {
    try {
      await confirmReceived(of.sha256 ?? '');
      onChanged(await disclosed());
    } catch (error) {
      const again = error instanceof Refused && error.status === 401 ? ' Load this page again and enter the code.' : '';
      setCheck({ kind: 'problem', why: `${sentenceOf(error)}${again}` });
    }
  };
  return (
    <Stack component="section" gap="sm" aria-labelledby="received">
      <Title order={2} size="h3" id="received">
        Received and verified
      </Title>
      {of.confirmedAt !== null ? (
        <Alert role="status" color="green">
          You confirmed it on {new Date(of.confirmedAt).toLocaleString()}. That is on record.
        </Alert>
      ) : (
        <>
          <Text size="sm">
            Choose the package that you downloaded. Its SHA-256 is computed here, in your browser; the file is not sent anywhere.
          </Text>
          <Group>
            <Button variant="default" onClick={() => input.current?.click()} disabled={check.kind === 'hashing'}>
              Choose the package
            </Button>
            <input
              ref={input}
              type="file"
              hidden
              aria-hidden
              tabIndex={-1}
              onChange={(event) => {
                const chosen = event.currentTarget.files?.[0];
                if (chosen !== undefined) void compare(chosen);
                event.currentTarget.value = '';
              }}
            />
          </Group>
          {check.kind === 'hashing' && (
            <Text size="sm" role="status">
              {sizeInWords(check.bytes)} of {sizeInWords(check.size)} read.
            </Text>
          )}
          {check.kind === 'problem' && (
            <Alert role="alert" color="red">
              {check.why}
            </Alert>
          )}
          {check.kind === 'same' && (
            <>
              <Text role="status">It is the package, byte for byte.</Text>
              <Group>
                <Button onClick={() => void confirm()}>Confirm that I received and verified it</Button>
              </Group>
            </>
          )}
        </>
      )}
    </Stack>
  );
}
