/** The page's icons: strokes on a 24-unit grid. They are decoration; the words stand beside them or in the label. */
const PATHS = {
  microphone: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21M8.5 21h7',
  microphoneOff:
    'M9 9v2a3 3 0 0 0 4.6 2.5M15 11V6a3 3 0 0 0-5.8-1M5.5 11a6.5 6.5 0 0 0 10 5.5M18.5 11a6.4 6.4 0 0 1-.6 2.7M12 17.5V21M8.5 21h7M3.5 3.5l17 17',
  camera: 'M4.5 6.5h9a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2zM15.5 11l6-3.5v9l-6-3.5',
  cameraOff:
    'M10 6.5h3.5a2 2 0 0 1 2 2V12M15.5 15.5a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2h.5M15.5 11l6-3.5v9l-4-2.3M3.5 3.5l17 17',
  screen:
    'M4 4.5h16a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 15V6A1.5 1.5 0 0 1 4 4.5zM8.5 20h7M12 16.5V20M12 13V8M9.8 10.2 12 8l2.2 2.2',
  hand: 'M7.4 13V6.4a1.2 1.2 0 0 1 2.4 0V11M9.8 11V4.4a1.2 1.2 0 0 1 2.4 0V11M12.2 11V5.4a1.2 1.2 0 0 1 2.4 0V11M14.6 11.5V7.4a1.2 1.2 0 0 1 2.4 0v7.1a6 6 0 0 1-6 6c-2.2 0-3.7-1-4.9-2.9l-2.5-4.1a1.3 1.3 0 0 1 2.1-1.5l1.7 2.2',
  leave:
    'M3 14.5c0-1 .4-2 1.2-2.6C6.3 10.2 9 9.3 12 9.3s5.7.9 7.8 2.6c.8.6 1.2 1.6 1.2 2.6v.8a1 1 0 0 1-1.3 1l-3.2-1a1 1 0 0 1-.7-1v-1.5a11.5 11.5 0 0 0-7.6 0v1.5a1 1 0 0 1-.7 1l-3.2 1a1 1 0 0 1-1.3-1z',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  focus: 'M4 4h16v10H4zM4 17h4v3H4zM10 17h4v3h-4zM16 17h4v3h-4z',
  info: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 11v5.5M12 7.5v.1',
  keyboard:
    'M3.5 6h17A1.5 1.5 0 0 1 22 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-17A1.5 1.5 0 0 1 2 16.5v-9A1.5 1.5 0 0 1 3.5 6zM6 10h.1M10 10h.1M14 10h.1M18 10h.1M7 14h10',
  phone:
    'M5 3.5h3l1.8 4.5-2.3 1.8a12 12 0 0 0 6.7 6.7l1.8-2.3 4.5 1.8v3a1.5 1.5 0 0 1-1.6 1.5A17.5 17.5 0 0 1 3.5 5.1 1.5 1.5 0 0 1 5 3.5z',
  people:
    'M9 11.5a3.5 3.5 0 1 1 0-7 3.5 3.5 0 0 1 0 7zM2.5 19.5c0-3.3 2.9-5.5 6.5-5.5s6.5 2.2 6.5 5.5M16 4.8a3.5 3.5 0 0 1 0 6.5M18 14.5c2.2.7 3.5 2.5 3.5 5',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M14.5 5 8 12l6.5 7',
  warning: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17.2v.1',
  building: 'M5 20.5V4.5h9v16M14 9.5h5v11M3 20.5h18M8 8h.1M11 8h.1M8 12h.1M11 12h.1M8 16h.1M11 16h.1',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 22 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
