/** For tests: the scenarios in a browser. Built by the test; `window.scenarios` is what it drives, and `window.server` what it gives. */
import { deleteBrowserVault, openBrowserVault } from '../../vault/indexed-db.ts';
import type { Damage, Environment } from './environment.ts';
import { scenariosFor } from './scenarios.ts';

/** What only the test can do. */
interface Server {
  readonly password: string;
  readonly makeAccount: (handle: string) => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

declare global {
  interface Window {
    serverPassword: string;
    serverMakeAccount: Server['makeAccount'];
    serverStop: Server['stop'];
    serverStart: Server['start'];
    playScenario: (name: string) => Promise<string>;
  }
}

const environment: Environment = {
  origin: '',
  get password() {
    return window.serverPassword;
  },
  makeAccount: (handle) => window.serverMakeAccount(handle),
  openVault: (name) => openBrowserVault({ name, ifMissing: 'create', ifInUse: 'refuse' }),
  deleteVault: (name) => deleteBrowserVault({ name, ifInUse: 'refuse' }),
  damageVault: damage,
  stopServer: () => window.serverStop(),
  startServer: () => window.serverStart(),
};

async function damage(name: string, how: Damage): Promise<void> {
  const database = await result(indexedDB.open(name));
  const store = () => database.transaction('records', 'readwrite').objectStore('records');
  switch (how) {
    case 'a record is missing':
      await result(store().delete('device'));
      break;
    case 'it cannot be opened':
      await result(store().delete(0)); // the keys
      break;
    case 'a bit is another': {
      const keys = await result(store().getAllKeys());
      const key = keys.find((each) => String(each).startsWith('group/'));
      const sealed: unknown = key === undefined ? undefined : await result(store().get(key));
      if (!(sealed instanceof Uint8Array)) throw new Error('there is no group in it');
      sealed[20] = (sealed[20] ?? 0) ^ 1;
      await result(store().put(sealed, key));
    }
  }
  database.close();
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** `done`, or what went wrong. */
window.playScenario = async (name) => {
  try {
    await scenariosFor(environment, 'b').get(name)?.(environment);
    return 'done';
  } catch (error) {
    return error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
  }
};
