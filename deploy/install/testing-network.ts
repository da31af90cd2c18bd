/** Two organisations with a host each and the internet between them, in network namespaces: addresses of the open one that lead nowhere else. */
import { randomBytes } from 'node:crypto';
import { run } from '#cli/setup/program.ts';

export interface Place {
  /** Name of the network namespace. */
  readonly namespace: string;
  readonly address: string;
}

export interface Network {
  readonly alpha: Place;
  readonly beta: Place;
  /** Where everybody else is, browsers among them; its name as a network namespace. */
  readonly internet: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Third octets of two networks that are public to whoever looks at addresses, so that nothing has to be allowed for the test. */
const NETWORKS = { alpha: '193.0.2', beta: '193.0.3' } as const;

const ip = (...args: string[]) => run('ip', args, 'A network namespace could not be made:');

export async function makeNetwork(): Promise<Network> {
  await using undo = new AsyncDisposableStack();
  const id = randomBytes(3).toString('hex');
  const make = async (name: string) => {
    const namespace = `hawser-${id}-${name}`;
    await ip('netns', 'add', namespace);
    // Its interfaces go with it.
    undo.defer(() => ip('netns', 'delete', namespace).then(() => undefined));
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return namespace;
  };
  const internet = await make('internet');
  const connect = async (name: 'alpha' | 'beta'): Promise<Place> => {
    const namespace = await make(name);
    const network = NETWORKS[name];
    await ip('-n', internet, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    await ip('-n', internet, 'address', 'add', `${network}.1/24`, 'dev', name);
    await ip('-n', internet, 'link', 'set', name, 'up');
    await ip('-n', namespace, 'address', 'add', `${network}.10/24`, 'dev', 'eth0');
    await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    await ip('-n', namespace, 'route', 'add', 'default', 'via', `${network}.1`);
    return { namespace, address: `${network}.10` };
  };
  const alpha = await connect('alpha');
  const beta = await connect('beta');
  await ip('netns', 'exec', internet, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  const made = undo.move();
  return { alpha, beta, internet, [Symbol.asyncDispose]: () => made.disposeAsync() };
}
