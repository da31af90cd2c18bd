import { digitsOf } from '#client/device/fingerprint.ts';

/** Groups of digits, which are easy to read out and to follow with a finger. */
export function Fingerprint({ fingerprint, label }: { fingerprint: string; label: string }) {
  return (
    <p class="fingerprint" dir="ltr">
      <span class="sr-only">{label}: </span>
      {digitsOf(fingerprint).map((group, index) => (
        <span key={index}>{group} </span>
      ))}
    </p>
  );
}
