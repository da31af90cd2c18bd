/** Files that are dragged over a conversation. */
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { DeviceError, type Failure, failureOf } from '#client/failure.ts';
import { Icon } from '../parts/icon.tsx';

export interface Dropped {
  readonly files: readonly File[];
  /** Why something of it was not taken. */
  readonly failure?: Failure;
}

/** The files of a drop or of the clipboard; folders are none, though browsers list them so. */
export function filesOf({ items }: DataTransfer): Dropped {
  const files: File[] = [];
  let hasFolder = false;
  for (const item of items) {
    if (item.kind !== 'file') continue;
    if (item.webkitGetAsEntry?.()?.isDirectory) hasFolder = true;
    else files.push(...[item.getAsFile() ?? []].flat());
  }
  return { files, ...(hasFolder && { failure: failureOf(new DeviceError('FILE_FOLDER')) }) };
}

/** Whether files are just over the element. */
export function useDrop(ref: RefObject<HTMLElement | null>, onDrop: (dropped: Dropped) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    // Entering a child comes before leaving its parent.
    let depth = 0;
    const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') === true;
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth += 1;
      setIsOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      depth -= 1;
      if (depth <= 0) setIsOver(false);
    };
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      depth = 0;
      setIsOver(false);
      onDrop(filesOf(event.dataTransfer));
    };
    element.addEventListener('dragenter', enter);
    element.addEventListener('dragleave', leave);
    element.addEventListener('dragover', over);
    element.addEventListener('drop', drop);
    return () => {
      element.removeEventListener('dragenter', enter);
      element.removeEventListener('dragleave', leave);
      element.removeEventListener('dragover', over);
      element.removeEventListener('drop', drop);
    };
  });
  return isOver;
}

/** What is seen while files are held over the conversation. */
export function DropHint({ name }: { name: string }) {
  return (
    <div class="drop-hint" aria-hidden="true">
      <Icon name="clip" size={34} />
      <p>
        Drop the files here to send them to <bdi>{name}</bdi>
      </p>
    </div>
  );
}
