import { useMemo } from 'preact/hooks';
import { encodeQR } from 'qr';

/** Light squares around a code, as ISO/IEC 18004 wants them. */
const BORDER = 4;

/** A QR code. @param label what it is for, for whoever cannot see it */
export function CodePicture({ text, label }: { text: string; label: string }) {
  const rows = useMemo(() => encodeQR(text, 'raw', { border: BORDER }), [text]);
  return (
    <svg
      class="code"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${rows.length} ${rows.length}`}
      shape-rendering="crispEdges"
    >
      <path d={outlineOf(rows)} />
    </svg>
  );
}

/** The dark squares; those that lie beside each other in a row are one rectangle. */
function outlineOf(rows: readonly (readonly boolean[])[]): string {
  return rows
    .map((row, y) => [...runsOf(row)].map(([from, to]) => `M${from} ${y}H${to}V${y + 1}H${from}z`).join(''))
    .join('');
}

function* runsOf(row: readonly boolean[]): Iterable<readonly [from: number, to: number]> {
  for (let from = row.indexOf(true); from !== -1; ) {
    const light = row.indexOf(false, from);
    const to = light === -1 ? row.length : light;
    yield [from, to];
    from = row.indexOf(true, to);
  }
}
