/** Holds what is deployed against the descriptions of Kubernetes and Compose that are kept here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Schema from 'typebox/schema';

/** What is wrong with a value, one line a fault: where, and what. */
export type Faults = (value: unknown) => string[];

const KINDS: Readonly<Record<string, string>> = {
  'v1 ConfigMap': 'io.k8s.api.core.v1.ConfigMap',
  'v1 Service': 'io.k8s.api.core.v1.Service',
  'apps/v1 StatefulSet': 'io.k8s.api.apps.v1.StatefulSet',
  'networking.k8s.io/v1 Ingress': 'io.k8s.api.networking.v1.Ingress',
  'networking.k8s.io/v1 NetworkPolicy': 'io.k8s.api.networking.v1.NetworkPolicy',
  'policy/v1 PodDisruptionBudget': 'io.k8s.api.policy.v1.PodDisruptionBudget',
  'monitoring.coreos.com/v1 ServiceMonitor': 'com.coreos.monitoring.v1.ServiceMonitor',
  'monitoring.coreos.com/v1 PrometheusRule': 'com.coreos.monitoring.v1.PrometheusRule',
};

async function stored(name: string): Promise<object> {
  const schema: object = JSON.parse(await readFile(join(import.meta.dirname, name), 'utf8'));
  return schema;
}

function faultsBy(schema: object): Faults {
  const validator = Schema.Compile(schema);
  return (value) => {
    const [, errors] = validator.Errors(value);
    return errors.map(({ instancePath, message }) => `${instancePath || '/'} ${message}`);
  };
}

/** Of a manifest, by its own apiVersion and kind. A kind that the chart has not rendered before is a fault. */
export async function kubernetesFaults(): Promise<Faults> {
  const schema = await stored('kubernetes-1.29.json');
  const compiled = new Map<string, Faults>();
  return (manifest) => {
    const { apiVersion, kind } = Object(manifest);
    const name = KINDS[`${apiVersion} ${kind}`];
    if (name === undefined) return [`there is no schema of ${apiVersion} ${kind}`];
    const faults = compiled.get(name) ?? faultsBy({ ...schema, $ref: `#/$defs/${name}` });
    compiled.set(name, faults);
    return faults(manifest);
  };
}

export async function composeFaults(): Promise<Faults> {
  return faultsBy(await stored('compose-spec.json'));
}
