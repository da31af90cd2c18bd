import { useLayoutEffect, useRef } from 'preact/hooks';

/** The browser's own modal dialog while the component is there, before anything is painted of it. It gives the focus back. */
export function useModal(onClose: () => void) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  // Browsers tell a moment later that it has closed: then whoever opened it may have opened the next one already.
  return { ref, onClose: () => ref.current && onClose() };
}
