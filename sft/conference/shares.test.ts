import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newConference } from './conference.ts';
import { wantedOf } from './demand.ts';
import { planOf } from './plan.ts';
import { incomingLayers, layerKey, outgoingLayers } from './shares.ts';
import { ALPHA, anyConference, BETA, conferenceId, local, side, sourceId } from './testing.ts';

describe('what a link carries', () => {
  it('is what the plan sends and asks for, layer by layer', () => {
    fc.assert(
      fc.property(anyConference, (conference) => {
        const demands = new Map(
          [...conference.sides.values()].map((each) => [each.peer, wantedOf(conference, each, 'layers')]),
        );
        for (const [peer, plan] of planOf(conference, demands).sides) {
          const at = conference.sides.get(peer);
          if (!at) throw new Error('a plan for nobody');
          const keys = (layers: readonly { source: never; layer: number }[]) =>
            layers.map(({ source, layer }) => layerKey(source, layer));
          const planned = [...plan.outgoing].flatMap(([source, { wanted }]) =>
            wanted.map((layer) => layerKey(source, layer)),
          );
          expect(keys(outgoingLayers(conference, at, undefined) as never)).toEqual(planned);
          const asked = [...plan.demand].flatMap(([source, layers]) => layers.map((layer) => layerKey(source, layer)));
          expect(keys(incomingLayers(at, plan.demand, undefined) as never)).toEqual(asked);
        }
      }),
    );
  });

  it('loses in the plan what is left out, and nothing else', () => {
    fc.assert(
      fc.property(anyConference, fc.func(fc.boolean()), (conference, isOut) => {
        const demands = new Map(
          [...conference.sides.values()].map((each) => [each.peer, wantedOf(conference, each, 'layers')]),
        );
        const whole = planOf(conference, demands);
        const out = { has: (key: string) => isOut(key), size: 1 } as unknown as ReadonlySet<string>;
        const peers = [...conference.sides.keys()];
        const shed = new Map(peers.map((peer) => [peer, { outgoing: out, incoming: out }]));
        for (const [peer, plan] of planOf(conference, demands, undefined, shed).sides) {
          for (const [source, { layers, wanted }] of plan.outgoing) {
            const before = whole.sides.get(peer)?.outgoing.get(source);
            expect(layers).toEqual(before?.layers);
            expect(wanted).toEqual(before?.wanted.filter((layer) => !isOut(layerKey(source, layer))));
          }
          for (const [source, layers] of whole.sides.get(peer)?.demand ?? []) {
            const left = layers.filter((layer) => !isOut(layerKey(source, layer)));
            expect(plan.demand.get(source) ?? []).toEqual(left);
          }
        }
      }),
    );
  });

  it('knows a thumbnail by its highest wanted layer, and the speaker', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const speaker = local(conference, 'a', ['camera', 'microphone']);
    local(conference, 'b', ['camera', 'screen']);
    const beta = side(conference, BETA, []);
    beta.demand = new Map([
      [sourceId('a-camera'), [0, 2]],
      [sourceId('a-microphone'), [0]],
      [sourceId('b-camera'), [0, 1]],
      [sourceId('b-screen'), [0]],
    ]);
    const seen = outgoingLayers(conference, beta, speaker).map((each) => [
      each.kind,
      each.layer,
      each.speaker,
      each.thumbnail,
    ]);
    expect(seen).toEqual([
      ['camera', 0, true, false],
      ['camera', 2, true, false],
      ['microphone', 0, true, false],
      ['camera', 0, false, true],
      ['camera', 1, false, true],
      ['screen', 0, false, false],
    ]);
  });
});
