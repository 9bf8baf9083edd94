{{/* The name of the release's objects. */}}
{{- define "ticker.name" -}}
{{- if contains "ticker" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-ticker" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* What selects the pods of a part: list of the context and the part. */}}
{{- define "ticker.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: ticker
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* The labels of a part's objects: list of the context and the part. */}}
{{- define "ticker.labels" -}}
{{- $root := index . 0 -}}
{{ include "ticker.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{- define "ticker.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The URL of Redis for a user: list of the context and the user. The password is in a file. */}}
{{- define "ticker.redisUrl" -}}
{{- $redis := (index . 0).Values.redis -}}
{{ $redis.scheme }}://{{ index . 1 }}@{{ join "," $redis.hosts }}
{{- with $redis.service }}/{{ . }}{{ end }}
{{- if $redis.caSecret.name }}?ssl_ca_certs=/etc/ticker/redis-ca/ca.crt{{ end }}
{{- end }}

{{/* The variables of every part that uses Redis: list of the context and the part's values. */}}
{{- define "ticker.redisEnv" -}}
{{- $root := index . 0 -}}
- name: TICKER_REDIS_URL
  value: {{ include "ticker.redisUrl" (list $root (index . 1).redis.user) | quote }}
- name: TICKER_REDIS_PASSWORD_FILE
  value: /etc/ticker/redis/password
{{- end }}

{{- define "ticker.settingsEnv" -}}
- name: TICKER_SETTINGS
  value: /etc/ticker/settings/ticker.toml
- name: TICKER_LOG_FORMAT
  value: json
{{- end }}

{{- define "ticker.redisMounts" -}}
- {name: redis, mountPath: /etc/ticker/redis, readOnly: true}
{{- if .Values.redis.caSecret.name }}
- {name: redis-ca, mountPath: /etc/ticker/redis-ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "ticker.settingsMounts" -}}
- {name: settings, mountPath: /etc/ticker/settings, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{/* The volumes with the secrets of Redis: list of the context and the part's values. */}}
{{- define "ticker.redisVolumes" -}}
{{- $root := index . 0 -}}
{{- $secret := (index . 1).redis.passwordSecret -}}
- name: redis
  secret:
    secretName: {{ $secret.name }}
    defaultMode: 0440
    items:
      - {key: {{ $secret.key }}, path: password}
{{- with $root.Values.redis.caSecret }}
{{- if .name }}
- name: redis-ca
  secret:
    secretName: {{ .name }}
    items:
      - {key: {{ .key }}, path: ca.crt}
{{- end }}
{{- end }}
{{- end }}

{{- define "ticker.settingsVolumes" -}}
- name: settings
  configMap:
    name: {{ include "ticker.name" . }}-settings
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end }}

{{/* The annotations of pods: a change of the settings restarts them, and Prometheus finds their metrics. */}}
{{- define "ticker.podAnnotations" -}}
checksum/settings: {{ .Values.settings | sha256sum }}
prometheus.io/scrape: "true"
prometheus.io/port: "9100"
prometheus.io/path: /metrics
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What all pods share: no account, no root, no new privileges. List of the context and the part. */}}
{{- define "ticker.podSpec" -}}
{{- $root := index . 0 -}}
automountServiceAccountToken: false
# Kubernetes would set variables that begin with the release's name.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $root.Values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: {{ $root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "ticker.selector" (list $root (index $ 1)) | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "ticker.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The probes of a part with its metrics on a port of their own. A part that loads isn't killed. */}}
{{- define "ticker.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: metrics}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 3
{{- end }}
