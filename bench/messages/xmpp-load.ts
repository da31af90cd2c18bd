/** The process of the clients of an XMPP server: what the devices of `load.ts` do, as far as it exists there. */
import { answerCalls } from '../helper.ts';
import { inTurns } from '../people/crowd.ts';
import { type Flood, type Flooded, flood, type Pace, pace, type Talk } from './traffic.ts';
import { XmppDevice, type XmppServer } from './xmpp-device.ts';

let devices: XmppDevice[] = [];
let talks: Talk[] = [];

const methods = {
  /** @param prefix of their names: nobody of an earlier part has it @param rooms domain of the rooms */
  async enrol({
    server,
    count,
    prefix,
  }: {
    readonly server: XmppServer;
    readonly count: number;
    readonly prefix: string;
  }): Promise<void> {
    for (const device of devices) device.close();
    devices = Array.from({ length: count }, (_, index) => new XmppDevice(server, `${prefix}${index}`));
    await inTurns(devices, 16, (device) => device.connect(true));
  },

  async pair({ text }: { readonly text: string }): Promise<void> {
    talks = devices.map((device, index) => {
      const other = devices[index ^ 1];
      if (!other) throw new Error('nobody to talk to');
      return () => device.write(other.address, 'chat', text);
    });
  },

  async gather({ room, text }: { readonly room: string; readonly text: string }): Promise<void> {
    const [first, ...others] = devices;
    await first?.enter(room, true);
    await inTurns(others, 4, (device) => device.enter(room, false));
    talks = devices.map((device) => () => device.write(room, 'groupchat', text));
  },

  flood: (how: Flood): Promise<Flooded> => flood(talks, how, received),

  pace: (how: Pace): Promise<number[]> => pace(talks, how),

  async connected(): Promise<number> {
    return devices.filter((device) => device.isConnected).length;
  },
};

export type XmppLoadMethods = typeof methods;

function received(): number {
  return devices.reduce((sum, device) => sum + device.received, 0);
}

answerCalls(methods, () => {
  for (const device of devices) device.close();
});
