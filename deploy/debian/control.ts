/** What dpkg is told about the package. */

export interface Description {
  readonly version: string;
  /** As dpkg names it: `amd64`. */
  readonly architecture: string;
  /** Packages without which the programs in it do not start. */
  readonly depends: readonly string[];
  /** What it takes up when unpacked, KiB. */
  readonly size: number;
}

export function controlFile({ version, architecture, depends, size }: Description): string {
  return [
    'Package: hawser',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Maintainer: The administrators of this machine <root@localhost>',
    'Section: net',
    'Priority: optional',
    `Installed-Size: ${size}`,
    `Depends: ${depends.join(', ')}`,
    'Description: federated conferencing that organisations run themselves',
    ' Homeserver and media server (SFT) of one organisation, the page that they serve, the command hawser,',
    ' Node, and units of systemd. /opt/hawser/docs/guides/install.md says how to go on.',
    '',
  ].join('\n');
}

/**
 * The packages that hold shared libraries of programs.
 * @param ldd what `ldd` prints of them
 * @returns paths of the libraries, each once
 */
export function librariesIn(ldd: string): string[] {
  return [...new Set([...ldd.matchAll(/=> (\/\S+) \(/g)].map((match) => match[1] ?? ''))].sort();
}

/** @param dpkg what `dpkg -S` prints: `libuv1:amd64: /usr/lib/…` */
export function ownersIn(dpkg: string): string[] {
  const owners = dpkg.split('\n').flatMap((line) => {
    const [, owner] = /^([a-z0-9][a-z0-9+.-]+)(?::\S+)?: \//.exec(line) ?? [];
    return owner === undefined ? [] : [owner];
  });
  return [...new Set(owners)].sort();
}
