import { Alert, Button, Group, NativeSelect, Paper, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { ChosenFiles, type DraftFile } from './chosen-files.js';
import { DropZone } from './drop-zone.js';
import type { About, Source } from './hand-in-api.js';
import type { Chosen } from './hand-in-run.js';
import { fromLocalInput, toLocalInput } from './local-time.rules.js';

const SOURCES: readonly { readonly value: Source; readonly label: string }[] = [
  { value: 'citizen', label: 'A citizen' },
  { value: 'partner-agency', label: 'A partner agency' },
  { value: 'drone', label: 'A drone' },
  { value: 'other', label: 'Something else' },
];

let keys = 0;

/** What is handed in, by whom, and when it was recorded. Empties itself once that is handed over, but for where it comes from. */
export function HandInForm({
  disabled,
  onSubmit,
}: {
  readonly disabled: boolean;
  readonly onSubmit: (about: About, chosen: readonly Chosen[]) => void;
}): ReactNode {
  const [source, setSource] = useState<Source>('citizen');
  const [from, setFrom] = useState('');
  const [note, setNote] = useState('');
  const [files, setFiles] = useState<readonly DraftFile[]>([]);
  const [problem, setProblem] = useState<string>();

  const add = (added: readonly File[], passedOver: string | undefined): void => {
    const known = new Set(files.map(({ file }) => identity(file)));
    const fresh = added.filter((file) => !known.has(identity(file)));
    setFiles([
      ...files,
      ...fresh.map((file) => ({ key: ++keys, file, recordedAt: toLocalInput(file.lastModified), device: '' })),
    ]);
    setProblem(passedOver);
  };

  const submit = (): void => {
    const chosen = files.map(({ file, recordedAt, device }) => ({
      file,
      recordedAt: momentOf(file, recordedAt),
      device: device.trim(),
    }));
    const without = chosen.find(({ recordedAt }) => recordedAt === undefined);
    if (files.length === 0) setProblem('Choose at least one file.');
    else if (from.trim() === '') setProblem('Say who the files came from.');
    else if (without !== undefined) setProblem(`Say when ${without.file.name} was recorded.`);
    else {
      setProblem(undefined);
      onSubmit({ source, from: from.trim(), note: note.trim() }, chosen as Chosen[]);
      setFiles([]);
    }
  };

  return (
    <Paper withBorder p="md">
      <form
        noValidate
        aria-label="Hand in a file"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack gap="md">
          <NativeSelect
            label="It comes from"
            data={[...SOURCES]}
            value={source}
            onChange={(event) => setSource(event.currentTarget.value as Source)}
          />
          <TextInput
            label="From whom"
            description="Name of the person or agency, as it should stand on record"
            required
            maxLength={200}
            value={from}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <Textarea
            label="Note"
            description="How it came here, and what it is about; optional"
            autosize={false}
            rows={3}
            maxLength={2000}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
          <DropZone onFiles={add} />
          {files.length > 0 && <ChosenFiles files={files} onChange={setFiles} />}
          {problem !== undefined && (
            <Alert role="alert" color="red">
              {problem}
            </Alert>
          )}
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              Who hands it in, and when, goes on record.
            </Text>
            <Button type="submit" disabled={disabled}>
              {files.length > 1 ? `Hand in ${files.length} files` : 'Hand in'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

/** The same file chosen twice is one. */
function identity({ name, size, lastModified }: File): string {
  return `${lastModified} ${size} ${name}`;
}

/** The file's own time to the millisecond, unless the person said another. */
function momentOf(file: File, text: string): number | undefined {
  return text === toLocalInput(file.lastModified) ? file.lastModified : fromLocalInput(text);
}
