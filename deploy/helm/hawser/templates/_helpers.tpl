{{/* What the values cannot show one by one is refused here, in sentences. */}}
{{- define "hawser.check" -}}
{{- if not .Values.domain }}{{ fail "domain is missing: the DNS name of your organisation. Add --set domain=alpha.example." }}{{ end }}
{{- if hasPrefix "sft." .Values.domain }}{{ fail (printf "domain is %s, and a domain cannot begin with sft., which is the name of the SFT of another one." .Values.domain) }}{{ end }}
{{- if and (not .Values.ingress.enabled) (not .Values.homeserver.tlsSecret) }}{{ fail "Browsers give camera and microphone to https pages only: set homeserver.tlsSecret (and sft.tlsSecret) to a Secret of type kubernetes.io/tls, or ingress.enabled=true." }}{{ end }}
{{- if and .Values.ingress.enabled .Values.homeserver.tlsSecret }}{{ fail "ingress.enabled and homeserver.tlsSecret are both set, and one of the two ends TLS towards browsers. Leave homeserver.tlsSecret empty, or set ingress.enabled=false." }}{{ end }}
{{- if .Values.sft.enabled }}
{{- if not .Values.sft.address }}{{ fail "sft.address is missing: the IP address of the media server's node, as browsers reach it. Add --set sft.address=203.0.113.7." }}{{ end }}
{{- if not .Values.sft.nodeSelector }}{{ fail (printf "sft.nodeSelector is missing: name the node that has the address %s. Add --set sft.nodeSelector.kubernetes\\\\.io/hostname=NODE." .Values.sft.address) }}{{ end }}
{{- if and (not .Values.ingress.enabled) (not .Values.sft.tlsSecret) }}{{ fail "sft.tlsSecret is missing: without an Ingress the media server itself ends TLS towards browsers. Set it to a Secret of type kubernetes.io/tls." }}{{ end }}
{{- if gt (int .Values.sft.trunkPorts.from) (int .Values.sft.trunkPorts.to) }}{{ fail (printf "sft.trunkPorts: the last port, %d, is below the first, %d." (int .Values.sft.trunkPorts.to) (int .Values.sft.trunkPorts.from)) }}{{ end }}
{{- end }}
{{- if and .Values.homeserver.database.url (not .Values.homeserver.database.passwordSecret) (not (contains "?" .Values.homeserver.database.url)) }}{{ fail "homeserver.database.passwordSecret is missing: the Secret that has the password of homeserver.database.url under the key password." }}{{ end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) }}{{ fail "metrics.serviceMonitor.enabled needs metrics.enabled=true: without it there is nothing to scrape." }}{{ end }}
{{- if and .Values.metrics.prometheusRule.enabled (not .Values.metrics.serviceMonitor.enabled) }}{{ fail "metrics.prometheusRule.enabled needs metrics.serviceMonitor.enabled=true: the alerts find the servers by the names of jobs that it gives." }}{{ end }}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.nodes) }}{{ fail "networkPolicy.nodes is missing: the addresses of the nodes, such as [10.0.0.0/16], whence the own media server and the probes come." }}{{ end }}
{{- include "hawser.checkSite" . }}
{{- end }}

{{/* What pods, Services and NOTES.txt are made from too stands in values of the chart: in `site` it would change hawser.yaml alone. */}}
{{- define "hawser.checkSite" -}}
{{- $places := dict
  "domain" "domain"
  "data" ""
  "peers" "peers"
  "homeserver.client.url" "homeserver.url"
  "homeserver.client.tls" "homeserver.tlsSecret"
  "homeserver.client.listen" ":8443"
  "homeserver.federation.listen" ":8448"
  "homeserver.admin.listen" ""
  "sft.client.url" "sft.url"
  "sft.client.tls" "sft.tlsSecret"
  "sft.client.listen" (printf "sft.clientPort:%d" (int .Values.sft.clientPort))
  "sft.link.listen" (printf "sft.linkPort:%d" (int .Values.sft.linkPort))
  "sft.admin.listen" "sft.adminPort"
  "sft.media.workers" "sft.workers"
  "sft.media.port" "sft.mediaPort"
  "sft.media.announcedIp" "sft.address"
  "sft.trunk.announcedIp" "sft.address"
  "sft.trunk.ports" "sft.trunkPorts"
  "sft.drainMinutes" "sft.drainMinutes" }}
{{- range $path, $place := $places }}
{{- $at := $.Values.site }}
{{- $isThere := true }}
{{- range $key := splitList "." $path }}
{{- if $isThere }}
{{- $isThere = false }}
{{- if kindIs "map" $at }}{{ if hasKey $at $key }}{{ $isThere = true }}{{ $at = get $at $key }}{{ end }}{{ end }}
{{- end }}
{{- end }}
{{- $value := $place | splitList ":" | first }}
{{- $port := trimPrefix $value $place }}
{{- if and $isThere (or (not $port) (not (hasSuffix $port (toString $at)))) }}
{{- if $value }}{{ fail (printf "site.%s is set, and the pod and its Services are made from the value %s. Set %s instead." $path $value $value) }}{{ end }}
{{- if $port }}{{ fail (printf "site.%s has another port than %s, which the pod and its Services have. Leave the port as it is; homeserver.clients.port and homeserver.federation.port say what the Services have outside." $path $port) }}{{ end }}
{{- fail (printf "site.%s is set, and the pod is made for what the chart writes there. Leave it out." $path) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "hawser.labels" -}}
app.kubernetes.io/name: hawser
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hawser.allLabels" -}}
{{ include "hawser.labels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "hawser.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "hawser.url" -}}
{{ .Values.homeserver.url | default (printf "https://%s" .Values.domain) }}
{{- end }}

