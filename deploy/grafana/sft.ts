/** The dashboard of the media server: what an administrator looks at first stands first. */
import type { Dashboard } from './dashboard.ts';
import { aMinute, HERE, one, PEER, RATE } from './query.ts';

export const SFT: Dashboard = {
  uid: 'hawser-sft',
  title: 'Hawser: media server',
  about:
    'Calls, links to other organisations, and what crosses the border. docs/guides/monitoring.md explains the figures.',
  variables: [
    { name: 'instance', label: 'Server', metric: 'hawser_sft_conferences' },
    { name: 'peer', label: 'Other organisation', metric: 'hawser_sft_trunk_bytes_total' },
  ],
  sections: [
    {
      title: 'At a glance',
      as: 'stat',
      panels: [
        {
          title: 'Homeserver',
          unit: 'none',
          about:
            'Normal is "connected"; otherwise nobody joins a call of another organisation: look whether the homeserver runs, then at the log of this server.',
          queries: one(`min(hawser_sft_homeserver_connected{${HERE}})`),
          words: { 0: 'not connected', 1: 'connected' },
          limits: [1, 0.5],
        },
        {
          title: 'Calls',
          unit: 'none',
          about:
            'Conferences that go on here now; normal is what your people do at this time of day, and 0 in working hours is a reason to try a call.',
          queries: one(`sum(hawser_sft_conferences{${HERE}})`),
        },
        {
          title: 'People',
          unit: 'none',
          about:
            'Everybody in these conferences, of other organisations too; normal is well below sft.limits.participants, which turns people away when it is reached.',
          queries: one(`sum(hawser_sft_participants{${HERE}})`),
          none: '0',
        },
        {
          title: 'Links',
          unit: 'none',
          about:
            'Links to other media servers that stand; there is one only while a call is shared, so that 0 is normal without such a call.',
          queries: one(`sum(hawser_sft_links{${HERE}, state="up"})`),
          none: '0',
        },
        {
          title: 'Links in trouble',
          unit: 'none',
          about:
            'Normal is 0; otherwise nothing is heard of a peer, people here are in a call without its anchor, or a call here has lost a peer: hawser peers status DOMAIN says why.',
          queries: [
            { expr: `sum(hawser_sft_links{${HERE}, state="suspect"})`, legend: 'suspect' },
            { expr: `sum(hawser_sft_unjoined_conferences{${HERE}})`, legend: 'calls without anchor' },
            { expr: `sum(hawser_sft_lost_sides{${HERE}})`, legend: 'calls without a peer' },
          ],
          limits: [1, 2],
          none: '0',
        },
        {
          title: 'Certificates end in',
          unit: 'd',
          about:
            'Certificates, and the revocation list, as this server has them. Normal is more than 30 days; otherwise docs/guides/certificates.md, Renew, before every link is refused.',
          queries: one(`min by (of) (hawser_sft_certificate_expiry_seconds{${HERE}}) / 86400`, '{{of}}'),
          limits: [30, 7],
        },
      ],
    },
    {
      title: 'Calls',
      as: 'timeseries',
      panels: [
        {
          title: 'Conferences by role',
          unit: 'short',
          about:
            'Anchor: begun by people of this organisation; federated: of another one, whose media server is dialled. Normal is a curve without steps to 0.',
          queries: one(`sum by (role) (hawser_sft_conferences{${HERE}})`, '{{role}}'),
        },
        {
          title: 'People by organisation',
          unit: 'short',
          about:
            'Normal is that organisations come and go one by one; where one drops to 0 at once, look at its link below.',
          queries: one(`sum by (domain) (hawser_sft_participants{${HERE}})`, '{{domain}}'),
        },
        {
          title: 'Time to join, 95 of 100',
          unit: 's',
          about:
            'From the connection to the step; normal is below 1 s for media, and more means busy workers, or a path of clients that has to be found by TCP: docs/guides/ports.md.',
          queries: one(
            `histogram_quantile(0.95, sum by (le, step) (rate(hawser_sft_join_seconds_bucket{${HERE}}${RATE})))`,
            '{{step}}',
          ),
          limits: [1.5, 3],
        },
        {
          title: 'Joins refused',
          unit: 'cpm',
          about:
            'A minute, by code; some of SFT_TICKET_… are normal after a restart, SFT_FULL means that a limit of sft.limits is reached. docs/reference/errors.md has all codes.',
          queries: one(aMinute('code', 'hawser_sft_refused_tickets_total', HERE), '{{code}}'),
        },
        {
          title: 'Connections of clients closed',
          unit: 'cpm',
          about:
            'A minute, by code, those that ended well left out; normal is SIG_CLOSED of whoever shuts the page, and many of SIG_TIMEOUT at once are a network that broke.',
          queries: one(aMinute('code', 'hawser_sft_closed_connections_total', HERE), '{{code}}'),
        },
        {
          title: 'Cut off, and what came of it',
          unit: 'cpm',
          about:
            'A minute: back within 30 s, or gone, as who closed the page; and paths that broke, by protocol. Normal is little; many dtls are middle boxes that touch UDP, many ice are firewalls: docs/guides/ports.md.',
          queries: [
            { expr: aMinute('outcome', 'hawser_sft_resumes_total', HERE), legend: '{{outcome}}' },
            { expr: aMinute('protocol', 'hawser_sft_transport_failures_total', HERE), legend: '{{protocol}} failed' },
          ],
        },
      ],
    },
    {
      title: 'The border, by organisation',
      as: 'timeseries',
      panels: [
        {
          title: 'Bitrate',
          unit: 'bps',
          about:
            'UDP payload of the trunks; normal is less than the limits (hawser peers list), and about 3 Mbit/s for eight people who look at twelve: docs/guides/bandwidth.md.',
          queries: one(
            `8 * sum by (peer, direction) (rate(hawser_sft_trunk_bytes_total{${PEER}}${RATE}))`,
            '{{peer}} {{direction}}',
          ),
        },
        {
          title: 'Round trip',
          unit: 's',
          about:
            'Of the media as the peer reports it, and of the heartbeat of the link; normal is the distance and steady, and where it doubles the path is full: set a limit below what it carries (hawser peers limit).',
          queries: [
            { expr: `max by (peer) (hawser_sft_trunk_rtt_seconds{${PEER}})`, legend: '{{peer}} media' },
            { expr: `max by (peer) (hawser_sft_link_rtt_seconds{${PEER}})`, legend: '{{peer}} link' },
          ],
          limits: [0.2, 0.4],
        },
        {
          title: 'Loss before repair',
          unit: 'percentunit',
          about:
            'Normal is below 1 %; from 3 % on pictures are left out by themselves, and the administrator of the network between the two is to look at that direction.',
          queries: one(
            `sum by (peer, direction) (rate(hawser_sft_trunk_lost_packets_total{${PEER}}${RATE})) / sum by (peer, direction) (rate(hawser_sft_trunk_stream_packets_total{${PEER}}${RATE}))`,
            '{{peer}} {{direction}}',
          ),
          limits: [0.01, 0.03],
        },
        {
          title: 'Jitter, the worst stream',
          unit: 's',
          about:
            'Of what comes in; normal is below 30 ms, and more is a busy path or a busy far server: compare with its round trip.',
          queries: one(`max by (peer) (hawser_sft_trunk_jitter_seconds{${PEER}})`, '{{peer}}'),
          limits: [0.03, 0.1],
        },
        {
          title: 'Layers left out, by reason',
          unit: 'short',
          about:
            'Normal is none; send-limit and receive-limit are limits to raise, loss and delay a path to mend: the table of docs/guides/limits.md says what to do for each.',
          queries: one(
            `sum by (peer, direction, reason) (hawser_sft_shed_layers{${PEER}})`,
            '{{peer}} {{direction}}: {{reason}}',
          ),
          none: '0',
        },
        {
          title: 'Layers begun to be left out',
          unit: 'cpm',
          about:
            'A minute; normal is none, and where the same come and go again and again the limit is a little too low for what people look at: hawser peers limit.',
          queries: one(aMinute('peer, reason', 'hawser_sft_shed_layers_total', PEER), '{{peer}}: {{reason}}'),
          none: '0',
        },
        {
          title: 'Layers asked for, and those that move',
          unit: 'short',
          about:
            'Normal is that both are nearly the same, as a layer that was asked for comes within a second, and muted sounds rest; where in stays far below, the other side does not send.',
          queries: [
            {
              expr: `sum by (peer, direction) (hawser_sft_trunk_layers_wanted{${PEER}})`,
              legend: '{{peer}} {{direction}} asked',
            },
            {
              expr: `sum by (peer, direction) (hawser_sft_trunk_layers_flowing{${PEER}})`,
              legend: '{{peer}} {{direction}} moves',
            },
          ],
        },
        {
          title: 'Bitrate by kind and layer',
          unit: 'bps',
          about:
            'What it is spent on; normal is that layer 2 of cameras is the most, and screens come and go: docs/guides/bandwidth.md tells what each may take.',
          queries: one(
            `8 * sum by (direction, kind, layer) (rate(hawser_sft_trunk_stream_bytes_total{${PEER}}${RATE}))`,
            '{{direction}} {{kind}} {{layer}}',
          ),
        },
        {
          title: 'Key frames asked for',
          unit: 'cpm',
          about:
            'A minute; normal is a few for each change of pictures, and hundreds without end mean loss on the path, or a client that cannot decode.',
          queries: one(
            aMinute('peer, direction', 'hawser_sft_trunk_key_frame_requests_total', PEER),
            '{{peer}} {{direction}}',
          ),
        },
      ],
    },
    {
      title: 'Links',
      as: 'timeseries',
      panels: [
        {
          title: 'Links by state',
          unit: 'short',
          about:
            'Suspect is a peer of whom three heartbeats are missing; normal is up alone, and otherwise look at the path between the two link ports: docs/guides/ports.md.',
          queries: one(`sum by (peer, state) (hawser_sft_links{${PEER}})`, '{{peer}} {{state}}'),
          none: '0',
        },
        {
          title: 'Links lost, and anchors not reached',
          unit: 'cpm',
          about:
            'A minute; normal is none: ask the administrator of that organisation whether its server was restarted, and see what hawser peers status says.',
          queries: [
            { expr: aMinute('peer', 'hawser_sft_link_losses_total', PEER), legend: '{{peer}} lost' },
            { expr: aMinute('peer, code', 'hawser_sft_uplink_failures_total', PEER), legend: '{{peer}}: {{code}}' },
          ],
          none: '0',
        },
        {
          title: 'Links refused',
          unit: 'cpm',
          about:
            'A minute, by code; normal are a few of TRUST_NO_CERTIFICATE, which are scanners, and the others are explained in docs/guides/certificates.md, When a connection is refused.',
          queries: one(aMinute('code', 'hawser_sft_refused_links_total', HERE), '{{code}}'),
          none: '0',
        },
        {
          title: 'Above the limits of a peer',
          unit: 'short',
          about:
            'People and sources that a peer has and that are not taken; normal is 0, and otherwise raise --participants or --sources: docs/guides/limits.md.',
          queries: one(`sum by (peer, what) (hawser_sft_surplus{${PEER}})`, '{{peer}} {{what}}'),
          none: '0',
        },
        {
          title: 'Peers cut off',
          unit: 'cpm',
          about:
            'A minute, by code; normal is none, as only a far side that misbehaves is cut off: docs/guides/limits.md, A far side that misbehaves, and then a telephone call.',
          queries: one(aMinute('peer, code', 'hawser_sft_cut_links_total', PEER), '{{peer}}: {{code}}'),
          none: '0',
        },
        {
          title: 'Reactions dropped',
          unit: 'cpm',
          about: 'A minute, by whose limit it was; normal is none, and many are a client that floods a call.',
          queries: one(aMinute('where', 'hawser_sft_dropped_signals_total', HERE), '{{where}}'),
        },
      ],
    },
    {
      title: 'The machine',
      as: 'timeseries',
      panels: [
        {
          title: 'Load of the media workers',
          unit: 'percentunit',
          about:
            'Each may use one core; normal is below 70 %, and from 85 % on packets come late: more cores and sft.media.workers, or fewer people a server.',
          queries: one(
            `sum by (instance, worker) (rate(hawser_sft_worker_cpu_seconds_total{${HERE}}${RATE}))`,
            '{{instance}} {{worker}}',
          ),
          limits: [0.7, 0.85],
        },
        {
          title: 'Load of the main process',
          unit: 'percentunit',
          about:
            'Signalling and links, on one core; normal is below 50 %, and more makes joins slow: fewer conferences a server.',
          queries: one(
            `sum by (instance) (rate(hawser_sft_process_process_cpu_seconds_total{${HERE}}${RATE}))`,
            '{{instance}}',
          ),
          limits: [0.5, 0.8],
        },
        {
          title: 'Event loop lag, 99 of 100',
          unit: 's',
          about:
            'Normal is below 50 ms; more means that the main process is busy or the machine too full, and links become suspect.',
          queries: one(
            `max by (instance) (hawser_sft_process_nodejs_eventloop_lag_p99_seconds{${HERE}})`,
            '{{instance}}',
          ),
          limits: [0.1, 0.25],
        },
        {
          title: 'Memory of the main process',
          unit: 'bytes',
          about:
            'Normal is some 100 MB and level over days; what only grows is a fault of ours: keep the log, restart when no call goes on.',
          queries: one(`sum by (instance) (hawser_sft_process_process_resident_memory_bytes{${HERE}})`, '{{instance}}'),
        },
        {
          title: 'Faults, and workers that died',
          unit: 'cpm',
          about:
            'A minute; normal is none, and each has a line of level error in the log of the SFT, which we would like to have.',
          queries: [
            { expr: aMinute('instance', 'hawser_sft_faults_total', HERE), legend: '{{instance}} faults' },
            { expr: aMinute('instance', 'hawser_sft_worker_deaths_total', HERE), legend: '{{instance}} workers' },
          ],
        },
        {
          title: 'Layers that people here send',
          unit: 'short',
          about:
            'Only what somebody watches is sent; normal is that layer 0 is the most, and none is sent that nobody looks at.',
          queries: one(`sum by (kind, layer) (hawser_sft_published_layers{${HERE}})`, '{{kind}} {{layer}}'),
        },
      ],
    },
  ],
};
