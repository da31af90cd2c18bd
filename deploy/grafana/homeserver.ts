/** The dashboard of the homeserver: what an administrator looks at first stands first. */
import type { Dashboard } from './dashboard.ts';
import { aMinute, HERE, one, PEER, RATE } from './query.ts';

export const HOMESERVER: Dashboard = {
  uid: 'hawser-homeserver',
  title: 'Hawser: homeserver',
  about:
    'People, messages, and what goes to other organisations and comes from them. docs/guides/monitoring.md explains the figures.',
  variables: [
    { name: 'instance', label: 'Server', metric: 'hawser_homeserver_accounts' },
    { name: 'peer', label: 'Other organisation', metric: 'hawser_homeserver_peer_waiting' },
  ],
  sections: [
    {
      title: 'At a glance',
      as: 'stat',
      panels: [
        {
          title: 'SFT',
          unit: 'none',
          about:
            'Normal is "connected"; otherwise no call can be joined: look whether the SFT runs, whether sft.homeserver leads here, and at the log of both.',
          queries: one(`min(hawser_homeserver_sft_connected{${HERE}})`),
          words: { 0: 'not connected', 1: 'connected' },
          limits: [1, 0.5],
        },
        {
          title: 'Calls',
          unit: 'none',
          about: 'Calls in conversations of your people; normal is what they do at this time of day.',
          queries: one(`sum(hawser_homeserver_calls{${HERE}})`),
        },
        {
          title: 'Devices connected',
          unit: 'none',
          about:
            'Pages and bots that listen for events; normal follows the working day, and a fall to 0 is a door or proxy that is shut.',
          queries: one(`sum(hawser_homeserver_event_connections{${HERE}})`),
        },
        {
          title: 'Oldest that waits for others',
          unit: 's',
          about:
            'Normal is below a minute; otherwise an organisation is not reached: hawser peers status says which and why. After seven days messages are given back.',
          queries: one(`max(hawser_homeserver_peer_waiting_oldest_seconds{${HERE}})`),
          limits: [300, 3600],
          none: '0',
        },
        {
          title: 'Disk free',
          unit: 'percentunit',
          about:
            'Of the disk with the data folder; normal is above 15 %, and otherwise see docs/guides/files.md, and give it a larger disk.',
          queries: one(`min(hawser_homeserver_disk_free_bytes{${HERE}} / hawser_homeserver_disk_size_bytes{${HERE}})`),
          limits: [0.15, 0.05],
        },
        {
          title: 'Certificates end in',
          unit: 'd',
          about:
            'Certificates and revocation lists of this domain. Normal is more than 30 days; otherwise docs/guides/certificates.md, Renew, before federation, pages or devices stop.',
          queries: one(`min by (of) (hawser_homeserver_certificate_expiry_seconds{${HERE}}) / 86400`, '{{of}}'),
          limits: [30, 7],
        },
      ],
    },
    {
      title: 'Other organisations',
      as: 'timeseries',
      panels: [
        {
          title: 'What waits, by organisation',
          unit: 'short',
          about:
            'Normal is 0 with short peaks; what stays is an organisation that is not reached or refuses: hawser peers status DOMAIN.',
          queries: one(`sum by (peer) (hawser_homeserver_peer_waiting{${PEER}})`, '{{peer}}'),
        },
        {
          title: 'Age of the oldest that waits',
          unit: 's',
          about:
            'Normal is below a minute; a straight line upwards is an organisation that is away: look at your firewall, then ask its administrator.',
          queries: one(`max by (peer) (hawser_homeserver_peer_waiting_oldest_seconds{${PEER}})`, '{{peer}}'),
          limits: [300, 3600],
        },
        {
          title: 'Since the last answer',
          unit: 's',
          about:
            'Normal is up to some minutes, as an idle organisation is asked now and then; more is one that is not reached: hawser peers status DOMAIN.',
          queries: one(
            `time() - max by (peer) (hawser_homeserver_peer_reached_timestamp_seconds{${PEER}})`,
            '{{peer}}',
          ),
        },
        {
          title: 'Asked of others, by result',
          unit: 'cpm',
          about:
            'A minute; normal is ok, FED_UNREACHABLE is a path or server that is down, FED_REFUSED that you are not allowed there: docs/reference/errors.md.',
          queries: one(
            aMinute('peer, result', 'hawser_homeserver_federation_sent_total', PEER),
            '{{peer}}: {{result}}',
          ),
        },
        {
          title: 'Asked by others, by result',
          unit: 'cpm',
          about:
            'A minute; normal is ok, and many of one other code are a far server with a fault or of another version: hawser audit tail shows them.',
          queries: one(
            aMinute('peer, result', 'hawser_homeserver_federation_requests_total', PEER),
            '{{peer}}: {{result}}',
          ),
        },
        {
          title: 'Messages, by organisation and way',
          unit: 'cpm',
          about: 'A minute, those that came in and went out; normal follows the working day in both directions.',
          queries: one(aMinute('peer, way', 'hawser_homeserver_peer_messages_total', PEER), '{{peer}} {{way}}'),
        },
        {
          title: 'Refused at the door',
          unit: 'cpm',
          about:
            'A minute, by code; "other" is whoever is on no list, and normal there is little. A peer of yours among them: docs/guides/certificates.md, When a connection is refused.',
          queries: [
            {
              expr: aMinute('peer, code', 'hawser_homeserver_peer_refusals_total', HERE),
              legend: '{{peer}}: {{code}}',
            },
            {
              expr: aMinute('code', 'hawser_homeserver_connections_refused_total', HERE),
              legend: 'connections: {{code}}',
            },
          ],
          none: '0',
        },
        {
          title: 'Refused for good, or not taken',
          unit: 'cpm',
          about:
            'A minute: what another organisation refused for ever, and what it delivered and could not be true; normal is none, and hawser audit tail tells more.',
          queries: [
            {
              expr: aMinute('peer, code', 'hawser_homeserver_outbox_given_up_total', PEER),
              legend: '{{peer}} refused: {{code}}',
            },
            {
              expr: aMinute('peer, code', 'hawser_homeserver_feed_dropped_total', PEER),
              legend: '{{peer}} not taken: {{code}}',
            },
          ],
          none: '0',
        },
        {
          title: 'Certificates of others end in',
          unit: 'd',
          about:
            'As they were shown last; normal is more than 14 days, and otherwise tell its administrator, for on that day it is refused.',
          queries: one(
            `min by (peer) (hawser_homeserver_peer_certificate_expiry_seconds{${PEER}}) / 86400`,
            '{{peer}}',
          ),
          limits: [14, 3],
        },
        {
          title: 'Calls begun, by organisation',
          unit: 'cpm',
          about: 'A minute, in conversations with people of that organisation; normal follows the working day.',
          queries: one(aMinute('peer', 'hawser_homeserver_peer_calls_total', PEER), '{{peer}}'),
        },
      ],
    },
    {
      title: 'People',
      as: 'timeseries',
      panels: [
        {
          title: 'Messages accepted',
          unit: 'cpm',
          about:
            'A minute, of your people, by who owns the conversation; normal follows the working day, and 0 in it is a reason to send one.',
          queries: one(aMinute('hub', 'hawser_homeserver_messages_accepted_total', HERE), '{{hub}}'),
        },
        {
          title: 'Refusals to clients',
          unit: 'cpm',
          about:
            'A minute, by code; HOME_UNAUTHENTICATED is normal when pages wake up, HOME_SLOW_DOWN in numbers is somebody who guesses passwords: docs/reference/errors.md.',
          queries: one(aMinute('code', 'hawser_homeserver_client_refusals_total', HERE), '{{code}}'),
        },
        {
          title: 'Tickets for calls',
          unit: 'cpm',
          about:
            'A minute, one for each join; normal follows the calls, and many for few calls are people who are cut off and come back.',
          queries: one(`60 * sum(rate(hawser_homeserver_tickets_issued_total{${HERE}}${RATE}))`, 'tickets'),
        },
        {
          title: 'Accounts and sessions',
          unit: 'short',
          about:
            'Normal is slow growth; a jump of accounts with open registration is somebody who plays: hawser accounts list.',
          queries: [
            { expr: `sum(hawser_homeserver_accounts{${HERE}})`, legend: 'accounts' },
            { expr: `sum(hawser_homeserver_sessions{${HERE}})`, legend: 'sessions' },
          ],
        },
        {
          title: 'E-mails that wait',
          unit: 'short',
          about:
            'Normal is 0 with short peaks; otherwise the mail server of homeserver.mail.url does not take them: docs/guides/accounts.md.',
          queries: one(`sum(hawser_homeserver_mail_waiting{${HERE}})`, 'waiting'),
          limits: [10, 100],
        },
        {
          title: 'Age of the oldest e-mail',
          unit: 's',
          about:
            'Normal is some seconds; a code is of use for minutes only, so that from then on nobody registers or gets a password back.',
          queries: one(`max(hawser_homeserver_mail_waiting_oldest_seconds{${HERE}})`, 'oldest'),
          limits: [120, 900],
        },
        {
          title: 'E-mails that failed',
          unit: 'cpm',
          about:
            'A minute, by code of the mail library; normal is none, EAUTH is our password, ECONNECTION the path, EENVELOPE an address: docs/guides/accounts.md.',
          queries: one(aMinute('code', 'hawser_homeserver_mail_failed_total', HERE), '{{code}}'),
          none: '0',
        },
        {
          title: 'Wake-ups by push services',
          unit: 'cpm',
          about:
            'A minute; normal is taken, gone is a browser that unsubscribed, and later for long is a way out that is shut: docs/guides/notifications.md.',
          queries: one(aMinute('result', 'hawser_homeserver_push_sent_total', HERE), '{{result}}'),
        },
      ],
    },
    {
      title: 'The machine',
      as: 'timeseries',
      panels: [
        {
          title: 'Room on the disk',
          unit: 'bytes',
          about:
            'Free and whole size of the disk with the data folder, and what files take of it; normal is slow change, and homeserver.assets.totalMb bounds the files.',
          queries: [
            { expr: `min by (instance) (hawser_homeserver_disk_free_bytes{${HERE}})`, legend: '{{instance}} free' },
            { expr: `min by (instance) (hawser_homeserver_disk_size_bytes{${HERE}})`, legend: '{{instance}} size' },
            { expr: `sum by (instance) (hawser_homeserver_asset_bytes{${HERE}})`, legend: '{{instance}} files' },
          ],
        },
        {
          title: 'Memory',
          unit: 'bytes',
          about:
            'Normal is 150 to 400 MB and level over days; what only grows is a fault of ours: keep the log, then restart.',
          queries: one(`sum by (instance) (hawser_homeserver_resident_memory_bytes{${HERE}})`, '{{instance}}'),
        },
        {
          title: 'Processor',
          unit: 'percentunit',
          about:
            'Of one core, with what runs beside the event loop; normal is below 50 %, and peaks at the start of the working day.',
          queries: one(`sum by (instance) (rate(hawser_homeserver_cpu_seconds_total{${HERE}}${RATE}))`, '{{instance}}'),
          limits: [0.7, 1],
        },
        {
          title: 'Event loop lag',
          unit: 's',
          about:
            'Normal is a median below 5 ms and a longest below 250 ms; more is a disk or database that is slow, or a machine that is too full.',
          queries: [
            {
              expr: `max by (instance) (hawser_homeserver_event_loop_lag_p50_seconds{${HERE}})`,
              legend: '{{instance}} median',
            },
            {
              expr: `max by (instance) (hawser_homeserver_event_loop_lag_max_seconds{${HERE}})`,
              legend: '{{instance}} longest',
            },
          ],
          limits: [0.25, 1],
        },
        {
          title: 'Faults',
          unit: 'cpm',
          about:
            'A minute; normal is none, and each has a line of level error in the log of the homeserver, which we would like to have.',
          queries: one(aMinute('instance', 'hawser_homeserver_faults_total', HERE), '{{instance}}'),
        },
        {
          title: 'Files on their way',
          unit: 'short',
          about:
            'Uploads that are not complete, and files of others that are being fetched; normal is a few, and what stays for a day is swept away.',
          queries: [
            { expr: `sum(hawser_homeserver_asset_uploads{${HERE}})`, legend: 'uploads' },
            { expr: `sum(hawser_homeserver_foreign_downloads{${HERE}})`, legend: 'downloads' },
          ],
        },
      ],
    },
  ],
};