{{- define "hawser.sftUrl" -}}
{{- $port := ternary "" (printf ":%d" (int .Values.sft.clientPort)) (and .Values.ingress.enabled (not .Values.sft.tlsSecret)) -}}
{{ .Values.sft.url | default (printf "wss://sft.%s%s/client/v1" .Values.domain $port) }}
{{- end }}

{{/* All addresses of the node: those of IPv6 too where it is told others. A kernel without IPv6 has no `::`. */}}
{{- define "hawser.sftListenIp" -}}
{{ ternary "::" "0.0.0.0" (contains ":" .Values.sft.address) }}
{{- end }}

{{- define "hawser.sftListen" -}}
{{ ternary "[::]" "0.0.0.0" (contains ":" .Values.sft.address) }}
{{- end }}

{{/* hawser.yaml, before `site` is laid over it. */}}
{{- define "hawser.site" -}}
domain: {{ .Values.domain }}
data: /data
peers: /etc/hawser/peers/peers.yaml
certificates:
  authority: /etc/hawser/certificates/authority.pem
  revocationList: /etc/hawser/certificates/revoked.pem
  homeserver:
    certificate: /etc/hawser/certificates/homeserver.pem
    key: /etc/hawser/certificates/homeserver.key
  sft:
    certificate: /etc/hawser/certificates/sft.pem
    key: /etc/hawser/certificates/sft.key
  tickets:
    privateKey: /etc/hawser/certificates/tickets.key
    publicKey: /etc/hawser/certificates/tickets.pem
  devices:
    root: /etc/hawser/certificates/devices-root.pem
    revocationList: /etc/hawser/certificates/devices-root-revoked.pem
    certificate: /etc/hawser/certificates/devices.pem
    key: /etc/hawser/certificates/devices.key
homeserver:
  client:
    listen: 0.0.0.0:8443
    url: {{ include "hawser.url" . }}
    {{- with .Values.homeserver.proxies }}
    proxies: {{ toJson . }}
    {{- end }}
    {{- if .Values.homeserver.tlsSecret }}
    tls:
      certificate: /etc/hawser/browsers/tls.crt
      key: /etc/hawser/browsers/tls.key
    {{- end }}
  federation:
    listen: 0.0.0.0:8448
    address: {{ .Values.homeserver.address | default (printf "hs.%s:8448" .Values.domain) | quote }}
  admin:
    listen: 127.0.0.1:8450
  {{- if .Values.homeserver.database.url }}
  database: {{ .Values.homeserver.database.url | quote }}
  {{- if .Values.homeserver.database.passwordSecret }}
  databasePasswordFile: /etc/hawser/database/password
  {{- end }}
  {{- end }}
sft:
  client:
    listen: "{{ include "hawser.sftListen" . }}:{{ int .Values.sft.clientPort }}"
    url: {{ include "hawser.sftUrl" . }}
    origins: [{{ include "hawser.url" . | quote }}]
    {{- if .Values.sft.tlsSecret }}
    tls:
      certificate: /etc/hawser/browsers/tls.crt
      key: /etc/hawser/browsers/tls.key
    {{- end }}
  link:
    listen: "{{ include "hawser.sftListen" . }}:{{ int .Values.sft.linkPort }}"
    url: {{ .Values.sft.linkUrl | default (printf "wss://sft.%s:%d/link/v1" .Values.domain (int .Values.sft.linkPort)) }}
  admin:
    listen: 127.0.0.1:{{ int .Values.sft.adminPort }}
  homeserver: wss://{{ .Release.Name }}-homeserver-federation.{{ .Release.Namespace }}.svc:{{ int .Values.homeserver.federation.port }}/sft/v1
  media:
    workers: {{ int .Values.sft.workers }}
    listenIp: {{ include "hawser.sftListenIp" . | quote }}
    announcedIp: {{ .Values.sft.address | default "127.0.0.1" | quote }}
    port: {{ int .Values.sft.mediaPort }}
  trunk:
    listenIp: {{ include "hawser.sftListenIp" . | quote }}
    announcedIp: {{ .Values.sft.address | default "127.0.0.1" | quote }}
    ports:
      from: {{ int .Values.sft.trunkPorts.from }}
      to: {{ int .Values.sft.trunkPorts.to }}
  {{- if .Values.sft.drainMinutes }}
  drainMinutes: {{ int .Values.sft.drainMinutes }}
  {{- end }}
{{- end }}

{{- define "hawser.wholeSite" -}}
{{ mergeOverwrite (include "hawser.site" . | fromYaml) (deepCopy .Values.site) | toYaml }}
{{- end }}

{{/* As little as a server needs: no root, no capability, nothing to write but /data and /tmp. */}}
{{- define "hawser.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "hawser.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A container that hands on the figures of the one beside it. Called with list of context, admin's port, own host and port. */}}
{{- define "hawser.metricsDoor" -}}
{{- $root := index . 0 -}}
- name: metrics
  image: {{ include "hawser.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [node, --disable-warning=ExperimentalWarning, /hawser/cli/metrics-door.ts]
  args: ["127.0.0.1:{{ index . 1 }}", "{{ index . 2 }}:{{ index . 3 }}"]
  ports:
    - name: metrics
      containerPort: {{ index . 3 }}
  securityContext: {{- include "hawser.containerSecurity" $root | nindent 4 }}
  resources:
    requests: { cpu: 10m, memory: 48Mi }
    limits: { memory: 128Mi }
{{- end }}
