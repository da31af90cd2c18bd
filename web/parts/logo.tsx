/** Two bollards and the rope between them. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg class="logo" width={size} height={size} viewBox="0 0 64 64" aria-hidden="true">
      <rect width="64" height="64" rx="16" class="logo-ground" />
      <path d="M18 14v36M46 14v36" class="logo-post" />
      <path d="M18 26c9 0 9 12 28 12" class="logo-rope" />
    </svg>
  );
}
