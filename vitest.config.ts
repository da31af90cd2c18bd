import { defineConfig } from 'vitest/config';

// Of two cores two thirds were used by two files at a time: much of a test waits, for timers and for other processes.
const WAITING = 3;

// By itself one second, which a page on a busy machine needs at times for what takes it a tenth of that; here as long as anything in a page,
// and below what a test has.
const everywhere = { environment: 'node', pool: 'forks', expect: { poll: { timeout: 15_000 } } } as const;
// Files of one process share what they import, which is a fifth of the time; nothing that is tested keeps state in a module.
const shared = { ...everywhere, isolate: false, maxWorkers: WAITING } as const;
// A limit is there to end what hangs: what takes two seconds by itself takes ten and more on a machine that does something else.
const patient = { testTimeout: 30_000, hookTimeout: 60_000 } as const;

// Real media from Node through SFTs: a quarter to a half of a core each, for most of its time waiting for packets.
const trunks = [
  'sft/{layers,limits,moderation,publishing,purity,renewal,rotation,voices,vp9}.e2e.test.ts',
  'sft/link/abuse.e2e.test.ts',
];

// Real media that takes whole cores: what arrives in which quality depends on what else the machine does meanwhile.
const media = [
  'bench/{trunk,voices}.e2e.test.ts',
  'cli/demo/{demo,layouts}.e2e.test.ts',
  'client/sframe/worker.e2e.test.ts',
  'sft/viewers.e2e.test.ts',
  'web/{page,wire}.e2e.test.ts',
];

export default defineConfig({
  test: {
    // Where media is judged: a test that starts media servers already uses more than one core by itself.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          ...patient,
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.e2e.test.ts', '**/*.postgres.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // All tests of the homeserver once more on PostgreSQL, with a few faults, and those that are about nothing else.
        test: {
          ...shared,
          ...patient,
          name: 'postgres',
          include: ['homeserver/**/*.test.ts', 'bench/soak/faults/faults.test.ts'],
          // What files cost and what they are kept in, mail, slow clients, what goes between two homeservers, and who comes in at the
          // door for other domains, have nothing to do with the database.
          exclude: [
            '**/node_modules/**',
            '**/*.e2e.test.ts',
            'homeserver/assets/{crash,folder,foreign-memory,memory,range,s3}.test.ts',
            'homeserver/federation/{discovery,door,door-limits,downloads,hostile,hostile-answers,refused,signed-door,signed-requests,upgrade,versions,watched}.test.ts',
            'homeserver/{files,outage,people}.test.ts',
            'homeserver/http/client/{assets,hardening,openapi,tls}.test.ts',
            'homeserver/mail/{letters,postman,starttls,transport}.test.ts',
          ],
          globalSetup: ['homeserver/testing/postgres.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // With browsers and whole servers.
        test: {
          ...everywhere,
          maxWorkers: WAITING,
          name: 'e2e',
          include: ['**/*.e2e.test.ts'],
          exclude: ['**/node_modules/**', ...trunks, ...media],
          testTimeout: 90_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // After the others, two files at a time.
        test: {
          ...everywhere,
          name: 'trunks',
          include: trunks,
          testTimeout: 90_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // At the end, one file at a time.
        test: {
          ...everywhere,
          name: 'media',
          include: media,
          fileParallelism: false,
          testTimeout: 90_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
