import { Button, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';

/** Where files are dropped, or chosen with the button. @param onFiles also says what was passed over, as a sentence */
export function DropZone({
  onFiles,
}: {
  readonly onFiles: (files: readonly File[], passedOver: string | undefined) => void;
}): ReactNode {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Dropped a little beside it, a file would replace the page, and with it whatever is being sent.
    const stay = (event: DragEvent): void => event.preventDefault();
    addEventListener('dragover', stay);
    addEventListener('drop', stay);
    return () => {
      removeEventListener('dragover', stay);
      removeEventListener('drop', stay);
    };
  }, []);
  return (
    <div
      className="console-drop"
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const { files, folders } = sort(event.dataTransfer);
        onFiles(files, folders ? 'A folder cannot be handed in. Choose the files in it.' : undefined);
      }}
    >
      <Stack align="center" gap="xs">
        <Button variant="default" onClick={() => input.current?.click()}>
          Choose files
        </Button>
        <Text size="sm" c="dimmed">
          or drop them here
        </Text>
      </Stack>
      {/* The button stands for it: an input of type file cannot be made to look and read well. */}
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-hidden
        tabIndex={-1}
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])], undefined);
          // So that the same file can be chosen again after it was taken out.
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}

function sort(transfer: DataTransfer): { files: File[]; folders: boolean } {
  const items = [...transfer.items].filter(({ kind }) => kind === 'file');
  const isFolder = (item: DataTransferItem): boolean => item.webkitGetAsEntry()?.isDirectory === true;
  return {
    files: items.filter((item) => !isFolder(item)).flatMap((item) => item.getAsFile() ?? []),
    folders: items.some(isFolder),
  };
}
